Root = case os:getenv("RELEASE_ROOT") of false -> code:root_dir(); Dir -> Dir end,
File = filename:join([Root, "releases", "@TO@", "edeliver_agent.beam"]),
Code = case file:read_file(File) of {ok, Read} -> Read; {error, Reason} -> erlang:error({no_agent, File, Reason}) end,
{ok, {_, Md5}} = beam_lib:md5(Code),
case erlang:function_exported(edeliver_agent, module_info, 1) andalso edeliver_agent:module_info(md5) =:= Md5 of
    true -> ok;
    false -> {module, _} = code:load_binary(edeliver_agent, File, Code)
end.
