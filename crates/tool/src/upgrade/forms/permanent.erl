%% Makes an installed release permanent for release_handler, and brings up to date what a restart inside the node would read.
case release_handler:make_permanent(To) of
    ok ->
        Dir = filename:join([Root, "releases", To]),
        _ = [os:putenv(Name, Value) || {Name, Value} <- [{"RELEASE_VSN", To}, {"RELEASE_SYS_CONFIG", filename:join(Dir, "sys")},
                                                         {"RELEASE_VM_ARGS", filename:join(Dir, "vm.args")}],
                                       os:getenv(Name) =/= false],
        ok;
    Other ->
        {error, unicode:characters_to_binary(io_lib:format("~0tP", [Other, 40]))}
end.
