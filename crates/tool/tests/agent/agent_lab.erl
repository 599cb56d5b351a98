%% Makes releases of small applications below a directory, starts one in this node, and compares what must be the same.
-module(agent_lab).
-export([compiled/3, beams/4, md5s/2, root/0, application/3, application/4, release/4, config/3, up/3, plan/4, plan/5, script/1, picture/0, same/2, upgrade/1, done/1,
         beam/3, eventually/1, quiet/0, us/1, workers/1, put_file/2]).

root() -> os:getenv("LAB_ROOT").

quiet() -> logger:set_primary_config(level, none).

%% #{module => source}; the attributes are made here: -module and, unless the source has its own, -vsn of the release.
application(App, Vsn, Sources) -> application(App, Vsn, Sources, []).

application(App, Vsn, Sources, Props) ->
    Dir = filename:join([root(), "lib", lists:concat([App, "-", Vsn]), "ebin"]),
    ok = filelib:ensure_dir(filename:join(Dir, "x")),
    Mods = [begin {M, Bin} = compiled(M, Source, Vsn), ok = file:write_file(filename:join(Dir, lists:concat([M, ".beam"])), Bin), M end
            || {M, Source} <- maps:to_list(Sources)],
    Spec = {application, App, [{description, ""}, {vsn, Vsn}, {modules, Mods}, {registered, []}, {applications, [kernel, stdlib]} | Props]},
    ok = file:write_file(filename:join(Dir, lists:concat([App, ".app"])), io_lib:format("~tp.~n", [Spec])),
    {App, Vsn}.

compiled(M, Source, Vsn) ->
    Vsns = case string:find(Source, "-vsn(") of nomatch -> "-vsn(\"" ++ Vsn ++ "\").\n"; _ -> "" end,
    File = filename:join(["src", Vsn, lists:concat([M, ".erl"])]),
    ok = put_file(File, ["-module(", atom_to_list(M), ").\n", Vsns, Source]),
    {ok, M, Bin} = compile:file(filename:join(root(), File), [binary, deterministic, report_errors, nowarn_export_all]),
    {M, Bin}.

release(Name, Vsn, Apps, Config) ->
    Libs = [{A, V, lists:concat(["lib/", A, "-", V])} || {A, V} <- Apps],
    put({libs, Vsn}, Libs),
    config(Name, Vsn, Config),
    put_file(filename:join(["releases", Vsn, "start.boot"]), "not read by anyone here"),
    Libs.

config(_, Vsn, Config) -> put_file(filename:join(["releases", Vsn, "sys.config"]), io_lib:format("~tp.~n", [Config])).

put_file(Name, Text) ->
    File = filename:join(root(), Name),
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, Text).

beam(App, Vsn, M) -> filename:join([root(), "lib", lists:concat([App, "-", Vsn]), "ebin", lists:concat([M, ".beam"])]).

%% Starts the applications of a release in this node as a boot script would: paths, code, configuration, start.
up(Vsn, Apps, Config) ->
    Libs = get({libs, Vsn}),
    Dirs = [filename:join([root(), D, "ebin"]) || {_, _, D} <- Libs],
    ok = code:add_pathsa(Dirs),
    ok = application_controller:change_application_data([], Config),
    [{module, _} = code:load_abs(filename:join(Dir, filename:rootname(F))) || Dir <- Dirs, F <- filelib:wildcard("*.beam", Dir)],
    [ok = application:start(App, permanent) || App <- Apps],
    ok.

