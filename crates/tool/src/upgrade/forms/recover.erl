%% After a failed installation. release_handler switches specifications and environments of all applications before it does anything
%% else, and leaves them like that when it fails early. When it fails late, the node is on its way down.
case {init:get_status(), persistent_term:get({edeliver, before}, none)} of
    {{started, started}, Before} when is_list(Before) ->
        ok = application_controller:change_application_data(Before, []),
        persistent_term:erase({edeliver, before}),
        recovered;
    {{started, started}, none} -> nothing;
    _ -> restarts
end.
