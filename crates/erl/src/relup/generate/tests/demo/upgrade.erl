%% Makes two releases below a root, and upgrades a node by release_handler alone. Erlang's own libraries stay where they are.
-module(upgrade).
-export([make/1, there_and_back/1, by_systools/1]).

make(Root) ->
    [make(Root, Vsn, Apps) || {Vsn, Apps} <- [{"0.1.0", [{demo, "1"}]}, {"0.2.0", [{demo, "2"}, {extra, "1"}]}]].

make(Root, Vsn, Apps) ->
    Dir = filename:join([Root, "releases", Vsn]),
    Otp = [{App, vsn(App)} || App <- [kernel, stdlib, sasl]],
    Rel = {release, {"rel", Vsn}, {erts, erlang:system_info(version)}, Otp ++ Apps},
    ok = filelib:ensure_dir(filename:join(Dir, "x")),
    ok = file:write_file(filename:join(Dir, "rel.rel"), io_lib:format("~p.~n", [Rel])),
    ok = file:write_file(filename:join(Dir, "sys.config"), "[{sasl, [{sasl_error_logger, false}]}].\n"),
    {ok, _, _} = systools:make_script(filename:join(Dir, "rel"), [silent, local, {path, paths(Root)}, {outdir, Dir}]),
    {ok, _} = file:copy(filename:join(Dir, "rel.boot"), filename:join(Dir, "start.boot")),
    {ok, edeliver_agent} = compile:file(filename:join(Root, "edeliver_agent.erl"), [{outdir, Dir}]).

vsn(App) ->
    _ = application:load(App),
    {ok, Vsn} = application:get_key(App, vsn),
    Vsn.

paths(Root) -> filelib:wildcard(filename:join(Root, "lib/*/ebin")).

%% What systools makes of the appup.
by_systools(Root) ->
    [Old, New] = [filename:join([Root, "releases", Vsn, "rel"]) || Vsn <- ["0.1.0", "0.2.0"]],
    {ok, Relup, _, _} = systools:make_relup(New, [Old], [Old], [noexec, {path, paths(Root)}]),
    io:format("~tp.~n", [Relup]).

there_and_back(Root) ->
    Lib = filename:join(Root, "lib"),
    Rel = fun(Vsn) -> filename:join([Root, "releases", Vsn, "rel.rel"]) end,
    ok = release_handler:create_RELEASES(filename:join(Root, "releases"), Rel("0.1.0"), [{demo, "1", Lib}]),
    ok = supervisor:terminate_child(sasl_sup, release_handler),
    {ok, _} = supervisor:restart_child(sasl_sup, release_handler),
    {ok, "0.2.0"} = release_handler:set_unpacked(Rel("0.2.0"), [{demo, "2", Lib}, {extra, "1", Lib}]),
    {v1, 1} = demo_counter:count(),
    Pid = whereis(demo_counter),
    {ok, "0.1.0", _} = release_handler:check_install_release("0.2.0"),
    {v1, 2} = demo_counter:count(),
    undefined = persistent_term:get(called, undefined),
    {ok, "0.1.0", _} = release_handler:install_release("0.2.0", [{update_paths, true}]),
    {v2, 12, [{migrated, []}], true} = demo_counter:count(),
    2 = demo_pure:version(),
    false = code:is_loaded(demo_gone),
    Pid = whereis(demo_counter),
    {ok, second} = find(second),
    {ok, "0.1.0", _} = release_handler:install_release("0.1.0", [{update_paths, true}]),
    {v1, 13} = demo_counter:count(),
    Pid = whereis(demo_counter),
    1 = demo_pure:version(),
    false = code:is_loaded(demo_new),
    false = code:is_loaded(extra),
    false = lists:keymember(extra, 1, application:which_applications()),
    false = lists:keymember(extra, 1, application:loaded_applications()),
    io:format("~p.~n", [persistent_term:get(called)]).

find(Id) ->
    case supervisor:get_childspec(demo_sup, Id) of {ok, #{id := Found}} -> {ok, Found}; Error -> Error end.
