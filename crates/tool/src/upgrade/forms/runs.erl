%% What release_handler takes for the running release: the current one, else the permanent one.
case catch release_handler:which_releases() of
    Releases when is_list(Releases) ->
        hd([Version || {_, Version, _, current} <- Releases] ++ [Version || {_, Version, _, permanent} <- Releases] ++ [none]);
    _ -> none
end.
