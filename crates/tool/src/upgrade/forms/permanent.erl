%% Makes an installed release permanent for release_handler, and has the agent bring up to date what a restart inside the node would read.
begin
    Killed = edeliver_agent:end_old_code(),
    case release_handler:make_permanent(To) of
        ok -> {ok, Killed ++ edeliver_agent:settled(#{root => Root, name => Name, from => From, to => To})};
        Other -> {error, unicode:characters_to_binary(io_lib:format("~0tP", [Other, 40]))}
    end
end.
