%% Installs a release. What an early failure leaves behind is put back by recover.erl, from what is kept here.
begin
    persistent_term:put({edeliver, before},
                        [{application, App, element(2, {ok, _} = application:get_all_key(App))}
                         || {App, _, _} <- application:loaded_applications()]),
    case catch release_handler:install_release(To, Options) of
        {ok, From, _} ->
            persistent_term:erase({edeliver, before}),
            edeliver_agent:installed(To),
            {ok, From};
        {error, {code_change_failed, Pid, Module, _, Reason}} ->
            {error, unicode:characters_to_binary(io_lib:format("code_change of ~tp failed in ~tp: ~0tP~n~0tP", [Module, Pid, Reason, 8, Reason, 60]))};
        Other ->
            {error, unicode:characters_to_binary(io_lib:format("~0tP~n~0tP", [Other, 12, Other, 60]))}
    end
end.
