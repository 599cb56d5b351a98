%% How a node is, in one question. status.form is this in the abstract format; a test keeps both the same.
{status,
 init:get_status(),
 element(2, init:script_id()),
 case erlang:whereis(release_handler) of
     undefined ->
         [{Version, current} || {ok, [[Boot | _] | _]} <- [init:get_argument(boot)],
                                [_, Version, "releases" | _] <- [lists:reverse(filename:split(Boot))]];
     _ ->
         try
             Releases = release_handler:which_releases(),
             Known = [Lib || {_, _, Libs, _} <- Releases, Lib <- Libs],
             Apps = [Lib || {App, _, Its} <- application:loaded_applications(),
                            Lib <- [lists:concat([App, "-", Its])], lists:member(Lib, Known)],
             [{Version, Standing} || {_, Version, _, Standing} <- Releases] ++
                 [{Version, loaded} || {_, Version, Libs, _} <- Releases, Apps -- Libs =:= []]
         catch _:_ -> [] end
 end,
 element(1, erlang:statistics(wall_clock)),
 erlang:memory(total),
 erlang:system_info(process_count),
 erlang:statistics(run_queue)}.
