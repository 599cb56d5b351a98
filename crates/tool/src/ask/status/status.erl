%% How a node is, in one question. status.form is this in the abstract format; a test keeps both the same.
{status,
 init:get_status(),
 element(2, init:script_id()),
 case erlang:whereis(release_handler) of
     undefined ->
         [{Version, current} || {ok, [[Boot | _] | _]} <- [init:get_argument(boot)],
                                [_, Version, "releases" | _] <- [lists:reverse(filename:split(Boot))]];
     _ -> try [{Version, Standing} || {_, Version, _, Standing} <- release_handler:which_releases()] catch _:_ -> [] end
 end,
 element(1, erlang:statistics(wall_clock)),
 erlang:memory(total),
 erlang:system_info(process_count),
 erlang:statistics(run_queue)}.