plan(From, To, Script, Back) -> plan(From, To, Script, Back, #{}).

plan(From, To, Script, Back, More) ->
    maps:merge(#{v => 1, id => <<"run1">>, direction => up, from => From, to => To, root => root(), name => "lab", script => Script, back => Back,
                 libs => get({libs, To}), old_libs => get({libs, From}), md5 => md5s(To, From), old_md5 => md5s(From, To), removed => [],
                 discover => [], options => #{suspend_timeout => 1000, code_change_timeout => 1000, child_timeout => 1000, confirm_within => 60000}},
               More).

%% What changes between two releases: the modules of the first that the second has not, or has otherwise.
md5s(Vsn, Other) ->
    Those = all_md5s(Other),
    [X || X <- all_md5s(Vsn), not lists:member(X, Those)].

all_md5s(Vsn) ->
    [{list_to_atom(filename:basename(F, ".beam")), code:module_md5(element(2, {ok, _} = file:read_file(F)))}
     || {_, _, D} <- get({libs, Vsn}), F <- filelib:wildcard(filename:join([root(), D, "ebin", "*.beam"]))].

%% A script in the form that edeliver generates. #{from, to, direction, code => [{App, Vsn, Mods}], suspend, load, change, children, more, remove}
script(#{from := From, to := To, code := Code} = S) ->
    Get = fun(Key) -> maps:get(Key, S, []) end,
    Mode = maps:get(direction, S, up),
    Loads = [{load, {M, brutal_purge, brutal_purge}} || M <- maps:get(load, S, [M || {_, _, Ms} <- Code, M <- Ms])],
    Change = [{code_change, Mode, [case M of {_, _} -> M; _ -> {M, []} end || M <- Get(change)]} || Get(change) =/= []],
    Suspend = [{suspend, Get(suspend)} || Get(suspend) =/= []],
    Resume = [{resume, Get(suspend)} || Get(suspend) =/= []],
    Protocols = [{apply, {edeliver_agent, protocols, [From, To]}} || maps:get(protocols, S, false)],
    Sups = [{code_change, Mode, [{M, []} || M <- Get(supervisors)]} || Get(supervisors) =/= []],
    Children = [{apply, {edeliver_agent, children, [From, To, Get(children)]}} || Get(children) =/= []],
    Inner = case Mode of up -> Loads ++ Protocols ++ Change ++ Sups; down -> Change ++ Loads ++ Protocols ++ Sups end,
    [{load_object_code, C} || C <- Code] ++ [point_of_no_return, {apply, {edeliver_agent, config, [From, To]}}]
        ++ Suspend ++ Inner ++ Resume ++ Get(more) ++ Children
        ++ [{remove, {M, brutal_purge, brutal_purge}} || M <- Get(remove)] ++ [{purge, Get(remove)} || Get(remove) =/= []].

upgrade(Plan) -> edeliver_agent:upgrade(Plan).

done(Plan) ->
    case edeliver_agent:upgrade(Plan) of
        {done, Report} -> Report;
        Other -> error({not_done, Other})
    end.

%% Everything that "as before" means.
picture() ->
    Apps = [A || {A, _, _} <- application:loaded_applications()],
    #{processes => lists:sort([{Sup, Id, Pid, state(Pid)} || {Sup, Id, Pid} <- tree()]),
      names => lists:sort([{N, whereis(N)} || N <- registered()]) -- [{edeliver_agent, whereis(edeliver_agent)}, {timer_server, whereis(timer_server)}],
      environment => lists:sort([{A, lists:sort(application:get_all_env(A))} || A <- Apps]),
      specifications => lists:sort([{A, [sorted(K) || K <- element(2, application:get_all_key(A))]} || A <- Apps]),
      running => lists:sort(application:which_applications()),
      data => lists:sort(element(tuple_size(sys:get_state(application_controller)), sys:get_state(application_controller))),
      path => code:get_path(),
      files => lists:sort([{M, F} || {M, F} <- code:all_loaded(), M =/= edeliver_agent, is_ours(F)]),
      %% Modules of OTP are loaded when they are first called, which is no difference.
      md5 => lists:sort([{M, M:module_info(md5)} || {M, F} <- code:all_loaded(), M =/= edeliver_agent, is_ours(F) orelse is_map_key(M, otp())]),
      specs => lists:sort([{Sup, Id, supervisor:get_childspec(Sup, Id)} || {Sup, Id, _} <- tree(), is_pid(Sup), Id =/= undefined, real(Sup)]),
      old_code => lists:sort([M || {M, F} <- code:all_loaded(), is_ours(F), erlang:check_old_code(M)]),
      dictionaries => lists:sort([{P, [K || {K, _} <- element(2, process_info(P, dictionary)), string:find(io_lib:format("~p", [K]), "edeliver") =/= nomatch]} || {_, _, P} <- tree(), is_process_alive(P)])}.

otp() ->
    case get(otp) of
        undefined -> put(otp, maps:from_list(code:all_loaded())), get(otp);
        Known -> Known
    end.

sorted({env, Env}) -> {env, lists:sort(Env)};
sorted(Key) -> Key.

is_ours(F) -> is_list(F) andalso lists:prefix(root(), F).

real(Sup) ->
    case proc_lib:translate_initial_call(Sup) of {supervisor, _, 1} -> true; _ -> false end.

tree() ->
    lists:append([below(Root) ++ [{none, App, Root}]
                  || {App, _, _} <- application:which_applications(), not lists:member(App, [kernel, stdlib, compiler, sasl]),
                     Master <- [application_controller:get_master(App)], is_pid(Master), {Root, _} <- [application_master:get_child(Master)]]).

below(Sup) ->
    case real(Sup) of
        true -> lists:append([[{Sup, Id, Pid} | if is_pid(Pid) -> below(Pid); true -> [] end] || {Id, Pid, _, _} <- supervisor:which_children(Sup)]);
        false -> []
    end.

%% A state compared as it is; of a supervisor what it knows of its children.
state(Pid) when is_pid(Pid) ->
    try sys:get_state(Pid, 2000) catch _:_ -> none end;
state(Other) -> Other.

same(Before, After) ->
    Different = [{K, maps:get(K, Before) -- maps:get(K, After), maps:get(K, After) -- maps:get(K, Before)}
                 || K <- maps:keys(Before), maps:get(K, Before) =/= maps:get(K, After)],
    case Different of [] -> ok; _ -> error({not_as_before, Different}) end.

eventually(Fun) -> eventually(Fun, 100).
eventually(Fun, 0) -> true = Fun();
eventually(Fun, N) ->
    case Fun() of true -> ok; _ -> timer:sleep(20), eventually(Fun, N - 1) end.

us(Report) -> io_lib:format("prepare ~b us, suspended ~b us, total ~b us", [maps:get(K, Report, 0) || K <- [prepare, suspended, total]]).

workers(Sup) -> [P || {_, P, _, _} <- supervisor:which_children(Sup)].

%% An application whose beams are compiled already.
beams(App, Vsn, From, Props) ->
    Dir = filename:join([root(), "lib", lists:concat([App, "-", Vsn]), "ebin"]),
    ok = filelib:ensure_dir(filename:join(Dir, "x")),
    Files = filelib:wildcard("*.beam", From),
    [{ok, _} = file:copy(filename:join(From, F), filename:join(Dir, F)) || F <- Files],
    Spec = {application, App, [{description, ""}, {vsn, Vsn}, {modules, [list_to_atom(filename:rootname(F)) || F <- Files]}, {registered, []},
                               {applications, [kernel, stdlib, elixir]} | Props]},
    ok = file:write_file(filename:join(Dir, lists:concat([App, ".app"])), io_lib:format("~tp.~n", [Spec])),
    Consolidated = filename:join([root(), "releases", Vsn, "consolidated", "x"]),
    ok = filelib:ensure_dir(Consolidated),
    [{ok, _} = file:copy(F, filename:join(filename:dirname(Consolidated), filename:basename(F))) || F <- filelib:wildcard(filename:join([From, "consolidated", "*.beam"]))],
    {App, Vsn}.
