%% The agent of a hot upgrade: it is loaded into a running node, carries a relup script out as a transaction, and is unloaded again.
%%
%% It interprets the instructions of a relup itself instead of giving them to release_handler, because release_handler restarts the node
%% when something fails. Everything the agent changes is written into an undo log first. A failure while the processes are suspended is
%% undone from the log: code, states, environment and code path are then as they were. A failure after the processes went on can't be
%% undone that way, their states are newer than the log: the script of the way back is carried out, as a transaction of its own.
%%
%% Three processes take part. The caller comes over distribution and may vanish at any time. The keeper, a gen_server registered as
%% edeliver_agent, owns the undo log, answers at any time and takes the upgrade back when nobody confirms it. The mover does one piece of
%% work (an upgrade, a revert, a commit) and may fail or be killed: the keeper then finishes the undoing.
%%
%% The module runs on OTP 25 to 29, with and without Elixir, with and without sasl. It needs only kernel and stdlib.
%%
%% Plan: #{v => 1, id => binary(), direction => up | down, from => string(), to => string(), root => string(), name => string(),
%%         script => [Instruction], back => [Instruction], libs => [{App, Vsn, Dir}], old_libs => [{App, Vsn, Dir}],
%%         md5 => [{Mod, Md5}], old_md5 => [{Mod, Md5}], removed => [Mod], discover => [App],
%%         options => #{suspend_timeout, code_change_timeout, child_timeout, call_timeout, confirm_within}}   (milliseconds)
%% Report: #{prepare, suspended, total   (microseconds), processes, modules, started => [{App, Id}], stopped => [{App, Id}],
%%           restarted => [{App, Id}], not_undoable => [Text], said => [Text], lingering => [{Pid, Mod}], killed => [{Pid, Mod}], warnings => [Note]}
%% Note, Reason, Warning, Why: {Tag, Text, Term}, where Text is a readable binary.
-module(edeliver_agent).
-behaviour(gen_server).

%% When an upgrade was last taken back, in seconds; it outlives this module.
-define(TAKEN_BACK, {?MODULE, taken_back}).

-export([version/0, preflight/1, upgrade/1, status/0, health/1, restarts/0, keep/2, commit/1, revert/1, unload/0]).
-export([config/2, protocols/2, children/3, stash/1, installed/1, failed/0, end_old_code/0, settled/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-include_lib("kernel/include/file.hrl").

-define(VERSION, 1).
-define(SAVED, '$edeliver_state').
%% Where instructions of the mix package find who listens to what they tell, and how that arrives.
-define(LISTENER, '$edeliver_listener').
-define(TOLD, '$edeliver_told').
%% A supervisor of these applications is never held: nothing of a release is started below them.
-define(BASE, [kernel, stdlib, sasl, compiler, elixir, logger]).

%% mods: what its child specification names, and its callback module; callback: of a supervisor.
-record(proc, {pid, app, sup, id, mods = [], kind = worker, callback}).

%% One transaction. phase: until processes go on (window) the log can undo everything; afterwards (running) it can't.
%% mark: tells the states that this transaction saves from what an earlier one may have left.
-record(tx, {plan, log, mark = make_ref(), road = there, phase = window, steps = [], reasons = [], warnings = [],
             files = #{},        % md5 => beam, of all that was read
             old_vsns = #{}, new_vsns = #{},   % module => its -vsn
             config,             % {resolved, ..} | {known, Snapshot}
             old_env = [],       % [{App, environment in the .app file of the old release}]
             snapshot,           % the configuration before
             env_before = [],    % as application_controller:config_change/1 wants it
             paths = [],         % [{App, old directory | none, new directory | none}]
             path,               % {code path before, after}; at first that of the move that is taken back
             consolidated,       % group of consolidated protocols to load
             procs = #{},        % the processes of the supervision trees, at the last walk
             tree = #{},         % supervisor => its children, before the move
             targets = #{},      % suspended: pid => #proc{}
             guards = [],        % supervisors that are held so that nothing is started in old code
             changed = [],       % [{Pid, Kind}] whose code_change has run
             stuck = [],         % still in code_change
             ended = [],         % who never came out of it
             modes = {0, #{}},   % {place in the log, module => callback mode of the old gen_statem}
             types = [],         % [{App, Type}] of applications that were started
             stopped = [],       % [{Mods, App, Sup, Id}], by the instruction `stop`
             wanted = #{},       % supervisor or application => its child specifications before
             known = #{},        % the same, from the move that is taken back
            was = unpacked,     % what release_handler called the release before this move ran it; on the way back, of the one that is left
             since, report = #{}}).

-record(keeper, {state = idle, id, log, mover, moving, waiting = [], plan, keep = #{}, last, timer, deadline, tries = 0,
                 stash = #{}, failed = []}).

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% What is called from outside
%%% ---------------------------------------------------------------------------------------------------------------------------------

%% The version of this protocol.
version() -> ?VERSION.

%% Would this upgrade be possible now? Changes nothing, except that a sys.config.src of the new release is rendered.
preflight(Plan) ->
    case occupied(Plan) of
        {true, Reason} -> {refused, [Reason]};
        false -> in_own_process(fun() -> preflight_now(Plan) end)
    end.

%% {done, Report} | {reverted, Why, Report}: everything is as before | {broken, Why, Report}: it could not be put back.
%% Asked again with the id of an upgrade that is under way or done, it gives the result of that one.
upgrade(Plan) -> call({upgrade, Plan}).

%% idle | {working, Id, #{from, to}} | {soaking, Id, #{from, to, left_ms}} | {over, Id, LastResult}
status() ->
    case whereis(?MODULE) of
        undefined -> idle;
        _ -> gen_server:call(?MODULE, status, 30000)
    end.

%% How the node does since the upgrade: #{restarts, missing, suspended, old_code, md5}, each a list, empty when all is well.
health(Id) -> call({health, Id}).

%% What supervisors have restarted until now, to compare with what they restart later: [{Supervisor, Restarts, Seconds, Names}], the count of
%% the last so many seconds. A supervisor that never restarted anything is not in it. Names: those that its children are registered by.
restarts() ->
    case bounded(fun restarts_now/0, 30000) of
        {ok, Restarts} -> Restarts;
        {error, _} -> []
    end.

%% The upgrade is reverted when nobody asks for more time for so long.
keep(Id, Ms) -> call({keep, Id, Ms}).

%% The upgrade stays: old code is purged and what the node knows of its release is brought up to date. {ok, Report} | {error, Why}
commit(Id) -> call({commit, Id}).

%% Takes a soaking upgrade back. The result is that of an upgrade: {reverted, Why, Report} | {broken, Why, Report}.
revert(Id) -> call({revert, Id}).

%% The keeper ends and the module goes. Refused while an upgrade is under way.
unload() ->
    case status() of
        {working, Id, _} -> {error, note(occupied, "upgrade ~ts is under way", [Id], Id)};
        {soaking, Id, _} -> {error, note(occupied, "upgrade ~ts waits to be confirmed", [Id], Id)};
        _ ->
            _ = [gen_server:stop(?MODULE) || is_pid(whereis(?MODULE))],
            code:delete(?MODULE),
            %% The caller still runs in this code, so the rest is done when it has left.
            {ok, _} = timer:apply_after(500, code, soft_purge, [?MODULE]),
            ok
    end.

call(Request) ->
    ok = start_keeper(),
    gen_server:call(?MODULE, Request, infinity).

start_keeper() ->
    case gen_server:start({local, ?MODULE}, ?MODULE, [], []) of
        {ok, _} -> ok;
        {error, {already_started, _}} -> ok
    end.

occupied(#{id := Id}) ->
    case status() of
        {working, Other, _} -> {true, note(occupied, "upgrade ~ts is under way", [Other], Other)};
        {soaking, Other, _} when Other =/= Id -> {true, note(occupied, "upgrade ~ts waits to be confirmed", [Other], Other)};
        {soaking, Id, _} -> {true, note(occupied, "upgrade ~ts is done and waits to be confirmed", [Id], Id)};
        _ -> false
    end;
occupied(_) -> {true, note(plan, "this is not a plan", [], none)}.

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% The keeper
%%% ---------------------------------------------------------------------------------------------------------------------------------

init([]) ->
    process_flag(trap_exit, true),
    local_group_leader(),
    {ok, #keeper{}}.

%% What the operator's node lent us as group leader goes away with it.
local_group_leader() ->
    case whereis(user) of
        undefined -> ok;
        User -> group_leader(User, self())
    end.

handle_call(status, _, K) -> {reply, state_of(K), K};
handle_call({upgrade, #{id := Id}}, From, #keeper{state = working, id = Id} = K) ->
    {noreply, K#keeper{waiting = [From | K#keeper.waiting]}};
handle_call({upgrade, #{id := Id}}, _, #keeper{state = soaking, id = Id, last = Last} = K) -> {reply, Last, K};
handle_call({upgrade, _}, _, #keeper{state = State, id = Id} = K) when State =:= working; State =:= soaking ->
    {reply, {reverted, note(occupied, "upgrade ~ts is not over", [Id], Id), #{}}, K};
handle_call({upgrade, #{v := 1, id := Id} = Plan}, From, K) ->
    {noreply, start_mover(fun(Log) -> move(Plan, #{}, Log) end, From, (fresh(K, Id, Plan))#keeper{moving = {Plan, none}})};
handle_call({upgrade, _}, _, K) -> {reply, {reverted, note(plan, "this is not a plan of version 1", [], none), #{}}, K};
handle_call({keep, Id, Ms}, _, #keeper{state = soaking, id = Id} = K) -> {reply, ok, deadline(Ms, K)};
handle_call({health, Id}, From, #keeper{state = soaking, id = Id} = K) ->
    #keeper{plan = Plan, keep = Keep, last = Last} = K,
    spawn(fun() -> gen_server:reply(From, told(bounded(fun() -> health_now(Plan, Keep, Last) end, 60000))) end),
    {noreply, K};
handle_call({commit, Id}, From, #keeper{state = soaking, id = Id, plan = Plan} = K) ->
    {noreply, start_mover(fun(_) -> commit_now(Plan, maps:get(types, K#keeper.keep, [])) end, From, (calm(K))#keeper{moving = commit})};
handle_call({revert, Id}, From, #keeper{state = soaking, id = Id} = K) ->
    {noreply, start_revert(note(asked, "the operator took the upgrade back", [], Id), [From], K)};
handle_call({Ask, Id}, From, #keeper{state = working, id = Id} = K) when Ask =:= revert; Ask =:= commit ->
    _ = From,
    {reply, not_soaking(Ask, note(occupied, "upgrade ~ts is under way", [Id], Id)), K};
handle_call({revert, Id}, _, #keeper{state = over, id = Id, last = Last} = K) when element(1, Last) =/= committed -> {reply, Last, K};
handle_call({Ask, Id}, _, K) when Ask =:= health; Ask =:= commit; Ask =:= revert ->
    {reply, not_soaking(Ask, note(not_soaking, "no upgrade ~ts waits to be confirmed", [Id], Id)), K};
handle_call({keep, Id, _}, _, K) -> {reply, {error, note(not_soaking, "no upgrade ~ts waits to be confirmed", [Id], Id)}, K};
handle_call({stash, Key, What}, _, #keeper{stash = Stash} = K) -> {reply, ok, K#keeper{stash = Stash#{Key => What}, failed = case Key of {config, _} -> []; _ -> K#keeper.failed end}};
handle_call({stashed, Key}, _, #keeper{stash = Stash} = K) -> {reply, maps:find(Key, Stash), K#keeper{stash = maps:remove(Key, Stash)}};
handle_call({failed, What}, _, #keeper{failed = Failed} = K) -> {reply, ok, K#keeper{failed = Failed ++ What}};
handle_call(failed, _, #keeper{failed = Failed} = K) -> {reply, Failed, K};
handle_call(_, _, K) -> {reply, {error, note(unknown, "unknown request", [], none)}, K}.

handle_cast(_, K) -> {noreply, K}.

handle_info({moved, Pid, Result}, #keeper{mover = {Pid, Ref}} = K) ->
    erlang:demonitor(Ref, [flush]),
    {noreply, moved(Result, K#keeper{mover = undefined})};
handle_info({'DOWN', Ref, process, Pid, Reason}, #keeper{mover = {Pid, Ref}} = K) -> {noreply, mover_died(Reason, K)};
handle_info({deadline, Ref}, #keeper{state = soaking, timer = {_, Ref}, id = Id} = K) ->
    {noreply, start_revert(note(unconfirmed, "nobody confirmed the upgrade in time", [], Id), [], K)};
handle_info(_, K) -> {noreply, K}.

state_of(#keeper{state = idle}) -> idle;
state_of(#keeper{state = working, id = Id, plan = #{from := From, to := To}}) -> {working, Id, #{from => From, to => To}};
state_of(#keeper{state = over, id = Id, last = Last}) -> {over, Id, Last};
state_of(#keeper{state = soaking, id = Id, plan = #{from := From, to := To}, deadline = Deadline}) ->
    {soaking, Id, #{from => From, to => To, left_ms => max(0, Deadline - now_ms())}}.

told({ok, Health}) -> Health;
told({error, Why}) -> {error, note(agent, "the node can't be looked at: ~ts", [Why], none)}.

not_soaking(revert, Why) -> {broken, Why, #{}};
not_soaking(_, Why) -> {error, Why}.

fresh(K, Id, Plan) -> (calm(K))#keeper{id = Id, plan = Plan, keep = #{}, last = undefined, tries = 0}.

start_mover(Work, From, K) ->
    Log = ets:new(edeliver_undo, [ordered_set, public]),
    Keeper = self(),
    %% Many answers come at once: no time is lost with a growing heap.
    {Pid, Ref} = spawn_opt(fun() -> Keeper ! {moved, self(), Work(Log)} end, [monitor, {min_heap_size, 1000000}, {message_queue_data, off_heap}]),
    K#keeper{state = working, mover = {Pid, Ref}, log = Log, waiting = [From || From =/= none]}.

start_revert(Why, Waiting, #keeper{plan = Plan, keep = Keep} = K) ->
    Back = flipped(Plan),
    K1 = start_mover(fun(Log) -> {reverting, Why, move(Back, Keep, Log)} end, none, (calm(K))#keeper{moving = {Back, Why}}),
    K1#keeper{waiting = Waiting}.

%% A mover never dies of its own; if one is killed the undo log is still here, and tells how far it came.
mover_died(Reason, #keeper{log = Log, moving = Moving, waiting = Waiting} = K) ->
    Why = note(died, "the process that upgrades ended: ~0tP", [Reason, 20], none),
    K1 = K#keeper{mover = undefined},
    case {Moving, ets:tab2list(Log)} of
        {commit, _} -> moved({uncommitted, Why}, K1);
        {{_, For}, []} -> moved(as_asked(For, {reverted, Why, #{}}), K1);
        {{Plan, For}, Entries} ->
            #keeper{log = Unused} = K2 = start_mover(fun(_) -> as_asked(For, rescued(Plan, Log, Entries, Why)) end, none, K1),
            ets:delete(Unused),
            K2#keeper{log = Log, waiting = Waiting}
    end.

as_asked(none, Result) -> Result;
as_asked(Why, Result) -> {reverting, Why, Result}.

rescued(Plan, Log, Entries, Why) ->
    Snapshot = case [S || {_, {config, S}} <- Entries] of [S | _] -> S; [] -> undefined end,
    Phase = case lists:keymember(running, 2, Entries) of true -> running; false -> window end,
    ended({failed, Why, #tx{plan = with_strings(Plan), log = Log, phase = Phase, snapshot = Snapshot}}, now_us(), #{}).

moved({done, Report, Keep}, K) -> soaking({done, Report}, Keep, answer({done, Report}, K));
moved({committed, Report}, K) -> over({committed, Report}, answer({ok, Report}, K));
moved({uncommitted, Why}, K) -> soaking(K#keeper.last, K#keeper.keep, answer({error, Why}, K));
moved({reverting, Why, {done, Report, _}}, K) ->
    %% What crashed in a release that was taken back is no measure for its next try.
    persistent_term:put(?TAKEN_BACK, erlang:monotonic_time(second)),
    finish({reverted, Why, Report}, K);
%% The way back failed and was undone itself: the new release runs as it ran.
moved({reverting, Why, {_, Back, Report}}, K) -> still_here({broken, way_back(Why, Back), Report}, K);
moved({_, _, _} = Result, K) -> finish(Result, K).

finish(Result, K) -> over(Result, answer(Result, K)).

still_here(Result, #keeper{tries = Tries, last = Last, keep = Keep} = K) when Tries < 3 ->
    soaking(Last, Keep, (answer(Result, K))#keeper{tries = Tries + 1});
still_here(Result, K) -> finish(Result, K).

way_back({_, Text, Term}, {_, Back, _}) -> note(way_back, "~ts; the way back failed: ~ts", [Text, Back], Term).

answer(Result, #keeper{waiting = Waiting} = K) ->
    _ = [gen_server:reply(From, Result) || From <- Waiting],
    K#keeper{waiting = []}.

soaking(Last, Keep, #keeper{plan = Plan} = K) ->
    deadline(option(confirm_within, Plan), drop_log(K#keeper{state = soaking, last = Last, keep = Keep})).

over(Result, K) ->
    K1 = calm(drop_log(K)),
    K1#keeper{state = over, last = Result, keep = #{}, plan = undefined}.

drop_log(#keeper{log = undefined} = K) -> K;
drop_log(#keeper{log = Log} = K) ->
    ets:delete(Log),
    K#keeper{log = undefined}.

deadline(Ms, K) ->
    Ref = make_ref(),
    Timer = erlang:send_after(Ms, self(), {deadline, Ref}),
    (calm(K))#keeper{timer = {Timer, Ref}, deadline = now_ms() + Ms}.

calm(#keeper{timer = undefined} = K) -> K;
calm(#keeper{timer = {Timer, _}} = K) ->
    _ = erlang:cancel_timer(Timer),
    K#keeper{timer = undefined}.

%% The same journey in the other direction.
flipped(#{from := From, to := To, script := Script, back := Back, libs := Libs, old_libs := OldLibs, md5 := Md5, old_md5 := OldMd5} = Plan) ->
    Plan#{from := To, to := From, script := Back, back := Script, libs := OldLibs, old_libs := Libs, md5 := OldMd5, old_md5 := Md5,
          direction => other(maps:get(direction, Plan, up)), removed => []}.

other(up) -> down;
other(down) -> up.

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% A move: prepare, carry out, verify; on failure undo
%%% ---------------------------------------------------------------------------------------------------------------------------------

%% Kept is what an earlier move left for its way back: #{files, config, wanted}.
move(Plan, Kept, Log) ->
    T0 = now_us(),
    case prepare(Plan, Kept, Log) of
        {refused, Reasons} ->
            {reverted, note(refused, "nothing was changed: ~ts", [texts(Reasons)], Reasons), #{total => now_us() - T0}};
        {ok, Tx, Warnings} ->
            Report = #{prepare => now_us() - T0, warnings => Warnings, started => [], stopped => [], restarted => [],
                       not_undoable => [], killed => [], lingering => [], processes => 0, suspended => 0,
                       modules => length(maps:keys(Tx#tx.new_vsns))},
            ended(run(Tx#tx.steps ++ [verify], Tx#tx{report = Report}), T0, Kept)
    end.

ended({ok, Tx}, T0, _Kept) ->
    %% Nobody confirms the way back.
    Tx#tx.road =:= back andalso (ok = set_types(Tx#tx.types)),
    Report = (Tx#tx.report)#{total => now_us() - T0},
    {done, Report, kept(Tx)};
ended({failed, Why, #tx{phase = window} = Tx}, T0, _) ->
    Undone = undo_all(Tx),
    in_total(undone(Undone, spelled(Why)), T0);
ended({failed, Why, #tx{phase = running, log = Log} = Tx}, T0, Kept) ->
    Tx1 = undo_until(running, Tx),
    ets:delete_all_objects(Log),
    Back = case maps:get(back, Tx#tx.plan, []) of
               [] -> {reverted, note(no_way_back, "the plan has no way back", [], none), #{}};
               _ -> move((flipped(Tx#tx.plan))#{back => []}, maps:merge(Kept, kept(Tx1)), Log)
           end,
    case Back of
        {done, Report, _} -> in_total({reverted, Why, merged(Tx1#tx.report, Report)}, T0);
        {_, BackWhy, _} -> in_total({broken, way_back(Why, BackWhy), Tx1#tx.report}, T0)
    end.

in_total({Result, Why, Report}, T0) -> {Result, Why, Report#{total => now_us() - T0}}.

merged(There, Back) ->
    Lists = [killed, warnings, not_undoable, said],
    maps:merge(maps:merge(There, Back), maps:from_list([{K, maps:get(K, There, []) ++ maps:get(K, Back, [])} || K <- Lists])).

undone({[], #tx{ended = []} = Tx}, Why) -> {reverted, Why, Tx#tx.report};
undone({[], #tx{ended = Ended} = Tx}, {Tag, Text, Term}) ->
    Lost = text("~ts; ended, because it stayed there: ~ts, started again by its supervisor, its state is lost", [Text, lists:join(", ", Ended)]),
    {reverted, {Tag, Lost, Term}, Tx#tx.report};
undone({Problems, Tx}, {_, Text, Term}) ->
    {broken, note(not_undone, "~ts; and could not be put back: ~ts", [Text, texts(Problems)], Term), Tx#tx.report}.

%% What the way back needs: it must not depend on files that may be gone, nor ask the providers of the old configuration again.
kept(#tx{files = Files, snapshot = Snapshot, wanted = Wanted, tree = Tree, types = Types, path = Path, procs = Procs, was = Was}) ->
    #{was => Was, quiet => maps:filter(fun(_, #proc{kind = Kind, mods = Mods}) -> Kind =:= worker andalso Mods =:= [] end, Procs), path => Path, files => Files, config => Snapshot, wanted => Wanted, tree => Tree, types => Types,
      running => [App || {App, _, _} <- application:which_applications()]}.

run([], Tx) -> {ok, Tx};
run([Step | Steps], Tx) ->
    try step(Step, Tx) of
        Tx1 -> run(Steps, Tx1)
    catch
        throw:{failed, Why, Tx1} -> {failed, Why, Tx1};
        throw:{failed, Why} -> {failed, Why, Tx};
        Class:Reason:Stack ->
            {failed, note(agent, "~0tP failed: ~ts", [Step, 12, exception(Class, Reason, Stack)], none), Tx}
    end.

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Preparation: everything that can be known, read or go wrong without touching anything
%%% ---------------------------------------------------------------------------------------------------------------------------------

preflight_now(#{v := 1} = Plan) ->
    case prepare(Plan, #{}, none) of
        {refused, Reasons} -> {refused, Reasons};
        {ok, Tx, Warnings} -> answered(Tx, Warnings)
    end;
preflight_now(_) -> {refused, [note(plan, "this is not a plan of version 1", [], none)]}.

%% A process that does not answer now would not be suspended either.
answered(#tx{plan = Plan} = Tx, Warnings) ->
    Targets = maps:keys(targets(suspended_modules(Tx#tx.steps), Tx)),
    Ask = fun(_, From) -> {system, From, {debug, {statistics, get}}} end,
    case ask(Targets, Ask, option(suspend_timeout, Plan)) of
        {_, _, []} -> {ok, #{processes => length(Targets), warnings => Warnings}};
        {_, _, Silent} -> {refused, [busy(Silent, Tx)]}
    end.

prepare(Plan, Kept, Log) ->
    Tx = #tx{plan = with_strings(Plan), log = Log, files = maps:get(files, Kept, #{}), known = maps:get(wanted, Kept, #{}),
             config = maps:get(config, Kept, undefined),
             path = maps:get(path, Kept, undefined), was = maps:get(was, Kept, unpacked), road = if map_size(Kept) > 0 -> back; true -> there end},
    case read_script(Tx) of
        #tx{reasons = []} = Tx1 ->
            Stages = [fun node_is_up/1, fun find_boot_file/1, fun find_libraries/1, fun read_code/1, fun read_consolidated/1, fun read_config/1,
                      fun look_at_processes/1, fun look_at_lingering/1, fun look_at_children/1],
            prepared(lists:foldl(fun(Stage, T) -> staged(Stage, T) end, Tx1, Stages));
        Tx1 -> prepared(Tx1)
    end.

staged(Stage, Tx) ->
    try Stage(Tx)
    catch Class:Reason:Stack -> refuse(note(agent, "preparing failed: ~ts", [exception(Class, Reason, Stack)], none), Tx)
    end.

prepared(#tx{reasons = [], warnings = Warnings} = Tx) -> {ok, Tx, lists:reverse(Warnings)};
prepared(#tx{reasons = Reasons}) -> {refused, lists:reverse(Reasons)}.

refuse(Note, #tx{reasons = Reasons} = Tx) -> Tx#tx{reasons = [Note | Reasons]}.
warn(Note, #tx{warnings = Warnings} = Tx) -> Tx#tx{warnings = [Note | Warnings]}.

with_strings(#{root := Root, from := From, to := To} = Plan) ->
    Libs = fun(Key) -> [{App, string(Vsn), string(Dir)} || {App, Vsn, Dir} <- maps:get(Key, Plan, [])] end,
    Plan#{root := string(Root), from := string(From), to := string(To), libs => Libs(libs), old_libs => Libs(old_libs)}.

node_is_up(Tx) ->
    case init:get_status() of
        {started, started} -> Tx;
        {Status, _} -> refuse(note(node, "the node is not up yet or going down: ~tp", [Status], Status), Tx)
    end.

%% The new release is to boot later, and a node that can't boot is worse than one that was not upgraded. The way back is never refused for that.
find_boot_file(#tx{plan = #{root := Root, to := To}, road = there} = Tx) ->
    Dir = filename:join([Root, "releases", To]),
    case boot_of(Dir) of
        {ok, _} -> Tx;
        none -> refuse(note(boot, "~ts is missing: release ~ts can't boot", [filename:join(Dir, "start.boot"), To], none), Tx)
    end;
find_boot_file(Tx) -> Tx.

%% What a release boots, without its extension: start.boot of mix and relx; reltool and Distillery call it like the release. {ok, File} | none
boot_of(Dir) ->
    Others = ["start_clean.boot", "start_sasl.boot", "no_dot_erlang.boot"],
    case {filelib:is_regular(filename:join(Dir, "start.boot")), [F || F <- filelib:wildcard("*.boot", Dir), not lists:member(F, Others)]} of
        {true, _} -> {ok, filename:join(Dir, "start")};
        {false, [Boot]} -> {ok, filename:join(Dir, filename:rootname(Boot))};
        {false, _} -> none
    end.

%% The script as steps: neighbouring loads become one, and all processes go on at the last resume, so that there is one window only.
read_script(#tx{plan = #{script := Script}} = Tx) ->
    case [I || I <- Script, not known(I)] of
        [] -> Tx#tx{steps = config_in_window(with_config(one_window(steps(Script, before))))};
        Unknown -> lists:foldl(fun refuse_instruction/2, Tx, Unknown)
    end.

refuse_instruction(Instruction, Tx) ->
    Text = case Instruction of
               restart_emulator -> "it restarts the emulator";
               restart_new_emulator -> "it starts another emulator";
               {sync_nodes, _, _} -> "nodes are not synchronised by this engine";
               _ -> "it is not known"
           end,
    refuse(note(instruction, "~0tP can't be carried out: ~s", [Instruction, 12, Text], none), Tx).

known({load_object_code, {_, _, Mods}}) -> is_list(Mods);
known(point_of_no_return) -> true;
known({load, {M, _, _}}) -> is_atom(M);
known({remove, {M, _, _}}) -> is_atom(M);
known({Tag, Mods}) when Tag =:= purge; Tag =:= suspend; Tag =:= resume; Tag =:= stop; Tag =:= start; Tag =:= code_change -> is_list(Mods);
known({code_change, Mode, Mods}) -> (Mode =:= up orelse Mode =:= down) andalso is_list(Mods);
known({apply, {M, F, A}}) -> is_atom(M) andalso is_atom(F) andalso is_list(A);
known(_) -> false.

steps([{load_object_code, {App, Vsn, Mods}} | Is], Part) -> [{object_code, App, string(Vsn), Mods} | steps(Is, Part)];
steps([point_of_no_return | Is], _) -> [paths | steps(Is, later)];
steps([{load, _} | _] = Is, Part) ->
    {Loads, Rest} = lists:splitwith(fun(I) -> element_1(I) =:= load end, Is),
    [{load, [M || {load, {M, _, _}} <- Loads]} | steps(Rest, Part)];
steps([{remove, {M, _, _}} | Is], Part) -> [{remove, M} | steps(Is, Part)];
%% Nothing is purged before the commit: until then there must be a way back, and nobody may be killed.
steps([{purge, _} | Is], Part) -> steps(Is, Part);
steps([{code_change, Mods} | Is], Part) -> [{code_change, up, Mods} | steps(Is, Part)];
%% What comes before the point of no return can only be the instruction that loads this module.
steps([{apply, {erl_eval, exprs, _}} | Is], before) -> steps(Is, before);
steps([{apply, {?MODULE, Hook, Args}} | Is], Part) -> [{hook, Hook, Args} | steps(Is, Part)];
steps([I | Is], Part) -> [I | steps(Is, Part)];
steps([], _) -> [].

one_window(Steps) ->
    case lists:splitwith(fun(S) -> element_1(S) =/= resume end, lists:reverse(Steps)) of
        {_, []} -> Steps;
        {After, [_ | Before]} -> [S || S <- lists:reverse(Before), element_1(S) =/= resume] ++ [resume | lists:reverse(After)]
    end.

%% A script that some other tool wrote has no hook for the configuration; release_handler switches it for every script.
with_config(Steps) ->
    case lists:keymember(config, 2, [S || {hook, _, _} = S <- Steps]) of
        true -> Steps;
        false -> lists:append([case S of paths -> [paths, {hook, config, []}]; _ -> [S] end || S <- Steps])
    end.

%% Old code should not see the new configuration, and while a busy process is waited for it would. Unless an application is started in
%% between, which wants it.
config_in_window(Steps) ->
    {Before, Rest} = lists:splitwith(fun(S) -> not is_tuple(S) orelse {element(1, S), element(2, S)} =/= {hook, config} end, Steps),
    case Rest of
        [Config | After] ->
            case lists:splitwith(fun(S) -> lists:member(element_1(S), [object_code, load, remove, suspend]) end, After) of
                {[], _} -> Steps;
                {Some, More} -> in_window(Before, Config, Some, More, Steps)
            end;
        [] -> Steps
    end.

in_window(Before, Config, Some, More, Steps) ->
    case lists:splitwith(fun(S) -> element_1(S) =/= suspend end, Some) of
        {First, [Suspend | Then]} -> Before ++ First ++ [Suspend, Config | Then] ++ More;
        _ -> Steps
    end.

element_1(S) when is_tuple(S) -> element(1, S);
element_1(S) -> S.

suspended_modules(Steps) -> lists:append([[module_of(M) || M <- Mods] || {suspend, Mods} <- Steps]).
changed_modules(Steps) -> lists:append([[M || {M, _} <- Mods] || {code_change, _, Mods} <- Steps]).
children_hooks(Steps) -> lists:append([lists:last(Args) || {hook, children, Args} <- Steps]).

module_of({M, _}) -> M;
module_of(M) -> M.

%% --- libraries -------------------------------------------------------------------------------------------------------------------

find_libraries(#tx{plan = #{root := Root, libs := Libs, old_libs := OldLibs}} = Tx) ->
    Missing = [Dir || {_, _, Dir} <- Libs, not filelib:is_dir(filename:join(Root, Dir))],
    Tx1 = lists:foldl(fun(Dir, T) -> refuse(note(library, "directory ~ts is missing", [Dir], none), T) end, Tx, Missing),
    Apps = lists:usort([App || {App, _, _} <- Libs ++ OldLibs]),
    Paths = [{App, lib_dir(App, OldLibs), lib_dir(App, Libs)} || App <- Apps],
    Tx1#tx{paths = [P || {_, Old, New} = P <- Paths, Old =/= New]}.

lib_dir(App, Libs) ->
    case lists:keyfind(App, 1, Libs) of
        {_, _, Dir} -> Dir;
        false -> none
    end.

%% Entries keep their places in the code path, their spelling may differ from ours (links), so libraries are known by their last names.
new_path(Path, #tx{paths = Paths, plan = #{root := Root, from := From, to := To}}) ->
    Known = maps:from_list([{filename:basename(Old), New} || {_, Old, New} <- Paths, Old =/= none]),
    Moved = lists:append([moved_entry(E, Known, Root, From, To) || E <- Path]),
    Ebins = [filename:join([Root, New, "ebin"]) || {_, none, New} <- Paths, New =/= none],
    with_consolidated(Moved ++ [E || E <- Ebins, not lists:member(E, Moved)], Root, To).

moved_entry(Entry, Known, Root, From, To) ->
    Lib = filename:basename(filename:dirname(Entry)),
    case {filename:basename(Entry), maps:find(Lib, Known)} of
        {Last, {ok, none}} when Last =:= "ebin"; Last =:= "consolidated" -> [];
        {Last, {ok, New}} when Last =:= "ebin"; Last =:= "consolidated" -> existing(filename:join([Root, New, Last]));
        {"consolidated", error} when Lib =:= From -> existing(filename:join([Root, "releases", To, "consolidated"]));
        _ -> [Entry]
    end.

existing(Dir) -> [Dir || filelib:is_dir(Dir)].

with_consolidated(Path, Root, To) ->
    Dir = filename:join([Root, "releases", To, "consolidated"]),
    case filelib:is_dir(Dir) andalso not lists:member(Dir, Path) of
        true -> [Dir | Path];
        false -> Path
    end.

%% --- code ------------------------------------------------------------------------------------------------------------------------

read_code(#tx{steps = Steps} = Tx) ->
    Homes = maps:from_list([{M, App} || {object_code, App, _, Mods} <- Steps, M <- Mods]),
    Changed = lists:usort([M || {load, Mods} <- Steps, M <- Mods] ++ [M || {remove, M} <- Steps]),
    Tx1 = lists:foldl(fun look_at_old_code/2, Tx, Changed),
    {Steps1, Tx2} = lists:mapfoldl(fun(S, T) -> read_step(S, Homes, T) end, Tx1, Steps),
    Tx2#tx{steps = [S || S <- Steps1, element_1(S) =/= object_code]}.

read_step({load, Mods}, Homes, Tx) ->
    {Files, Tx1} = read_all(Mods, fun(M, T) -> new_file(M, Homes, T) end, Tx),
    Tx2 = Tx1#tx{new_vsns = lists:foldl(fun({M, _, Bin}, Vsns) -> Vsns#{M => file_vsn(Bin)} end, Tx1#tx.new_vsns, Files)},
    group(Files, Tx2);
read_step({remove, M}, _, Tx) ->
    {Olds, Tx1} = read_olds([M], Tx),
    {{remove, M, Olds}, Tx1};
read_step(Step, _, Tx) -> {Step, Tx}.

read_all(Mods, Read, Tx) ->
    {Files, Tx1} = lists:mapfoldl(Read, Tx, Mods),
    {[F || F <- Files, F =/= none], Tx1}.

new_file(M, Homes, #tx{plan = #{root := Root, libs := Libs} = Plan} = Tx) ->
    case maps:find(M, Homes) of
        error -> {none, refuse(note(code, "~ts is loaded by the script, but no application has it", [M], M), Tx)};
        {ok, App} ->
            Path = filename:join([Root, lib_dir(App, Libs), "ebin", atom_to_list(M) ++ ".beam"]),
            Md5s = maps:get(md5, Plan, []),
            checked(M, Path, Md5s, read_known(M, Path, Md5s, Tx))
    end.

checked(M, Path, Md5s, {{ok, Bin}, Tx}) ->
    case {code:module_md5(Bin), lists:keyfind(M, 1, Md5s)} of
        {undefined, _} -> {none, refuse(note(code, "~ts is not the code of a module", [Path], M), Tx)};
        {Md5, {_, Other}} when Md5 =/= Other -> {none, refuse(note(md5, "~ts is not the file of the plan", [Path], M), Tx)};
        _ -> {{M, Path, Bin}, Tx}
    end;
checked(M, Path, _, {{error, Why}, Tx}) ->
    {none, refuse(note(code, "~ts can't be read: ~ts", [Path, file:format_error(Why)], M), Tx)}.

%% A file that was read for the way there may be gone on the way back.
read_known(M, Path, Md5s, #tx{files = Files} = Tx) ->
    case lists:keyfind(M, 1, Md5s) of
        {_, Md5} when is_map_key(Md5, Files) -> {{ok, maps:get(Md5, Files)}, Tx};
        _ -> read_beam(Path, Tx)
    end.

read_beam(Path, #tx{files = Files} = Tx) ->
    case file:read_file(Path) of
        {ok, Raw} ->
            Bin = plain(Raw),
            {{ok, Bin}, Tx#tx{files = Files#{code:module_md5(Bin) => Bin}}};
        Error -> {Error, Tx}
    end.

%% relx compresses beams. There are no binary patterns in this module: OTP 29 does not load what OTP 25 compiles them to.
plain(Raw) ->
    case binary:longest_common_prefix([Raw, <<16#1f, 16#8b>>]) of
        2 -> try zlib:gunzip(Raw) catch error:_ -> Raw end;
        _ -> Raw
    end.

group(Files, Tx) ->
    {Olds, Tx1} = read_olds([M || {M, _, _} <- Files], Tx),
    case runs(Files) of
        {ok, Runs} -> {{load, Runs, Olds}, Tx1};
        {error, Errors} -> {none, lists:foldl(fun refuse_code/2, Tx1, Errors)}
    end.

refuse_code({M, Why}, Tx) -> refuse(note(code, "~ts can't be loaded: ~tp", [M, Why], M), Tx).

%% What is loaded together: prepared, so that it becomes current at once. A module with on_load can't be prepared.
runs([]) -> {ok, []};
runs(Files) ->
    case code:prepare_loading(Files) of
        {ok, Prepared} -> {ok, [{together, Prepared, [M || {M, _, _} <- Files]}]};
        {error, Errors} ->
            case [E || {_, What} = E <- Errors, What =/= on_load_not_allowed] of
                [] -> split_runs(Files, [M || {M, _} <- Errors]);
                Bad -> {error, Bad}
            end
    end.

split_runs(Files, OnLoad) ->
    case lists:splitwith(fun({M, _, _}) -> not lists:member(M, OnLoad) end, Files) of
        {Plain, []} -> runs(Plain);
        {Plain, [{M, _, _} = One | Rest]} ->
            {ok, First} = runs(Plain),
            case split_runs(Rest, lists:delete(M, OnLoad)) of
                {ok, Last} -> {ok, First ++ [{single, One}] ++ Last};
                Error -> Error
            end
    end.

%% The code that runs now, to put it back: {Runs, [modules that are not loaded]}.
read_olds(Mods, Tx) ->
    {Loaded, Absent} = lists:partition(fun erlang:module_loaded/1, Mods),
    {Files, Tx1} = read_all(Loaded, fun old_file/2, Tx),
    Vsns = lists:foldl(fun(M, Vs) -> Vs#{M => loaded_vsn(M)} end, Tx1#tx.old_vsns, Loaded),
    case runs(Files) of
        {ok, Runs} -> {{Runs, Absent}, Tx1#tx{old_vsns = Vsns}};
        {error, Errors} -> {none, lists:foldl(fun refuse_code/2, Tx1, Errors)}
    end.

old_file(M, #tx{plan = Plan} = Tx) ->
    Md5 = M:module_info(md5),
    case lists:keyfind(M, 1, maps:get(old_md5, Plan, [])) of
        {_, Other} when Other =/= Md5 ->
            {none, refuse(note(md5, "the node runs another ~ts than release ~ts has", [M, maps:get(from, Plan)], M), Tx)};
        _ -> same_file(M, Md5, loaded_from(M), old_paths(M, Tx), Tx)
    end.

same_file(M, _, _, [], Tx) -> {none, refuse(note(code, "the file of the ~ts that runs can't be found", [M], M), Tx)};
same_file(M, Md5, Loaded, [Path | Paths], Tx) ->
    case read_beam(Path, Tx) of
        {{ok, Bin}, Tx1} ->
            case code:module_md5(Bin) of
                Md5 -> {{M, Loaded, Bin}, Tx1};
                _ -> same_file(M, Md5, Loaded, Paths, Tx)
            end;
        _ -> same_file(M, Md5, Loaded, Paths, Tx)
    end.

loaded_from(M) ->
    case code:is_loaded(M) of
        {file, File} when is_list(File) -> File;
        _ -> ""
    end.

old_paths(M, #tx{plan = #{root := Root, old_libs := Libs, from := From}}) ->
    Name = atom_to_list(M) ++ ".beam",
    [loaded_from(M), filename:join([Root, "releases", From, "consolidated", Name])]
        ++ [filename:join([Root, Dir, "ebin", Name]) || {_, _, Dir} <- Libs].

%% On the way back these were told already. Otherwise code of an earlier upgrade that somebody still runs
%% would have to be purged to load a third one, and who runs it killed.
look_at_old_code(_, #tx{road = back} = Tx) -> Tx;
look_at_old_code(M, Tx) ->
    case erlang:check_old_code(M) andalso (Tx#tx.log =:= none orelse not code:soft_purge(M)) andalso in_old_code(M) of
        Free when Free =:= false; Free =:= [] -> Tx;
        Pids ->
            refuse(note(old_code, "~ts still runs in an older ~ts, of an earlier upgrade", [pids(Pids), M], [{P, M} || P <- Pids]), Tx)
    end.

in_old_code(M) -> [P || P <- processes(), erlang:check_process_code(P, M) =:= true].

loaded_vsn(M) -> vsn(proplists:get_value(vsn, M:module_info(attributes), undefined)).

file_vsn(Bin) ->
    case beam_lib:version(Bin) of
        {ok, {_, Vsn}} -> vsn(Vsn);
        _ -> undefined
    end.

%% As release_handler gives it to code_change: a string as it is, any other single term without its list.
vsn([Term] = Vsn) -> case io_lib:printable_unicode_list(Vsn) of true -> Vsn; false -> Term end;
vsn(Vsn) -> Vsn.

%% --- consolidated protocols ------------------------------------------------------------------------------------------------------

read_consolidated(#tx{steps = Steps} = Tx) ->
    case [x || {hook, protocols, _} <- Steps] of
        [] -> Tx;
        _ ->
            {Group, Tx1} = consolidated_group(Tx),
            Tx1#tx{consolidated = Group}
    end.

consolidated_group(#tx{plan = Plan} = Tx) ->
    Paths = consolidated_files(Plan),
    {Files, Tx1} = lists:foldl(fun(Path, {Fs, T}) -> changed_protocol(Path, Fs, T) end, {[], Tx}, Paths),
    Tx2 = lists:foldl(fun({M, _, _}, T) -> look_at_old_code(M, T) end, Tx1, Files),
    group(lists:reverse(Files), Tx2).

changed_protocol(Path, Files, Tx) ->
    M = list_to_atom(filename:basename(Path, ".beam")),
    case read_beam(Path, Tx) of
        {{ok, Bin}, Tx1} ->
            Same = erlang:module_loaded(M) andalso M:module_info(md5) =:= code:module_md5(Bin),
            case Same of
                true -> {Files, Tx};
                false -> {[{M, Path, Bin} | Files], Tx1}
            end;
        {{error, Why}, _} -> {Files, refuse(note(code, "~ts can't be read: ~ts", [Path, file:format_error(Why)], M), Tx)}
    end.

%% mix keeps them beside the release, Distillery inside an application.
consolidated_files(#{root := Root, to := To, libs := Libs}) ->
    Dirs = [filename:join([Root, "releases", To, "consolidated"]) | [filename:join([Root, D, "consolidated"]) || {_, _, D} <- Libs]],
    lists:append([[filename:join(Dir, F) || F <- beams(file:list_dir(Dir))] || Dir <- Dirs]).

beams({ok, Files}) -> lists:sort([F || F <- Files, filename:extension(F) =:= ".beam"]);
beams(_) -> [].

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Configuration
%%% ---------------------------------------------------------------------------------------------------------------------------------

read_config(#tx{plan = Plan, config = undefined} = Tx) ->
    case resolved_config(Plan, option(child_timeout, Plan)) of
        {ok, Config} -> read_specs(Tx#tx{config = Config});
        {error, Reason} -> refuse(Reason, Tx)
    end;
read_config(#tx{config = Snapshot} = Tx) when is_map(Snapshot) -> Tx#tx{config = {known, Snapshot}}.

%% The configuration that release `to` would have at its start on this node, in this environment.
resolved_config(#{root := Root, to := To}, Timeout) ->
    Dir = filename:join([Root, "releases", To]),
    case render_sources(Dir) of
        ok -> with_providers(consult_config(config_file(Dir)), Timeout);
        {error, Reason} -> {error, Reason}
    end.

%% What a start of this release would read: its own file, or the host's that stands for it in every release.
config_file(Dir) -> of_host("LINK_SYS_CONFIG", filename:join(Dir, "sys.config")).

of_host(Variable, Own) ->
    case os:getenv(Variable, "") of
        "" -> Own;
        File -> File
    end.

consult_config(File) ->
    case file:consult(File) of
        {ok, [Config]} when is_list(Config) -> {ok, Config};
        {error, enoent} -> no_config(File, of_host("LINK_SYS_CONFIG", none));
        {error, Why} -> {error, note(config, "~ts: ~ts", [File, file:format_error(Why)], none)};
        _ -> {error, note(config, "~ts is not one list", [File], none)}
    end.

no_config(File, File) -> {error, note(config, "LINK_SYS_CONFIG: ~ts is not there", [File], none)};
no_config(_, _) -> {ok, []}.

with_providers({ok, Static}, Timeout) ->
    Elixir = proplists:get_value(elixir, [E || {_, _} = E <- Static], []),
    case proplists:get_value(config_provider_init, Elixir, none) of
        #{providers := [_ | _] = Providers} -> run_providers(Static, Providers, Timeout);
        _ -> {ok, {resolved, Static, static}}
    end;
with_providers(Error, _) -> Error.

run_providers(Static, Providers, Timeout) ->
    case bounded(fun() -> lists:foldl(fun({M, State}, Config) -> provided(M, M:load(Config, State)) end, Static, Providers) end, Timeout) of
        {ok, Config} -> {ok, {resolved, Config, provided}};
        {error, Why} -> {error, note(provider, "a configuration provider failed: ~ts", [Why], none)}
    end.

provided(_, Config) when is_list(Config) -> Config;
provided(M, _) -> error({not_a_list, M}).

%% relx renders these in its start script, that is for the release that starts and never for one that is upgraded to.
render_sources(Dir) ->
    Names = [N || N <- ["sys.config", "vm.args"], filelib:is_regular(filename:join(Dir, N ++ ".src"))],
    lists:foldl(fun(N, ok) -> render(filename:join(Dir, N)); (_, Error) -> Error end, ok, Names).

render(File) ->
    New = File ++ ".new",
    case file:read_file(File ++ ".src") of
        {ok, Source} ->
            Results = [file:write_file(New, <<>>), file:change_mode(New, mode(File)), file:write_file(New, substituted(Source)), file:rename(New, File)],
            written(File, Results);
        {error, Why} -> {error, note(config, "~ts.src: ~ts", [File, file:format_error(Why)], none)}
    end.

%% It may hold secrets now: nobody may read it who could not read it before.
mode(File) ->
    Modes = [Mode band 8#777 || F <- [File, File ++ ".src"], {ok, #file_info{mode = Mode}} <- [file:read_file_info(F)]],
    hd(Modes).

written(File, Results) ->
    case [Why || {error, Why} <- Results] of
        [] -> ok;
        [Why | _] -> {error, note(config, "~ts can't be written: ~ts", [File, file:format_error(Why)], none)}
    end.

%% ${NAME} and ${NAME:-default}, as relx has them: unset is empty, and empty takes the default.
substituted(Source) ->
    case binary:split(Source, <<"${">>) of
        [Rest] -> [Rest];
        [Before, After] ->
            case binary:split(After, <<"}">>) of
                [Name, Rest] -> [Before, variable(binary:split(Name, <<":-">>)) | substituted(Rest)];
                [_] -> [Source]
            end
    end.

variable([Name | Default]) ->
    case os:getenv(unicode:characters_to_list(Name)) of
        Empty when Empty =:= false; Empty =:= "" -> Default;
        Value -> unicode:characters_to_binary(Value)
    end.

configured(App, Config) -> lists:usort(proplists:get_value(App, [E || {_, _} = E <- Config], [])).

%% The .app files of both releases, for applications that differ in their library or their configuration: the new ones are put in place,
%% the old ones tell which keys were configured. The others keep what they have, without a moment in which a key is missing.
read_specs(#tx{plan = #{root := Root, libs := Libs}, config = {resolved, Config, Kind}} = Tx) ->
    Loaded = [App || {App, _, _} <- application:loaded_applications()],
    Data = config_data(),
    Concerned = [L || {App, _, _} = L <- Libs, lists:member(App, Loaded),
                      lists:keymember(App, 1, Tx#tx.paths) orelse configured(App, Data) =/= configured(App, Config)],
    {Specs, Tx1} = read_all(Concerned, fun(L, T) -> read_spec(Root, L, T) end, Tx),
    Tx1#tx{config = {resolved, Config, Kind, Specs}, old_env = old_environments(Tx1)}.

read_spec(Root, {App, _, Dir}, Tx) ->
    File = filename:join([Root, Dir, "ebin", atom_to_list(App) ++ ".app"]),
    case file:consult(File) of
        {ok, [{application, App, _} = Spec]} -> {Spec, Tx};
        _ -> {none, refuse(note(library, "~ts can't be read", [File], App), Tx)}
    end.

switch_config(#tx{config = {known, Snapshot}} = Tx) ->
    Tx1 = remember_config(Tx),
    ok = put_config_back(Snapshot),
    Tx1;
switch_config(#tx{config = {resolved, Config, Kind, Specs}} = Tx) ->
    Tx1 = remember_config(Tx),
    Own = own_keys(Tx1#tx.snapshot, Tx1#tx.old_env),
    case application_controller:change_application_data(Specs, Config) of
        ok -> ok;
        {error, Why} -> failed(note(config, "the configuration can't be put in place: ~0tP", [Why, 20], none), Tx1)
    end,
    Kind =:= provided andalso (ok = application:set_env([E || {_, _} = E <- Config], [{persistent, true}])),
    keep_keys(Own),
    Tx1.

remember_config(Tx) ->
    Snapshot = config_snapshot(),
    push({config, Snapshot}, Tx),
    Tx#tx{snapshot = Snapshot, env_before = application_controller:prep_config_change()}.

%% ac_tab is where application_controller keeps environments and specifications; it is a public table from OTP 17 to 29.
config_snapshot() ->
    Rows = [Row || Row <- ets:tab2list(ac_tab), is_config(element(1, Row))],
    #{rows => Rows, data => config_data()}.

is_config({env, _, _}) -> true;
is_config({loaded, _}) -> true;
is_config(_) -> false.

%% The configuration for applications that are loaded later: the last element of application_controller's state.
config_data() ->
    State = sys:get_state(application_controller, 5000),
    case element(tuple_size(State), State) of
        Data when is_list(Data) -> Data;
        _ -> []
    end.

%% Rows first, surplus keys afterwards: a reader never finds a key missing that is there before and after.
put_config_back(#{rows := Rows, data := Data}) ->
    Known = maps:from_list([{element(1, Row), true} || Row <- Rows]),
    Apps = maps:from_list([{App, true} || {loaded, App} <- maps:keys(Known)]),
    ok = application_controller:change_application_data([], Data),
    Still = maps:from_list([{App, true} || {{loaded, App}, _} <- ets:tab2list(ac_tab), is_map_key(App, Apps)]),
    true = ets:insert(ac_tab, [Row || Row <- Rows, is_map_key(element(2, element(1, Row)), Still)
                                                   orelse not is_map_key(element(2, element(1, Row)), Apps)]),
    _ = [ets:delete(ac_tab, Key) || {{env, App, _} = Key, _} <- ets:tab2list(ac_tab), not is_map_key(Key, Known),
                                    is_map_key(App, Still) orelse not loaded(App)],
    ok.

loaded(App) -> ets:member(ac_tab, {loaded, App}).

%% Keys that the running code has set, in no configuration of the old release: they are state, not configuration.
own_keys(#{rows := Rows, data := Data}, OldEnv) ->
    Configured = maps:from_list([{{App, Key}, true} || {App, Env} <- OldEnv ++ [E || {_, _} = E <- Data], {Key, _} <- Env]),
    [{App, Key, Value} || {{env, App, Key}, Value} <- Rows, not is_map_key({App, Key}, Configured)].

keep_keys(Own) ->
    lists:foreach(fun({App, Key, Value}) -> application:get_env(App, Key) =:= undefined andalso application:set_env(App, Key, Value) end, Own).

old_environments(#tx{plan = #{root := Root, old_libs := Libs}}) ->
    environments([filename:join([Root, Dir, "ebin", atom_to_list(App) ++ ".app"]) || {App, _, Dir} <- Libs]).

environments(Files) ->
    [{App, proplists:get_value(env, Props, [])} || File <- Files, {ok, [{application, App, Props}]} <- [file:consult(File)]].

%% Callbacks are told when all is running, as release_handler does it.
tell_config(#tx{env_before = []} = Tx) -> Tx;
tell_config(#tx{env_before = Before, plan = Plan} = Tx) ->
    case bounded(fun() -> application_controller:config_change(Before) end, option(child_timeout, Plan)) of
        {ok, ok} -> Tx;
        {ok, {error, Errors}} -> config_refused([E || E <- Errors, not harmless(E)], Tx);
        {error, Why} -> failed(note(config_change, "config_change/3: ~ts", [Why], none), Tx)
    end.

harmless({Tag, _}) -> Tag =:= module_not_defined orelse Tag =:= application_not_found;
harmless(_) -> false.

config_refused([], Tx) -> Tx;
config_refused(Errors, Tx) -> failed(note(config_change, "config_change/3 failed: ~0tP", [Errors, 30], none), Tx).

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Processes: the supervision trees of all running applications
%%% ---------------------------------------------------------------------------------------------------------------------------------

look_at_processes(#tx{plan = Plan} = Tx) ->
    {Procs, Tree, Problems} = walk(#{}, Tx#tx.procs, option(suspend_timeout, Plan)),
    lists:foldl(fun warn/2, Tx#tx{procs = without_silent(Procs, Problems), tree = Tree}, Problems).

%% What was taken for a supervisor and did not answer as one is not asked again.
without_silent(Procs, Notes) ->
    maps:map(fun(Pid, #proc{kind = special_supervisor} = Proc) ->
                     case [x || {silent, _, P} <- Notes, P =:= Pid] of [] -> Proc; _ -> Proc#proc{kind = worker} end;
                (_, Proc) -> Proc
             end, Procs).

%% {#{Pid => #proc{}}, #{Supervisor => [child as which_children has it]}, [Note]}. Held supervisors are asked in their own process.
%% Of a process that is known already nothing is asked again, but for the handlers of an event manager.
walk(Held, Known, Timeout) ->
    {ok, Roots} = roots(Timeout),
    Start = maps:from_list([{Pid, root(App, Pid)} || {App, Pid} <- Roots]),
    walk(maps:keys(Start), Held, Known, Timeout, {Start, #{}, []}).

walk([], _, _, _, Found) -> Found;
walk(Sups, Held, Seen, Timeout, {Procs, Tree, Notes}) ->
    {Replies, _, Silent} = ask(Sups, fun(Pid, From) -> children_request(is_map_key(Pid, Held), From) end, Timeout),
    Lists = [{Sup, children_in(Reply)} || {Sup, Reply} <- maps:to_list(Replies)],
    {New, NewNotes} = lists:foldl(fun({Sup, Children}, Acc) -> found(maps:get(Sup, Procs), Children, Seen, Acc) end, {#{}, []}, Lists),
    {Known, Dynamic} = with_dynamic_modules(maps:without(maps:keys(Procs), New), Timeout),
    Quiet = [note(silent, "supervisor ~tp does not answer, its children are not known", [S], S) || S <- Silent],
    Next = [Pid || {Pid, #proc{kind = Kind}} <- maps:to_list(Known), Kind =:= supervisor orelse Kind =:= special_supervisor],
    walk(Next, Held, Seen, Timeout, {maps:merge(Procs, Known), maps:merge(Tree, maps:from_list(Lists)), Notes ++ NewNotes ++ Dynamic ++ Quiet}).

roots(Timeout) ->
    bounded(fun() ->
                    Masters = [{App, application_controller:get_master(App)} || {App, _, _} <- application:which_applications()],
                    [{App, Root} || {App, Master} <- Masters, is_pid(Master), {Root, _} <- [application_master:get_child(Master)], is_pid(Root)]
            end, Timeout).

root(App, Pid) ->
    Callback = callback(initial_call(Pid)),
    Kind = if Callback =:= none -> worker; true -> supervisor end,
    #proc{pid = Pid, app = App, sup = none, id = App, kind = Kind, mods = [Callback || Callback =/= none], callback = Callback}.

callback({supervisor, M, 1}) -> M;
callback(_) -> none.

%% The first of these is what every supervisor answers; a suspended one answers system messages only.
children_request(false, From) -> {'$gen_call', From, which_children};
children_request(true, From) -> {system, From, {replace_state, fun throw_children/1}}.

%% Thrown, so that the state stays and is not copied to us.
throw_children(State) ->
    Behaviour = if is_tuple(State) -> supervisor; true -> 'Elixir.DynamicSupervisor' end,
    {reply, Children, _} = Behaviour:handle_call(which_children, {self(), none}, State),
    throw({children, Children}).

children_in(Children) when is_list(Children) -> Children;
children_in({error, {callback_failed, _, {throw, {children, Children}}}}) -> Children;
children_in(_) -> [].

found(Sup, Children, Seen, Acc) ->
    lists:foldl(fun({_, Pid, _, _}, {Procs, Notes}) when is_map_key(Pid, Seen) -> {Procs#{Pid => maps:get(Pid, Seen)}, Notes};
                   ({Id, Pid, Type, Mods}, {Procs, Notes}) when is_pid(Pid), node(Pid) =:= node() ->
                        {Proc, More} = process(Sup, Id, Pid, Type, Mods),
                        {Procs#{Pid => Proc}, More ++ Notes};
                   (_, Found) -> Found
                end, Acc, Children).

process(#proc{pid = SupPid, app = App}, Id, Pid, Type, Mods) ->
    Proc = #proc{pid = Pid, app = App, sup = SupPid, id = Id, mods = if is_list(Mods) -> Mods; true -> [] end},
    kind(Type, Mods, initial_call(Pid), Proc).

%% What a process is, it tells by its first call; a specification may be wrong about it, and asking it then would kill it.
kind(_, _, {supervisor, M, 1}, Proc) -> {Proc#proc{kind = supervisor, callback = M, mods = lists:usort([M | Proc#proc.mods])}, []};
kind(worker, dynamic, {gen_event, _, _}, Proc) -> {Proc#proc{kind = gen_event}, []};
kind(worker, _, {gen_event, _, _}, Proc) -> {Proc#proc{kind = gen_event}, []};
kind(_, _, {supervisor_bridge, _, _}, Proc) -> {Proc, []};
kind(supervisor, _, Call, Proc) -> supposed_supervisor(Call, Proc);
kind(worker, dynamic, Call, Proc) ->
    Note = note(dynamic, "~ts of ~tp has `modules: dynamic` and is no gen_event; taken for ~tp", [who(Proc), Proc#proc.sup, Call], Proc#proc.pid),
    {with_call(Call, Proc), [Note]};
kind(_, _, Call, Proc) -> {with_call(Call, Proc), []}.

%% A special process with its own loop may well be a supervisor (ranch has one); a gen_server is not.
supposed_supervisor({M, _, _} = Call, Proc) ->
    case erlang:module_loaded(M) andalso erlang:function_exported(M, system_code_change, 4) of
        true -> {Proc#proc{kind = special_supervisor}, []};
        false ->
            Note = note(mistyped, "~ts of ~tp is called a supervisor by its specification and is none", [who(Proc), Proc#proc.sup], Proc#proc.pid),
            {with_call(Call, Proc), [Note]}
    end;
supposed_supervisor(none, Proc) -> {Proc, []}.

%% A child specification names the module that starts the process, which need not be its callback module.
with_call({M, init, 1}, Proc) -> Proc#proc{mods = [M | lists:delete(M, Proc#proc.mods)]};
with_call(_, Proc) -> Proc.

with_dynamic_modules(Procs, Timeout) ->
    Events = [Pid || {Pid, #proc{kind = gen_event}} <- maps:to_list(Procs)],
    {Replies, _, Silent} = ask(Events, fun(_, From) -> {self(), From, get_modules} end, Timeout),
    Known = maps:map(fun(Pid, Proc) -> case Replies of #{Pid := Mods} when is_list(Mods) -> Proc#proc{mods = Mods}; _ -> Proc end end, Procs),
    {Known, [note(silent, "event manager ~tp does not answer", [Pid], Pid) || Pid <- Silent]}.

initial_call(Pid) ->
    case process_info(Pid, dictionary) of
        {dictionary, Dictionary} ->
            case lists:keyfind('$initial_call', 1, Dictionary) of
                {_, {M, F, A}} when is_atom(M), is_atom(F) -> {M, F, A};
                _ -> none
            end;
        undefined -> none
    end.

who(#proc{pid = Pid, id = Id}) -> text("~tp ~0tP", [Pid, Id, 8]).

targets(Mods, #tx{procs = Procs}) ->
    Wanted = maps:from_list([{M, true} || M <- Mods]),
    maps:filter(fun(_, #proc{mods = Ms}) -> lists:any(fun(M) -> is_map_key(M, Wanted) end, Ms) end, Procs).

%% Asks all at once: {#{Pid => Reply}, [dead], [silent]}. Most answers are a plain `ok`, and these are not kept.
ask(Pids, Request, Timeout) -> ask(Pids, Request, Timeout, Timeout).

%% The same, but gives up when nobody answered for Quiet milliseconds.
ask(Pids, Request, Quiet, Timeout) ->
    Ref = make_ref(),
    _ = [Pid ! Request(Pid, {self(), {Ref, Pid}}) || Pid <- Pids],
    answers(Ref, Pids, Quiet, Timeout).

answers(Ref, Pids, Quiet, Timeout) -> collect(Ref, maps:from_keys(Pids, true), #{}, [], now_ms() + Quiet, Quiet, now_ms() + Timeout).

%% Monitors would cost more than the questions, so the dead are looked for only when nobody answers for a moment.
collect(_, Pending, Replies, Dead, _, _, _) when map_size(Pending) =:= 0 -> {Replies, Dead, []};
collect(Ref, Pending, Replies, Dead, Calm, Quiet, End) ->
    receive
        {{Ref, Pid}, ok} -> collect(Ref, maps:remove(Pid, Pending), Replies, Dead, none, Quiet, End);
        {{Ref, Pid}, Reply} -> collect(Ref, maps:remove(Pid, Pending), Replies#{Pid => Reply}, Dead, none, Quiet, End)
    after 10 ->
            {Alive, Gone} = lists:partition(fun is_process_alive/1, maps:keys(Pending)),
            Until = case Calm of none -> now_ms() + Quiet - 10; _ -> Calm end,
            case now_ms() < min(Until, End) of
                true -> collect(Ref, maps:without(Gone, Pending), Replies, Gone ++ Dead, Until, Quiet, End);
                false -> {Replies, Gone ++ Dead, Alive}
            end
    end.

%% Sent to nobody: for a system message whose answer does not matter, or would copy a state.
nobody() ->
    {Pid, Ref} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', Ref, process, Pid, _} -> {Pid, make_ref()} end.

busy(Pids, #tx{procs = Procs}) ->
    Names = [case Procs of #{P := Proc} -> who(Proc); _ -> text("~tp", [P]) end || P <- lists:sublist(Pids, 5)],
    More = case length(Pids) - 5 of N when N > 0 -> text(" and ~b more", [N]); _ -> <<>> end,
    note(busy, "busy, does not answer: ~ts~ts", [lists:join(", ", Names), More], Pids).

%% --- lingering -------------------------------------------------------------------------------------------------------------------

%% Processes that stay inside a module that changes (a loop, a long call) keep its old code. Only who is there twice is told.
look_at_lingering(#tx{steps = Steps} = Tx) ->
    Mods = [M || {load, _, {Runs, _}} <- Steps, M <- run_modules(Runs)],
    Known = maps:from_list([{M, true} || M <- Mods]),
    Targets = targets(suspended_modules(Steps), Tx),
    case [P || map_size(Known) > 0, Pid <- processes(), not is_map_key(Pid, Targets), P <- inside(Pid, Known)] of
        [] -> Tx;
        Seen ->
            timer:sleep(50),
            Stays = [{Pid, M} || {Pid, M} <- Seen, lists:member({Pid, M}, inside(Pid, Known))],
            lists:foldl(fun(S, T) -> warn(lingering(S), T) end, Tx, Stays)
    end.

inside(Pid, Known) ->
    case process_info(Pid, current_stacktrace) of
        {_, Stack} -> lists:usort([{Pid, M} || {M, _, _, _} <- Stack, is_map_key(M, Known)]);
        undefined -> []
    end.

lingering({Pid, M}) ->
    note(lingering, "~tp stays inside ~ts: it keeps the old code, and is killed when the upgrade is confirmed", [Pid, M], {Pid, M}).

run_modules(Runs) -> lists:append([case R of {together, _, Ms} -> Ms; {single, {M, _, _}} -> [M] end || R <- Runs]).

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% The steps of a transaction
%%% ---------------------------------------------------------------------------------------------------------------------------------

step(paths, Tx) ->
    Path = code:get_path(),
    push({path, Path}, Tx),
    New = case Tx#tx.path of
              %% Nobody touched the path since: on the way back it is what it was, in its old order.
              {Old, Path} -> Old;
              _ -> new_path(Path, Tx)
          end,
    true = code:set_path(New),
    Tx#tx{path = {Path, New}};
step({hook, config, _}, Tx) -> switch_config(Tx);
step({hook, protocols, _}, #tx{consolidated = undefined} = Tx) -> Tx;
step({hook, protocols, _}, #tx{consolidated = Group} = Tx) -> step(Group, Tx);
step({hook, children, Args}, Tx) -> lists:foldl(fun sync_hook/2, Tx, lists:last(Args));
step({hook, Hook, _}, Tx) -> failed(note(instruction, "hook ~ts is not known", [Hook], Hook), Tx);
step({suspend, Mods}, Tx) -> suspend([module_of(M) || M <- Mods], Tx);
step({load, Runs, Olds}, Tx) ->
    push({code, Olds, run_modules(Runs)}, Tx),
    load(Runs, Tx);
step({remove, M, Olds}, Tx) ->
    push({code, Olds, []}, Tx),
    Tx1 = free([M], Tx),
    _ = code:delete(M),
    Tx1;
step({code_change, Mode, Mods}, Tx) -> lists:foldl(fun(M, T) -> change_code(Mode, M, T) end, release_guards(Tx), Mods);
step(resume, Tx) -> resume(Tx);
step({stop, Mods}, Tx) -> lists:foldl(fun stop_child/2, Tx, maps:values(targets(Mods, Tx)));
step({start, Mods}, Tx) -> lists:foldl(fun start_stopped/2, Tx, Mods);
step({apply, {application, start, [App]}}, Tx) -> start_application(App, temporary, Tx);
step({apply, {application, start, [App, Type]}}, Tx) -> start_application(App, Type, Tx);
step({apply, {application, stop, [App]}}, Tx) -> stop_application(App, Tx);
step({apply, {application, load, [App]}}, Tx) -> load_application(App, Tx);
step({apply, {application, unload, [App]}}, Tx) -> unload_application(App, Tx);
step({apply, {'Elixir.Supervisor', start_child, [Sup, Child]}}, Tx) -> supervise(start_child, Sup, 'Elixir.Supervisor':child_spec(Child, []), Tx);
step({apply, {M, F, [Sup, Arg]}}, Tx) when M =:= supervisor; M =:= 'Elixir.Supervisor' -> supervise(F, Sup, Arg, Tx);
step({apply, {M, F, A}}, Tx) -> other_apply(M, F, A, Tx);
step(verify, Tx) -> verify(Tx).

failed(Why, Tx) -> throw({failed, Why, Tx}).

push(_, #tx{log = none}) -> ok;
push(Entry, #tx{log = Log}) -> true = ets:insert(Log, {{erlang:unique_integer([monotonic]), 0}, Entry}).

report(Key, Value, #tx{report = Report} = Tx) -> Tx#tx{report = Report#{Key => maps:get(Key, Report, []) ++ [Value]}}.

%% --- suspend and resume ----------------------------------------------------------------------------------------------------------

%% All at once. A process that waits for another one that is suspended already can't answer: then all go on, and who was silent is
%% suspended first the next time, while the others work. So a process that is busy for long is waited for without stopping anybody.
suspend(Mods, #tx{plan = Plan} = Tx) ->
    Timeout = option(suspend_timeout, Plan),
    {Procs, _, _} = walk(#{}, Tx#tx.procs, Timeout),
    Tx1 = Tx#tx{procs = Procs, since = now_us()},
    %% In front of the node's other work; but a crowd is faster when its answers are read many at a time.
    map_size(targets(Mods, Tx1)) < 1000 andalso process_flag(priority, high),
    hold([], 0, Mods, now_ms() + Timeout, Tx1).

hold(First, Try, Mods, End, Tx) ->
    Targets = targets(Mods, Tx),
    Guards = if Try < 4 -> guards(Targets, Tx); true -> [] end,
    All = maps:keys(Targets) ++ Guards,
    Batches = [B || B <- [[P || P <- Ps, lists:member(P, All)] || Ps <- First] ++ [All -- lists:append(First)], B =/= []],
    push({suspended, All}, Tx),
    case suspend_batches(Batches, End) of
        {ok, Dead, Since} -> held(maps:without(Dead, Targets), Guards, First, Try, Mods, End, Tx#tx{since = Since});
        {silent, Silent, Suspended} -> hold_again(Silent, Suspended, First, Try, Mods, End, Tx)
    end.

hold_again(Silent, Suspended, First, Try, Mods, End, Tx) ->
    send_resume(Suspended ++ Silent),
    Targets = targets(Mods, Tx),
    case now_ms() < End of
        true ->
            {Procs, _, _} = walk(#{}, Tx#tx.procs, max(100, End - now_ms())),
            hold([Silent | [B -- Silent || B <- First]], Try + 1, Mods, End, Tx#tx{procs = maps:merge(Tx#tx.procs, Procs)});
        false ->
            case [P || P <- Silent, is_map_key(P, Targets)] of
                [] -> hold([], 4, Mods, End + 500, Tx);
                Busy -> failed(busy(Busy, Tx), Tx)
            end
    end.

%% {ok, [dead], when somebody was suspended first} | {silent, [silent], [suspended]}. The first of several batches disturbs nobody while it
%% is waited for, so it may take the whole time; the others are given up soon.
suspend_batches([First | [_ | _] = Batches], End) ->
    case suspend_batch(First, infinity, End) of
        {Dead, []} -> suspend_batches(Batches, First, Dead, now_us(), End);
        {_, Silent} -> {silent, Silent, First -- Silent}
    end;
suspend_batches(Batches, End) -> suspend_batches(Batches, [], [], now_us(), End).

suspend_batches([], _, Dead, Since, _) -> {ok, Dead, Since};
suspend_batches([Batch | Batches], Before, Dead, Since, End) ->
    case suspend_batch(Batch, 100, End) of
        {More, []} -> suspend_batches(Batches, Batch ++ Before, More ++ Dead, Since, End);
        {_, Silent} -> {silent, Silent, (Batch -- Silent) ++ Before}
    end.

suspend_batch(Batch, Quiet, End) ->
    Left = max(100, End - now_ms()),
    {_, Dead, Silent} = ask(Batch, fun(_, From) -> {system, From, suspend} end, min(Quiet, Left), Left),
    {Dead, Silent}.

%% Between the walk and now something may have been started; with its supervisor suspended it can be seen, and nothing follows it.
held(Targets, Guards, First, Try, Mods, End, Tx) ->
    Sups = [P || {P, #proc{kind = supervisor}} <- maps:to_list(Targets)] ++ Guards,
    {Procs, _, _} = walk(maps:from_keys(Sups, true), Tx#tx.procs, 300),
    New = maps:from_list([{P, Proc} || {P, Proc} <- maps:to_list(Procs), not is_map_key(P, Tx#tx.procs)]),
    case late(Mods, Targets, Try, Tx#tx{procs = New}) of
        [] -> with_modes(Tx#tx{targets = Targets, guards = Guards, report = (Tx#tx.report)#{processes => map_size(Targets)}});
        Late ->
            Tx1 = Tx#tx{procs = maps:merge(Tx#tx.procs, New)},
            Suspended = maps:keys(Targets) ++ Guards,
            push({suspended, Late}, Tx1),
            case suspend_batches([Late], Suspended, [], now_us(), End) of
                {ok, _, _} -> held(maps:merge(Targets, targets(Mods, Tx1)), guards(Targets, Tx1), First, Try, Mods, End, Tx1);
                {silent, Silent, All} -> hold_again(Silent, All, First, Try, Mods, End, Tx1)
            end
    end.

%% A gen_statem takes its callback mode from the code that runs its code_change. To give the old one back, the old code has to be there
%% again: what undoes that gets its place in the log before the code.
with_modes(#tx{steps = Steps} = Tx) ->
    Modes = maps:from_list([{M, M:callback_mode()} || M <- changed_modules(Steps), erlang:function_exported(M, callback_mode, 0)]),
    Tx#tx{modes = {erlang:unique_integer([monotonic]), Modes}}.

note_mode(M, Pids, #tx{modes = {Slot, Modes}, log = Log}) when is_map_key(M, Modes) ->
    M:callback_mode() =:= maps:get(M, Modes) orelse ets:insert(Log, {{Slot, erlang:unique_integer([monotonic])}, {modes, M, Pids}});
note_mode(_, _, _) -> true.

late(_, _, _, #tx{procs = New}) when map_size(New) =:= 0 -> [];
late(Mods, Targets, Try, Tx) -> maps:keys(targets(Mods, Tx)) ++ [P || P <- guards(Targets, Tx), Try < 4].

guards(Targets, #tx{procs = Procs}) ->
    [P || {P, #proc{kind = supervisor, app = App}} <- maps:to_list(Procs), not is_map_key(P, Targets), not lists:member(App, ?BASE)].

%% New processes have new code from here on, whoever starts them; and code_change may want to start some.
release_guards(#tx{guards = []} = Tx) -> Tx;
release_guards(#tx{guards = Guards, steps = Steps} = Tx) ->
    case lists:keymember(load, 1, lists:dropwhile(fun(S) -> element_1(S) =/= code_change end, Steps)) of
        true -> Tx;
        false ->
            send_resume(Guards),
            Tx#tx{guards = []}
    end.

send_resume(Pids) ->
    Nobody = nobody(),
    _ = [Pid ! {system, Nobody, resume} || Pid <- Pids],
    ok.

%% The state stays in its process: thrown out of replace_state, so that nothing is copied and nothing changes.
saver(gen_event, Key) -> fun({M, Id, State}) -> save({Key, M, Id}, State) end;
saver(_, Key) -> fun(State) -> save(Key, State) end.

%% The first one counts, where a process changes by more than one module.
save(Key, State) ->
    get(Key) =:= undefined andalso put(Key, {saved, State}),
    throw(saved).

saved(Key, Otherwise) ->
    case erase(Key) of
        {saved, State} -> State;
        undefined -> Otherwise
    end.

%% The answer to replace_state would carry the whole state, so it goes nowhere and this tells instead.
restorer(gen_event, Key, _, _) -> fun({M, Id, State}) -> {M, Id, saved({Key, M, Id}, State)} end;
restorer(_, Key, Mover, Tag) ->
    fun(State) ->
            Mover ! {Tag, ok},
            saved(Key, State)
    end.

forget(gen_event, Key) -> fun({M, Id, _}) -> erase({Key, M, Id}), throw(forgotten) end;
forget(_, Key) -> fun(_) -> erase(Key), throw(forgotten) end.

resume(#tx{targets = Targets, guards = Guards, since = Since, changed = Changed} = Tx) ->
    push(running, Tx),
    {_, _, Silent} = ask(maps:keys(Targets) ++ Guards, fun(_, From) -> {system, From, resume} end, 5000),
    process_flag(priority, normal),
    Tx1 = Tx#tx{phase = running, guards = [], report = (Tx#tx.report)#{suspended => now_us() - Since}},
    Nobody = nobody(),
    _ = [P ! {system, Nobody, {replace_state, forget(Kind, {?SAVED, Tx#tx.mark})}} || {P, Kind} <- Changed],
    Silent =:= [] orelse failed(busy(Silent, Tx1), Tx1),
    Tx1.

%% --- code ------------------------------------------------------------------------------------------------------------------------

load(Runs, Tx) -> lists:foldl(fun load_run/2, free(run_modules(Runs), Tx), Runs).

load_run({together, Prepared, _}, Tx) ->
    case code:finish_loading(Prepared) of
        ok -> Tx;
        {error, Errors} -> failed(note(code, "code can't be loaded: ~0tP", [Errors, 30], none), Tx)
    end;
load_run({single, {M, File, Bin}}, Tx) ->
    case code:load_binary(M, File, Bin) of
        {module, M} -> Tx;
        {error, Why} -> failed(note(code, "~ts can't be loaded: ~tp", [M, Why], M), Tx)
    end.

%% Of each module there is room for two versions. Nobody is killed for a third one, except on the way back.
free(Mods, #tx{road = back} = Tx) -> free_old(Mods, now_ms() + 1000, Tx);
free(Mods, Tx) ->
    case [M || M <- Mods, erlang:check_old_code(M), not code:soft_purge(M)] of
        [] -> Tx;
        [M | _] -> failed(note(old_code, "~ts still runs in an older ~ts", [pids(in_old_code(M)), M], M), Tx)
    end.

change_code(Mode, {M, Extra}, #tx{targets = Targets, plan = Plan, steps = Steps} = Tx) ->
    Vsn = old_vsn(Mode, M, Tx),
    Changed = changed_modules(Steps),
    Pids = [P || {P, Proc} <- maps:to_list(Targets), changes_by(M, Proc, Changed)],
    Key = {?SAVED, Tx#tx.mark},
    push({states, Key, [{P, (maps:get(P, Targets))#proc.kind} || P <- Pids]}, Tx),
    note_mode(M, Pids, Tx),
    Nobody = nobody(),
    Request = fun(P, From) ->
                      P ! {system, Nobody, {replace_state, saver((maps:get(P, Targets))#proc.kind, Key)}},
                      {system, From, {change_code, M, Vsn, Extra}}
              end,
    {Replies, Dead, Silent} = ask(Pids, Request, option(code_change_timeout, Plan)),
    Tx1 = Tx#tx{targets = maps:without(Dead, Targets), changed = [{P, (maps:get(P, Targets))#proc.kind} || P <- Pids] ++ Tx#tx.changed},
    case {maps:to_list(Replies), Silent} of
        {[], []} -> Tx1;
        {[{P, Reply} | _], _} -> failed({refused_change, maps:get(P, Targets), M, Reply}, Tx1#tx{stuck = Silent});
        {[], [P | _]} ->
            Why = note(code_change, "~ts did not end ~ts:code_change within ~b ms", [who(maps:get(P, Targets)), M, option(code_change_timeout, Plan)], {P, M}),
            failed(Why, Tx1#tx{stuck = Silent})
    end.

%% An event manager changes handler by handler; any other process once, by its callback module if that changes.
changes_by(M, #proc{kind = gen_event, mods = Mods}, _) -> lists:member(M, Mods);
changes_by(M, #proc{mods = Mods}, Changed) -> [M] =:= lists:sublist([X || X <- Mods, lists:member(X, Changed)], 1).

old_vsn(up, M, #tx{old_vsns = Vsns}) -> maps:get(M, Vsns, undefined);
old_vsn(down, M, #tx{new_vsns = Vsns}) -> {down, maps:get(M, Vsns, undefined)}.

%% Put into words when the processes go on again, not while they wait.
spelled({refused_change, #proc{pid = P} = Proc, M, Reply}) ->
    Did = case Reply of
              {error, {'EXIT', {Reason, [{_, _, _, _} | _] = Stack}}} -> text("raised: ~ts", [exception(error, Reason, Stack)]);
              {error, {'EXIT', Reason}} -> text("ended: ~0tP", [Reason, 30]);
              {error, Returned} -> text("returned ~0tP", [Returned, 30]);
              Other -> text("answered ~0tP", [Other, 30])
          end,
    note(code_change, "~ts:code_change of ~ts ~ts", [name(M), who(Proc), Did], {P, M});
spelled(Why) -> Why.

%% --- verification ----------------------------------------------------------------------------------------------------------------

verify(#tx{plan = Plan} = Tx) ->
    %% A script that suspends nobody can be undone to its end.
    Tx1 = if Tx#tx.phase =:= window, map_size(Tx#tx.targets) > 0 -> resume(Tx); true -> Tx end,
    case wrong_code(Plan) of
        [] -> ok;
        Wrong -> failed(note(md5, "not the code of release ~ts: ~0tP", [maps:get(to, Plan), Wrong, 30], Wrong), Tx1)
    end,
    Tx2 = tell_config(Tx1),
    {Procs, Tree, _} = walk(#{}, Tx2#tx.procs, option(child_timeout, Plan)),
    Tx3 = Tx2#tx{procs = Procs, tree = Tree},
    Was = release_was(maps:get(to, Plan)),
    release_is(maps:get(to, Plan), current, maps:get(from, Plan), Tx3#tx.was),
    Lingering = [{P, M} || {code, {Runs, _}, _} <- log(Tx3), M <- run_modules(Runs), erlang:check_old_code(M), not code:soft_purge(M),
                           P <- in_old_code(M)],
    Tx3#tx{was = Was, report = (Tx3#tx.report)#{lingering => Lingering}}.

wrong_code(#{md5 := Md5s} = Plan) ->
    [M || {M, Md5} <- Md5s, erlang:module_loaded(M), M:module_info(md5) =/= Md5]
        ++ [M || M <- maps:get(removed, Plan, []), erlang:module_loaded(M)].

log(#tx{log = none}) -> [];
log(#tx{log = Log}) -> [Entry || {_, Entry} <- ets:tab2list(Log)].

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Undo
%%% ---------------------------------------------------------------------------------------------------------------------------------

%% Everything, in reverse order; but processes go on last. {[Problem], Tx}
undo_all(#tx{log = Log} = Tx) ->
    Entries = lists:reverse(ets:tab2list(Log)),
    Suspended = lists:usort(lists:append([Pids || {_, {suspended, Pids}} <- Entries])),
    {Problems, Tx1} = lists:foldl(fun(Entry, Acc) -> undo_one(Entry, Acc) end, {[], Tx}, Entries),
    Stuck = [P || P <- Tx#tx.stuck, lists:member(P, Suspended)],
    Since = case Tx1#tx.since of undefined -> now_us(); T -> T end,
    {_, _, Silent} = ask(Suspended -- Stuck, fun(_, From) -> {system, From, resume} end, 5000),
    Tx2 = Tx1#tx{report = (Tx1#tx.report)#{suspended => now_us() - Since}},
    ets:delete_all_objects(Log),
    {StillStuck, Tx3} = wait_for_stuck(Stuck, Tx2),
    {Problems ++ StillStuck ++ [busy(Silent, Tx3) || Silent =/= []], drop_new_code(Entries, Tx3)}.

%% Those behind the moment where the processes went on.
undo_until(running, #tx{log = Log} = Tx) ->
    After = lists:takewhile(fun({_, Entry}) -> Entry =/= running end, lists:reverse(ets:tab2list(Log))),
    {Problems, Tx1} = lists:foldl(fun undo_one/2, {[], Tx}, After),
    lists:foldl(fun(P, T) -> report(warnings, P, T) end, Tx1, Problems).

undo_one({Key, Entry}, {Problems, #tx{log = Log} = Tx}) ->
    try undo(Entry, Tx) of
        Tx1 ->
            ets:delete(Log, Key),
            {Problems, Tx1}
    catch
        throw:{failed, Why, _} -> {Problems ++ [Why], Tx};
        Class:Reason:Stack -> {Problems ++ [note(undo, "~ts", [exception(Class, Reason, Stack)], none)], Tx}
    end.

undo(running, Tx) -> Tx;
undo({suspended, _}, Tx) -> Tx;
undo({path, Path}, Tx) ->
    true = code:set_path(Path),
    Tx;
undo({config, Snapshot}, Tx) ->
    ok = put_config_back(Snapshot),
    Tx;
undo({code, {Runs, Absent}, _}, Tx) ->
    Tx1 = free_old(run_modules(Runs) ++ Absent, now_ms() + 1000, Tx),
    _ = [code:delete(M) || M <- Absent],
    load(Runs, Tx1);
undo({states, Key, Pids}, #tx{stuck = Stuck} = Tx) ->
    Ref = make_ref(),
    Nobody = nobody(),
    {Events, Others} = lists:partition(fun({_, Kind}) -> Kind =:= gen_event end, Pids),
    _ = [P ! {system, Nobody, {replace_state, restorer(Kind, Key, self(), {Ref, P})}} || {P, Kind} <- Others],
    {_, _, Silent} = answers(Ref, [P || {P, _} <- Others] -- Stuck, 5000, 5000),
    {_, _, SilentToo} = ask([P || {P, _} <- Events], fun(_, From) -> {system, From, {replace_state, restorer(gen_event, Key, none, none)}} end, 5000),
    Silent ++ SilentToo =:= [] orelse failed(busy(Silent ++ SilentToo, Tx), Tx),
    Tx;
undo({modes, M, Pids}, #tx{old_vsns = Vsns} = Tx) ->
    Key = {?SAVED, make_ref()},
    Nobody = nobody(),
    Request = fun(P, From) ->
                      P ! {system, Nobody, {replace_state, saver(worker, Key)}},
                      {system, From, {change_code, M, maps:get(M, Vsns, undefined), []}}
              end,
    {Refused, _, _} = ask(Pids -- Tx#tx.stuck, Request, option(code_change_timeout, Tx#tx.plan)),
    Tx1 = undo({states, Key, [{P, worker} || P <- Pids]}, Tx),
    Why = note(mode, "~ts:code_change of the old code fails, so the callback mode stays that of the new: ~ts", [M, pids(maps:keys(Refused))], M),
    map_size(Refused) =:= 0 orelse failed(Why, Tx1),
    Tx1;
undo({applied, M, Done}, #tx{plan = Plan} = Tx) ->
    case bounded(fun() -> M:undo_run(Done) end, option(child_timeout, Plan)) of
        {ok, _} -> Tx;
        {error, Why} -> failed(note(apply, "~tp:undo_run/1: ~ts", [M, Why], M), Tx)
    end;
undo({child_started, Sup, Id}, Tx) ->
    _ = supervisor_call(Sup, {terminate_child, Id}, Tx),
    _ = supervisor_call(Sup, {delete_child, Id}, Tx),
    Tx;
undo({child_stopped, Sup, Id, Spec}, Tx) ->
    _ = supervisor_call(Sup, {delete_child, Id}, Tx),
    started(supervisor_call(Sup, {start_child, Spec}, Tx), Sup, Id, Tx);
undo({child_restarted, Sup, Id}, Tx) ->
    _ = supervisor_call(Sup, {terminate_child, Id}, Tx),
    Tx;
undo({child_terminated, Sup, Id}, Tx) -> started(supervisor_call(Sup, {restart_child, Id}, Tx), Sup, Id, Tx);
undo({child_deleted, Sup, Spec}, Tx) -> started(supervisor_call(Sup, {start_child, Spec}, Tx), Sup, id_of(Spec), Tx);
undo({children_of, Sup, Args}, Tx) -> set_children(Sup, Args, Tx);
undo({application_started, App}, Tx) ->
    _ = bounded(fun() -> application:stop(App) end, option(child_timeout, Tx#tx.plan)),
    Tx;
undo({application_stopped, App, Type}, Tx) ->
    case bounded(fun() -> application:start(App, temporary) end, option(child_timeout, Tx#tx.plan)) of
        {ok, Ok} when Ok =:= ok; element(1, element(2, Ok)) =:= already_started ->
            ok = set_types([{App, Type}]),
            Tx;
        Other -> failed(note(application, "~ts can't be started again: ~0tP", [App, Other, 20], App), Tx)
    end;
undo({application_loaded, App}, Tx) ->
    _ = application:unload(App),
    Tx;
undo({application_unloaded, Spec}, Tx) ->
    _ = application:load(Spec),
    Tx.

%% Old code in which somebody still runs stands in the way of the same code becoming current again. They get a moment to leave it.
free_old(Mods, End, Tx) ->
    case [M || M <- Mods, erlang:check_old_code(M), not code:soft_purge(M)] of
        [] -> Tx;
        Busy ->
            case now_ms() < End of
                true ->
                    timer:sleep(5),
                    free_old(Busy, End, Tx);
                false -> lists:foldl(fun kill_lingering/2, Tx, Busy)
            end
    end.

kill_lingering(M, Tx) ->
    Pids = in_old_code(M),
    _ = code:purge(M),
    lists:foldl(fun(P, T) -> report(killed, {P, M}, T) end, Tx, Pids).

%% What never was is not left behind, as far as nobody is in it.
drop_new_code(Entries, Tx) ->
    _ = [code:soft_purge(M) || {_, {code, {Runs, Absent}, _}} <- Entries, M <- run_modules(Runs) ++ Absent, erlang:check_old_code(M)],
    Tx.

%% A process that is still in its code_change has what it needs to go back in its mailbox; the others did not wait for it. One that does
%% not come to an end is ended: nobody could talk to it any more, and new code would stay in the node for its sake.
wait_for_stuck([], Tx) -> {[], Tx};
wait_for_stuck(Stuck, #tx{plan = Plan} = Tx) ->
    {_, _, Silent} = ask(Stuck, fun(_, From) -> {system, From, resume} end, option(code_change_timeout, Plan)),
    lists:foldl(fun end_stuck/2, {[], Tx}, Silent).

end_stuck(P, {Problems, #tx{plan = Plan, procs = Procs, ended = Ended} = Tx}) ->
    Proc = maps:get(P, Procs, #proc{pid = P, id = P}),
    Ref = erlang:monitor(process, P),
    exit(P, kill),
    receive {'DOWN', Ref, process, P, _} -> ok end,
    case is_started_again(Proc, now_ms() + option(child_timeout, Plan)) of
        true -> {Problems, Tx#tx{ended = Ended ++ [who(Proc)]}};
        false -> {Problems ++ [note(stuck, "~ts did not leave code_change and was ended, and nobody started it again", [who(Proc)], P)], Tx}
    end.

%% Children without a name of their own can't be told from each other: their supervisor has to be there.
is_started_again(#proc{sup = undefined}, _) -> false;
is_started_again(#proc{pid = Old, sup = Sup, id = Id} = Proc, End) ->
    Children = try gen_server:call(Sup, which_children, max(0, End - now_ms())) catch exit:_ -> [] end,
    case Children of
        [{undefined, _, _, _} | _] -> true;
        _ ->
            case lists:keyfind(Id, 1, Children) of
                {_, New, _, _} when is_pid(New), New =/= Old -> true;
                _ -> now_ms() < End andalso timer:sleep(20) =:= ok andalso is_started_again(Proc, End)
            end
    end.

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Children of supervisors
%%% ---------------------------------------------------------------------------------------------------------------------------------

%% What the old code wants its supervisors to have: what is not wanted any more is stopped, what somebody added at run time is not.
look_at_children(#tx{steps = Steps} = Tx) -> lists:foldl(fun look_at_hook/2, Tx, children_hooks(Steps)).

look_at_hook({supervisor, M}, Tx) ->
    lists:foldl(fun(Sup, T) -> wanted_now(Sup, M, T) end, Tx, supervisors(M, Tx));
look_at_hook({application, App}, #tx{plan = Plan, known = Known} = Tx) ->
    Discover = lists:member(App, maps:get(discover, Plan, [])) orelse is_map_key({application, App}, Known),
    case {top_supervisor(App, Tx), Discover} of
        {{ok, #proc{pid = Sup, callback = 'Elixir.Supervisor.Default'}}, true} -> wanted_by_list(App, Sup, Tx);
        {{ok, #proc{callback = M}}, _} when M =/= 'Elixir.Supervisor.Default' -> look_at_hook({supervisor, M}, Tx);
        {{ok, _}, false} -> warn(note(discover, "children of ~ts are not looked for: start/2 would be called for that", [App], App), Tx);
        {error, _} -> Tx
    end.

wanted_by_list(App, Sup, #tx{wanted = Wanted} = Tx) ->
    case process_info(Sup, registered_name) of
        {registered_name, _} ->
            {_, {ok, {_, Specs}} = Args} = sup_args(Sup, 'Elixir.Supervisor.Default', Tx),
            Tx#tx{wanted = Wanted#{Sup => ids(Specs), {application, App} => Args}};
        [] -> refuse(note(discover, "children of ~ts can't be looked for: its supervisor has no name", [App], App), Tx)
    end.

wanted_now(Sup, M, #tx{wanted = Wanted} = Tx) ->
    case wanted(Sup, M, Tx) of
        {ok, Specs} -> Tx#tx{wanted = Wanted#{Sup => ids(Specs)}};
        none -> Tx;
        {error, Why} -> warn(note(children, "~ts:init/1 can't be asked for the children of ~tp: ~ts", [M, Sup, Why], Sup), Tx)
    end.

supervisors(M, #tx{procs = Procs}) -> [P || {P, #proc{kind = supervisor, callback = C}} <- maps:to_list(Procs), C =:= M, is_process_alive(P)].

top_supervisor(App, #tx{procs = Procs}) ->
    case [Proc || #proc{sup = none, app = A, kind = supervisor} = Proc <- maps:values(Procs), A =:= App] of
        [Proc | _] -> {ok, Proc};
        [] -> error
    end.

%% {ok, [Spec]} as the code that is loaded now says; none for those whose children have no ids of their own.
wanted(Sup, M, #tx{plan = Plan} = Tx) ->
    {_, Args} = sup_args(Sup, M, Tx),
    case bounded(fun() -> M:init(Args) end, option(child_timeout, Plan)) of
        {ok, {ok, {Flags, Specs}}} when is_list(Specs) ->
            case strategy(Flags) of
                simple_one_for_one -> none;
                _ -> {ok, Specs}
            end;
        {ok, _} -> none;
        {error, Why} -> {error, Why}
    end.

strategy(#{strategy := Strategy}) -> Strategy;
strategy(Flags) when is_tuple(Flags) -> element(1, Flags);
strategy(_) -> one_for_one.

%% A supervisor keeps its callback module and, right behind it, the argument of init/1: {position, argument}.
sup_args(Sup, M, #tx{plan = Plan}) ->
    State = sys:get_state(Sup, option(child_timeout, Plan)),
    args_in(State, M).

args_in(State, M) when is_tuple(State) ->
    At = lists:last([I || I <- lists:seq(1, tuple_size(State) - 1), element(I, State) =:= M]),
    {At + 1, element(At + 1, State)};
args_in(#{args := Args}, _) -> {args, Args}.

ids(Specs) -> [{id_of(S), start_module(S)} || S <- Specs].

id_of(#{id := Id}) -> Id;
id_of(Spec) when is_tuple(Spec) -> element(1, Spec).

start_module(#{start := {M, _, _}}) -> M;
start_module(Spec) when is_tuple(Spec) -> element(1, element(2, Spec)).

sync_hook({supervisor, M}, Tx) -> lists:foldl(fun(Sup, T) -> sync_supervisor(Sup, M, T) end, Tx, supervisors(M, Tx));
sync_hook({application, App}, #tx{wanted = Wanted} = Tx) ->
    case {top_supervisor(App, Tx), Wanted} of
        {{ok, #proc{pid = Sup}}, #{{application, App} := Old}} ->
            {ok, {_, Specs}} = New = application_children(App, Sup, Tx),
            push({children_of, Sup, Old}, Tx),
            sync(Sup, Specs, set_children(Sup, New, Tx));
        {{ok, #proc{callback = M}}, _} when M =/= 'Elixir.Supervisor.Default' -> sync_hook({supervisor, M}, Tx);
        _ -> Tx
    end;
sync_hook(Hook, Tx) -> failed(note(instruction, "children of ~0tp can't be looked for", [Hook], none), Tx).

sync_supervisor(Sup, M, Tx) ->
    case wanted(Sup, M, Tx) of
        {ok, Specs} -> sync(Sup, Specs, Tx);
        none -> Tx;
        {error, Why} -> failed(note(children, "~ts:init/1 can't be asked for the children of ~tp: ~ts", [M, Sup, Why], Sup), Tx)
    end.

%% Stops what vanished, last started first; restarts what is another module now; starts what is new, in order.
sync(Sup, Specs, #tx{wanted = Wanted} = Tx) ->
    Old = maps:get(Sup, Wanted, []),
    New = ids(Specs),
    Have = [{Id, Pid} || {Id, Pid, _, _} <- supervisor_call(Sup, which_children, Tx)],
    Gone = [Id || {Id, _} <- lists:reverse(Old), not lists:keymember(Id, 1, New), lists:keymember(Id, 1, Have)],
    Other = [Id || {Id, M} <- Old, {I, M1} <- New, I =:= Id, M1 =/= M, lists:keymember(Id, 1, Have)],
    Tx1 = lists:foldl(fun(Id, T) -> stop_for_good(Sup, Id, stopped, T) end, Tx, Gone),
    Tx2 = lists:foldl(fun(Id, T) -> stop_for_good(Sup, Id, restarted, T) end, Tx1, Other),
    lists:foldl(fun(Spec, T) -> start_missing(Sup, Spec, Have, Other, Old, T) end, Tx2, Specs).

start_missing(Sup, Spec, Have, Other, Old, Tx) ->
    Id = id_of(Spec),
    case {lists:keyfind(Id, 1, Have), lists:member(Id, Other), lists:keymember(Id, 1, Old)} of
        {_, true, _} -> start_new(Sup, Spec, Tx);
        {false, _, _} -> report(started, {app_of(Sup, Tx), Id}, start_new(Sup, Spec, Tx));
        %% It had no process before either: it ended as it should, or somebody stopped it.
        {{_, undefined}, _, true} -> Tx;
        {{_, undefined}, _, false} -> report(started, {app_of(Sup, Tx), Id}, start_present(Sup, Id, Tx));
        _ -> Tx
    end.

start_new(Sup, Spec, Tx) ->
    push({child_started, Sup, id_of(Spec)}, Tx),
    started(supervisor_call(Sup, {start_child, Spec}, Tx), Sup, id_of(Spec), Tx).

start_present(Sup, Id, Tx) ->
    push({child_started, Sup, Id}, Tx),
    started(supervisor_call(Sup, {restart_child, Id}, Tx), Sup, Id, Tx).

started({ok, _}, _, _, Tx) -> Tx;
started({ok, _, _}, _, _, Tx) -> Tx;
started({error, Running}, _, _, Tx) when Running =:= running; Running =:= restarting -> Tx;
started({error, {already_started, _}}, _, _, Tx) -> Tx;
started({error, Why}, Sup, Id, Tx) -> failed(note(child, "child ~0tP of ~tp does not start: ~0tP", [Id, 10, Sup, Why, 40], {Sup, Id}), Tx).

stop_for_good(Sup, Id, How, Tx) ->
    Spec = case supervisor_call(Sup, {get_childspec, Id}, Tx) of {ok, S} -> S; _ -> none end,
    Spec =/= none andalso push({child_stopped, Sup, Id, Spec}, Tx),
    _ = supervisor_call(Sup, {terminate_child, Id}, Tx),
    _ = supervisor_call(Sup, {delete_child, Id}, Tx),
    report(How, {app_of(Sup, Tx), Id}, Tx).

app_of(Sup, #tx{procs = Procs}) ->
    case Procs of
        #{Sup := #proc{app = App}} -> App;
        _ -> undefined
    end.

%% Gives up on a child that does not start in time, and frees the supervisor that waits for it.
supervisor_call(Sup, Request, #tx{plan = Plan} = Tx) ->
    {_, Links} = case process_info(pid_of(Sup), links) of undefined -> {links, []}; L -> L end,
    Timeout = option(child_timeout, Plan),
    try gen_server:call(Sup, Request, Timeout)
    catch
        exit:{timeout, _} ->
            {_, Now} = case process_info(pid_of(Sup), links) of undefined -> {links, []}; L2 -> L2 end,
            _ = [exit(P, kill) || P <- Now -- Links, is_pid(P)],
            failed(note(child, "~tp did not do ~0tP within ~b ms", [Sup, Request, 12, Timeout], Sup), Tx);
        exit:Why -> failed(note(child, "~tp can't be asked ~0tP: ~0tP", [Sup, Request, 12, Why, 20], Sup), Tx)
    end.

pid_of(Pid) when is_pid(Pid) -> Pid;
pid_of(Name) when is_atom(Name) -> case whereis(Name) of undefined -> self(); Pid -> Pid end;
pid_of(_) -> self().

%% --- children of Supervisor.start_link(list) in Application.start/2 --------------------------------------------------------------

application_children(App, Sup, #tx{known = Known} = Tx) ->
    case Known of
        #{{application, App} := Args} -> Args;
        _ -> asked_children(App, Sup, Tx)
    end.

asked_children(App, Sup, #tx{plan = Plan} = Tx) ->
    {ok, {M, Args}} = application:get_key(App, mod),
    {registered_name, Name} = process_info(Sup, registered_name),
    case discovered(App, M, Args, Name, option(child_timeout, Plan)) of
        {ok, Children} -> Children;
        {error, Why} -> failed(note(discover, "children of ~ts can't be found: ~ts", [App, Why], App), Tx)
    end.

%% start/2 of the new code runs once more, and its call to Supervisor.start_link/2 is watched. That call fails, since the supervisor's
%% name is taken; if it does not, what it started is ended at once.
discovered(App, M, Args, Name, Timeout) ->
    Leader = application_controller:get_master(App),
    {Pid, Ref} = spawn_monitor(fun() ->
                                       is_pid(Leader) andalso group_leader(Leader, self()),
                                       receive go -> exit({shutdown, {returned, catch M:start(normal, Args)}}) end
                               end),
    1 = erlang:trace(Pid, true, [call]),
    _ = erlang:trace_pattern({'Elixir.Supervisor', start_link, 2}, true, [global]),
    Pid ! go,
    Result = receive
                 {'DOWN', Ref, process, Pid, {shutdown, {returned, Returned}}} -> calls_of(Pid, Name, Returned)
             after Timeout ->
                     exit(Pid, kill),
                     {error, text("~ts:start/2 did not return within ~b ms", [M, Timeout])}
             end,
    _ = erlang:trace_pattern({'Elixir.Supervisor', start_link, 2}, false, [global]),
    Result.

calls_of(Pid, Name, Returned) ->
    Delivered = erlang:trace_delivered(Pid),
    receive {trace_delivered, Pid, Delivered} -> ok after 1000 -> ok end,
    case {[{Children, Options} || [Children, Options] <- traced(Pid), is_list(Options), proplists:get_value(name, Options) =:= Name], Returned} of
        {[{Children, Options} | _], {error, {already_started, _}}} -> {ok, 'Elixir.Supervisor':init(Children, proplists:delete(name, Options))};
        {[{Children, Options} | _], {ok, _}} -> {ok, 'Elixir.Supervisor':init(Children, proplists:delete(name, Options))};
        {[], _} -> {error, text("start/2 did not call Supervisor.start_link/2 with the name ~tp: ~0tP", [Name, Returned, 20])};
        {_, Other} -> {error, text("start/2 returned ~0tP", [Other, 30])}
    end.

traced(Pid) ->
    receive
        {trace, Pid, call, {'Elixir.Supervisor', start_link, Args}} -> [Args | traced(Pid)];
        {trace, Pid, _, _} -> traced(Pid)
    after 0 -> []
    end.

%% The list is the argument of such a supervisor, so that the next upgrade finds this one there.
set_children(Sup, Args, #tx{plan = Plan} = Tx) ->
    Timeout = option(child_timeout, Plan),
    M = 'Elixir.Supervisor.Default',
    ok = sys:suspend(Sup, Timeout),
    Result = try
                 _ = sys:replace_state(Sup, fun(State) -> setelement(element(1, args_in(State, M)), State, Args) end, Timeout),
                 sys:change_code(Sup, M, undefined, [], Timeout)
             after
                 sys:resume(Sup, Timeout)
             end,
    case Result of
        ok -> Tx;
        {error, Why} -> failed(note(children, "the children of ~tp can't be changed: ~0tP", [Sup, Why, 30], Sup), Tx)
    end.

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Instructions that call functions
%%% ---------------------------------------------------------------------------------------------------------------------------------

%% A permanent application that does not start, or ends, takes the node with it. So every application starts as a temporary one and becomes
%% what it is to be when the upgrade is confirmed.
start_application(App, Type, #tx{types = Types} = Tx) ->
    loaded(App) orelse push({application_loaded, App}, Tx),
    lists:keymember(App, 1, application:which_applications()) orelse push({application_started, App}, Tx),
    case bounded(fun() -> application:start(App, temporary) end, option(child_timeout, Tx#tx.plan)) of
        {ok, ok} -> report(started, {App, application}, Tx#tx{types = [{App, Type} | Types]});
        {ok, {error, {already_started, _}}} -> Tx;
        {ok, {error, Why}} -> failed(note(application, "~ts does not start: ~0tP", [App, Why, 40], App), Tx);
        {error, Why} -> failed(note(application, "~ts does not start: ~ts", [App, Why], App), Tx)
    end.

stop_application(App, #tx{types = Types} = Tx) ->
    case lists:keyfind(App, 1, Types ++ started_types()) of
        false -> Tx;
        {_, Type} ->
            push({application_stopped, App, Type}, Tx),
            case bounded(fun() -> application:stop(App) end, option(child_timeout, Tx#tx.plan)) of
                {ok, _} -> report(stopped, {App, application}, Tx#tx{types = lists:keydelete(App, 1, Types)});
                {error, Why} -> failed(note(application, "~ts does not stop: ~ts", [App, Why], App), Tx)
            end
    end.

started_types() -> proplists:get_value(started, application_controller:info(), []).

%% application_controller keeps the types of what it started in one of the lists of its state, as {App, Type}.
set_types([]) -> ok;
set_types(Types) ->
    Change = fun({App, temporary} = E) -> case lists:keyfind(App, 1, Types) of {_, Type} -> {App, Type}; false -> E end;
                (E) -> E
             end,
    Set = fun(State) -> list_to_tuple([case is_list(E) of true -> [Change(X) || X <- E]; false -> E end || E <- tuple_to_list(State)]) end,
    _ = sys:replace_state(application_controller, Set, 5000),
    ok.

load_application(App, Tx) ->
    loaded(App) orelse push({application_loaded, App}, Tx),
    case application:load(App) of
        {error, Why} when element(1, Why) =/= already_loaded -> failed(note(application, "~ts can't be loaded: ~0tP", [App, Why, 20], App), Tx);
        _ -> Tx
    end.

unload_application(App, Tx) ->
    loaded(App) andalso push({application_unloaded, {application, App, element(2, {ok, _} = application:get_all_key(App))}}, Tx),
    _ = application:unload(App),
    Tx.

supervise(start_child, Sup, Spec, Tx) when is_map(Spec); is_tuple(Spec), tuple_size(Spec) =:= 6 ->
    report(started, {app_of(pid_of(Sup), Tx), id_of(Spec)}, start_new(Sup, Spec, Tx));
supervise(restart_child, Sup, Id, Tx) ->
    push({child_restarted, Sup, Id}, Tx),
    started(supervisor_call(Sup, {restart_child, Id}, Tx), Sup, Id, Tx);
supervise(terminate_child, Sup, Id, Tx) when not is_pid(Id) ->
    push({child_terminated, Sup, Id}, Tx),
    _ = supervisor_call(Sup, {terminate_child, Id}, Tx),
    report(stopped, {app_of(pid_of(Sup), Tx), Id}, Tx);
supervise(delete_child, Sup, Id, Tx) ->
    case supervisor_call(Sup, {get_childspec, Id}, Tx) of
        {ok, Spec} -> push({child_deleted, Sup, Spec}, Tx);
        _ -> ok
    end,
    _ = supervisor_call(Sup, {delete_child, Id}, Tx),
    Tx;
supervise(F, Sup, Arg, Tx) -> other_apply(supervisor, F, [Sup, Arg], Tx).

other_apply(M, F, A, Tx0) ->
    Listener = self(),
    Told = fun() ->
               put(?LISTENER, Listener),
               apply(M, F, A)
           end,
    Result = bounded(Told, patience(Tx0)),
    Tx = heard(Tx0),
    case Result of
        {ok, Done} ->
            case takes_back(M, F, A) of
                true -> push({applied, M, Done}, Tx), Tx;
                false -> report(not_undoable, text("~tp:~tp/~b", [M, F, length(A)]), Tx)
            end;
        {error, Why} -> failed(note(apply, "~tp:~tp/~b: ~ts", [M, F, length(A), Why], {M, F, length(A)}), Tx)
    end.

%% While processes stand still nothing may take long; before and after, a call has the time that it takes.
patience(#tx{phase = window, since = Since, plan = Plan}) when Since =/= undefined -> option(child_timeout, Plan);
patience(#tx{plan = Plan}) -> option(call_timeout, Plan).

heard(Tx) ->
    receive
        {?TOLD, Text} -> heard(report(said, text("~ts", [string:slice(Text, 0, 1000)]), Tx))
    after 0 -> Tx
    end.

%% An instruction of the mix package can take back what its call has given.
takes_back(M, run, [_]) -> erlang:function_exported(M, undo_run, 1);
takes_back(_, _, _) -> false.

stop_child(#proc{sup = none}, Tx) -> Tx;
stop_child(#proc{sup = Sup, id = Id, app = App, mods = Mods}, #tx{stopped = Stopped} = Tx) ->
    push({child_terminated, Sup, Id}, Tx),
    case supervisor_call(Sup, {terminate_child, Id}, Tx) of
        ok -> report(stopped, {App, Id}, Tx#tx{stopped = [{Mods, App, Sup, Id} | Stopped]});
        _ -> Tx
    end.

start_stopped(M, #tx{stopped = Stopped} = Tx) ->
    {Mine, Rest} = lists:partition(fun({Mods, _, _, _}) -> lists:member(M, Mods) end, Stopped),
    lists:foldl(fun({_, App, Sup, Id}, T) ->
                        report(started, {App, Id}, started(supervisor_call(Sup, {restart_child, Id}, T), Sup, Id, T))
                end, Tx#tx{stopped = Rest}, Mine).

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Afterwards: health, commit, and what release_handler knows
%%% ---------------------------------------------------------------------------------------------------------------------------------

health_now(Plan, #{tree := Before, running := Running, quiet := Quiet}, Last) ->
    {Procs, Now, _} = walk(#{}, Quiet, option(child_timeout, Plan)),
    Pairs = [{Sup, Id, Old, pid_now(Id, maps:get(Sup, Now, gone))} || {Sup, Children} <- maps:to_list(Before),
                                                                     {Id, Old, _, _} <- Children, is_pid(Old), Id =/= undefined],
    #{restarts => [{Sup, Id, Old, New} || {Sup, Id, Old, New} <- Pairs, is_pid(New), New =/= Old],
      missing => [{Sup, Id} || {Sup, Id, _, New} <- Pairs, is_missing(New, Sup, Id)]
          ++ [{App, application} || App <- Running -- [A || {A, _, _} <- application:which_applications()]],
      suspended => [Pid || Pid <- maps:keys(Procs), is_suspended(Pid)],
      old_code => [{P, M} || {P, M} <- lingering_in(Last), is_process_alive(P), erlang:check_process_code(P, M) =:= true],
      md5 => wrong_code(Plan)}.

restarts_now() ->
    {Procs, Tree, _} = walk(#{}, #{}, 5000),
    Sups = [Pid || {Pid, #proc{kind = supervisor}} <- maps:to_list(Procs)],
    {Replies, _, _} = ask(Sups, fun(_, From) -> {system, From, {replace_state, fun throw_restarts/1}} end, 5000),
    [{Sup, Count, Seconds, names(maps:get(Sup, Tree, []))}
     || {Sup, Reply} <- maps:to_list(Replies),
        {Count, Seconds} <- restarts_in(Reply, persistent_term:get(?TAKEN_BACK, none), erlang:monotonic_time(second))].

%% When a child is restarted, a supervisor forgets the restarts that are older than its period. The places are the same from OTP 25 to 29.
throw_restarts(#{max_seconds := Period, restarts := Times}) -> throw({restarts, Period, Times});
throw_restarts(State) -> throw({restarts, element(7, State), element(8, State)}).

restarts_in({error, {callback_failed, _, {throw, {restarts, Period, [Last | _] = Times}}}}, none, Now) when is_integer(Period), is_integer(Last) ->
    [{length(Times), max(1, Now - min(Last - Period, lists:last(Times)))}];
restarts_in({error, {callback_failed, _, {throw, {restarts, Period, Times}}}}, Since, Now) when is_integer(Period), is_list(Times) ->
    case [Time || Time <- Times, is_integer(Time), Time > Since] of
        [] -> [];
        [Last | _] = Fresh -> [{length(Fresh), max(1, Now - max(Since, min(Last - Period, lists:last(Fresh))))}]
    end;
restarts_in(_, _, _) -> [].

names(Children) ->
    [Name || {_, Pid, _, _} <- Children, is_pid(Pid), {registered_name, Name} <- [process_info(Pid, registered_name)]].

lingering_in({done, #{lingering := Lingering}}) -> Lingering;
lingering_in(_) -> [].

%% A supervisor that is gone shows as a child of its own supervisor.
pid_now(_, gone) -> gone;
pid_now(Id, Children) ->
    case lists:keyfind(Id, 1, Children) of
        {_, Pid, _, _} -> Pid;
        false -> gone
    end.

is_missing(restarting, _, _) -> true;
is_missing(undefined, Sup, Id) ->
    case catch supervisor:get_childspec(Sup, Id) of
        {ok, #{restart := permanent}} -> true;
        _ -> false
    end;
is_missing(_, _, _) -> false.

is_suspended(Pid) ->
    case process_info(Pid, current_function) of
        {_, {sys, suspend_loop, _}} -> true;
        _ -> false
    end.

commit_now(#{to := To, from := From} = Plan, Types) ->
    T0 = now_us(),
    ok = set_types(Types),
    Mods = lists:usort([M || {M, _} <- maps:get(md5, Plan, []) ++ maps:get(old_md5, Plan, [])] ++ [M || {load, {M, _, _}} <- maps:get(script, Plan)]
                       ++ [M || {remove, {M, _, _}} <- maps:get(script, Plan)]),
    {Killed, Gone} = without_old_code(Mods),
    Warnings = Gone ++ settled(Plan) ++ restart_release_handler(string(To), string(From)),
    {committed, #{killed => Killed, warnings => Warnings, total => now_us() - T0}}.

%% A restart inside the node, and what reads the environment, find the release of the plan from now on. [Warning]
settled(#{root := Root, to := To} = Plan) ->
    Dir = filename:join([string(Root), "releases", string(To)]),
    Config = permanent_config(Dir, Plan),
    _ = [os:putenv(Name, Value) || {Name, Value} <- [{"RELEASE_VSN", string(To)}, {"RELEASE_SYS_CONFIG", Config},
                                                     {"RELEASE_VM_ARGS", of_host("LINK_VM_ARGS", filename:join(Dir, "vm.args"))}], os:getenv(Name) =/= false],
    case boot_of(Dir) of
        {ok, Boot} ->
            Found = filelib:is_regular(Config ++ ".config") andalso Config,
            ok = init:make_permanent(Boot, Found),
            [];
        none -> [note(boot, "~ts has no start.boot: a restart inside the node would start another release", [Dir], none)]
    end.

%% Old code goes, and who still runs in it: {[{Pid, Mod}], [Warning]}.
without_old_code(Mods) ->
    Lingering = [{P, M} || M <- Mods, erlang:check_old_code(M), not code:soft_purge(M), P <- in_old_code(M)],
    Warnings = start_again(lists:usort([P || {P, _} <- Lingering])),
    _ = [code:purge(M) || {_, M} <- Lingering],
    {Lingering, Warnings}.

%% Of children that are killed a supervisor counts every one, and ends itself where it is one too many; of those that it is told to start again,
%% none. Where others are to end with a child, it has to see it die.
start_again([]) -> [];
start_again(Pids) ->
    {Procs, _, _} = walk(#{}, #{}, 5000),
    lists:append([child_again(Sup, Id) || #proc{sup = Sup, id = Id} <- maps:values(maps:with(Pids, Procs)), is_alone(Sup, Id)]).

is_alone(Sup, Id) ->
    is_pid(Sup) andalso Id =/= undefined andalso {ok, one_for_one} =:= bounded(fun() -> element(3, sys:get_state(Sup, 5000)) end, 6000).

%% A supervisor that was told to does not try again by itself. It does not know a temporary child any more, which nobody starts again.
child_again(Sup, Id) ->
    case bounded(fun() -> _ = supervisor:terminate_child(Sup, Id), supervisor:restart_child(Sup, Id) end, 10000) of
        {ok, {error, Why}} when Why =/= not_found, Why =/= running -> [not_again(Sup, Id, Why)];
        {ok, _} -> [];
        {error, Why} -> [not_again(Sup, Id, Why)]
    end.

not_again(Sup, Id, Why) ->
    note(child, "~tp of ~tp ended, because it ran old code, and does not start again: ~0tP", [Id, Sup, Why, 20], Id).

%% Where the configuration is completed by a second boot, that boot rewrites the file it was given: it must not be the release's own.
permanent_config(Dir, Plan) ->
    Own = filename:rootname(config_file(Dir), ".config"),
    case consult_config(Own ++ ".config") of
        {ok, Config} ->
            case proplists:get_value(config_provider_init, proplists:get_value(elixir, [E || {_, _} = E <- Config], []), none) of
                #{reboot_system_after_config := true} -> runtime_config(Own, Plan);
                _ -> Own
            end;
        _ -> Own
    end.

runtime_config(Own, #{root := Root, to := To} = Plan) ->
    Tmp = os:getenv("RELEASE_TMP", filename:join(string(Root), "tmp")),
    Copy = filename:join(Tmp, lists:concat([string(maps:get(name, Plan, "release")), "-", string(To), "-edeliver.runtime"])),
    ok = filelib:ensure_dir(Copy),
    {ok, _} = file:copy(Own ++ ".config", Copy ++ ".config"),
    Copy.

%% It reads RELEASES when it starts; whoever commits has written there what is permanent now.
restart_release_handler(To, From) ->
    case whereis(release_handler) of
        undefined -> [];
        _ ->
            case bounded(fun() ->
                                 ok = supervisor:terminate_child(sasl_sup, release_handler),
                                 {ok, _} = supervisor:restart_child(sasl_sup, release_handler)
                         end, 10000) of
                {ok, _} -> release_is(To, current, From, unpacked);
                {error, Why} -> [note(release_handler, "release_handler does not start again: ~ts", [Why], none)]
            end
    end.

release_was(Vsn) -> hd([Status || {release, _, V, _, _, Status} <- releases(), V =:= string(Vsn)] ++ [unpacked]).

%% What release_handler knows, the libraries with their directories among it.
releases() ->
    State = fun() -> [E || whereis(release_handler) =/= undefined, E <- tuple_to_list(sys:get_state(release_handler, 5000)), is_releases(E)] end,
    case bounded(State, 6000) of
        {ok, [Releases]} -> Releases;
        _ -> []
    end.

%% What release_handler would have noted itself. Left: what becomes of the release that ran, unless that is permanent. The release record is the same from OTP 17 to 29: {release, Name, Vsn, Erts, Libs, Status}
release_is(To, Status, From, Left) ->
    case whereis(release_handler) of
        undefined -> [];
        Pid ->
            case bounded(fun() -> sys:replace_state(Pid, fun(State) -> with_release(State, string(To), Status, {string(From), Left}) end, 5000) end, 6000) of
                {ok, _} -> [];
                {error, Why} -> [note(release_handler, "release_handler could not be told: ~ts", [Why], none)]
            end
    end.

with_release(State, To, Status, From) ->
    list_to_tuple([case is_releases(E) of true -> [marked(R, To, Status, From) || R <- E]; false -> E end || E <- tuple_to_list(State)]).

is_releases([{release, _, _, _, _, _} | _]) -> true;
is_releases(_) -> false.

marked({release, _, To, _, _, permanent} = R, To, _, _) -> R;
marked({release, Name, To, Erts, Libs, _}, To, Status, _) -> {release, Name, To, Erts, Libs, Status};
marked({release, Name, From, Erts, Libs, current}, _, current, {From, Left}) -> {release, Name, From, Erts, Libs, Left};
marked({release, Name, Vsn, Erts, Libs, current}, _, current, _) -> {release, Name, Vsn, Erts, Libs, old};
marked(R, _, _, _) -> R.

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% The same hooks for release_handler, which calls them with no plan
%%% ---------------------------------------------------------------------------------------------------------------------------------

%% Resolves the configuration of a release now, so that it can't fail when it is wanted, and notes what release_handler would forget: when
%% it calls the first hook, it has made all environments anew from files. ok | {error, Note}
stash(Vsn) ->
    case resolved_config(bare_plan("", Vsn), 30000) of
        {ok, Config} ->
            Files = [code:where_is_file(atom_to_list(App) ++ ".app") || {App, _, _} <- application:loaded_applications()],
            ok = call({stash, own_keys, own_keys(config_snapshot(), environments([File || File <- Files, is_list(File)]))}),
            call({stash, {config, string(Vsn)}, Config});
        Error -> Error
    end.

%% What release_handler leaves undone: a relup that some other tool made calls no hook, and libraries that the release does not have stay in
%% the code path.
installed(To) ->
    keep_own(),
    {Own, Others} = lists:partition(fun(Release) -> element(3, Release) =:= string(To) end, releases()),
    Has = [App || {release, _, _, _, Libs, _} <- Own, {App, _, _} <- Libs],
    Gone = [filename:basename(Dir) || Own =/= [], {release, _, _, _, Libs, _} <- Others, {App, _, Dir} <- Libs, not lists:member(App, Has)],
    Is = fun(Entry) -> filename:basename(Entry) =:= "ebin" andalso lists:member(filename:basename(filename:dirname(Entry)), Gone) end,
    lists:foreach(fun code:del_path/1, lists:filter(Is, code:get_path())).

keep_own() ->
    case call({stashed, own_keys}) of
        {ok, Own} -> keep_keys(Own);
        error -> ok
    end.

%% release_handler purges at the commit what it has left over, and says nothing of who is killed by that. [Warning]
end_old_code() ->
    State = bounded(fun() -> tuple_to_list(sys:get_state(release_handler, 5000)) end, 6000),
    Mods = [M || {ok, Elements} <- [State], Unpurged <- Elements, is_list(Unpurged), {M, brutal_purge} <- Unpurged],
    {Killed, Gone} = without_old_code(Mods),
    [note(killed, "killed, because it ran old code: ~tp in ~ts", [P, name(M)], P) || {P, M} <- Killed] ++ Gone.

%% What the hooks could not do since the last stash/1: release_handler ignores what they return.
failed() ->
    case whereis(?MODULE) of
        undefined -> [];
        _ -> call(failed)
    end.

config(From, To) ->
    hook(fun() ->
                 Plan = bare_plan(From, To),
                 note_children(Plan),
                 {resolved, Config, _} = resolved_for_hook(Plan),
                 ok = application:set_env([E || {_, _} = E <- Config], [{persistent, true}]),
                 keep_own()
         end).

resolved_for_hook(#{to := To} = Plan) ->
    case call({stashed, {config, To}}) of
        {ok, Config} -> Config;
        error ->
            case resolved_config(Plan, 30000) of
                {ok, Config} -> Config;
                {error, Note} -> failed(Note, #tx{})
            end
    end.

%% Before the code changes is the only time when the old code can tell which children it wants.
note_children(#{root := Root, from := From, to := To} = Plan) ->
    Hooks = children_hooks(steps(relup(Root, From, To), before)),
    Tx = look_at_processes(#tx{plan = Plan#{discover => [App || {application, App} <- Hooks]}, log = none}),
    #tx{wanted = Wanted, tree = Tree} = lists:foldl(fun look_at_hook/2, Tx, Hooks),
    ok = call({stash, {children, To}, {Wanted, Tree}}).

relup(Root, From, To) ->
    case {file:consult(filename:join([Root, "releases", To, "relup"])), file:consult(filename:join([Root, "releases", From, "relup"]))} of
        {{ok, [{To, Ups, _}]}, Other} -> script(From, Ups, fun() -> down_script(To, Other) end);
        {_, Other} -> down_script(To, Other)
    end.

down_script(To, {ok, [{_, _, Downs}]}) -> script(To, Downs, fun() -> [] end);
down_script(_, _) -> [].

script(Vsn, Entries, Else) ->
    case lists:keyfind(Vsn, 1, Entries) of
        {_, _, Script} -> Script;
        false -> Else()
    end.

protocols(From, To) ->
    hook(fun() ->
                 Root = root_dir(),
                 Tx = #tx{plan = bare_plan(From, To), log = none},
                 true = code:set_path(new_path(code:get_path(), Tx)),
                 Files = [{list_to_atom(filename:basename(P, ".beam")), P} || P <- consolidated_files((Tx#tx.plan)#{root := Root})],
                 lists:foreach(fun({M, Path}) -> reload_protocol(M, Path) end, Files)
         end).

reload_protocol(M, Path) ->
    {ok, Raw} = file:read_file(Path),
    Bin = plain(Raw),
    case erlang:module_loaded(M) andalso M:module_info(md5) =:= code:module_md5(Bin) of
        true -> ok;
        false ->
            true = code:soft_purge(M),
            {module, M} = code:load_binary(M, Path, Bin)
    end.

children(From, To, Hooks) ->
    Plan = (bare_plan(From, To))#{discover => [App || {application, App} <- Hooks]},
    {Wanted, Tree} = case call({stashed, {children, string(To)}}) of {ok, Known} -> Known; error -> {#{}, #{}} end,
    lists:foreach(fun(Hook) ->
                          hook(fun() ->
                                       Tx = look_at_processes(#tx{plan = Plan, log = none}),
                                       sync_hook(Hook, Tx#tx{wanted = Wanted, tree = Tree})
                               end)
                  end, Hooks).

hook(Fun) ->
    try Fun() of
        _ -> ok
    catch
        throw:{failed, Why, _} -> call({failed, [Why]});
        Class:Reason:Stack -> call({failed, [note(hook, "~ts", [exception(Class, Reason, Stack)], none)]})
    end.

bare_plan(From, To) ->
    #{from => string(From), to => string(To), root => root_dir(), libs => own_libraries(string(To)), old_libs => own_libraries(string(From))}.

%% Only Distillery keeps consolidated protocols in a library; release_handler switches the paths of libraries itself.
own_libraries(_) -> [].

root_dir() -> os:getenv("RELEASE_ROOT", code:root_dir()).

%%% ---------------------------------------------------------------------------------------------------------------------------------
%%% Small parts
%%% ---------------------------------------------------------------------------------------------------------------------------------

option(Name, Plan) ->
    Defaults = #{suspend_timeout => 5000, code_change_timeout => 5000, child_timeout => 10000, call_timeout => 10000,
                 confirm_within => 120000},
    maps:get(Name, maps:get(options, Plan, #{}), maps:get(Name, Defaults)).

now_us() -> erlang:monotonic_time(microsecond).
now_ms() -> erlang:monotonic_time(millisecond).

string(Text) -> unicode:characters_to_list(Text).

note(Tag, Format, Args, Term) -> {Tag, text(Format, Args), Term}.

text(Format, Args) -> unicode:characters_to_binary(io_lib:format(Format, Args)).

texts(Notes) -> lists:join("; ", [Text || {_, Text, _} <- Notes]).

pids(Pids) -> lists:join(", ", [io_lib:format("~tp", [P]) || P <- lists:sublist(Pids, 5)]).

name(M) -> string:replace(atom_to_list(M), "Elixir.", "", leading).

%% The first line says what happened, the others where. As those who wrote the code know it: Elixir's way on a node with Elixir.
exception(Class, Reason, Stack) ->
    Frames = own_frames([case F of {M, N, As, At} when is_list(As) -> {M, N, length(As), At}; _ -> F end || F <- Stack]),
    string:slice(string:trim(formatted(Class, Reason, Frames)), 0, 4000).

%% Without arguments, which are states and configuration and may hold secrets; and without the machinery below.
own_frames(Stack) ->
    Machinery = [?MODULE, sys, gen_server, gen_statem, gen_event, proc_lib, supervisor],
    case lists:takewhile(fun(F) -> not lists:member(element(1, F), Machinery) end, Stack) of
        [] -> lists:sublist(Stack, 3);
        Own -> Own
    end.

formatted(Class, Reason, Frames) ->
    try
        case code:ensure_loaded('Elixir.Exception') =:= {module, 'Elixir.Exception'} of
            true -> text("~ts~n~ts", ['Elixir.Exception':format_banner(Class, Reason, Frames), 'Elixir.Exception':format_stacktrace(Frames)]);
            false -> text("~ts", [erl_error:format_exception(Class, Reason, Frames)])
        end
    catch
        _:_ -> text("~tp ~0tP~n~0tP", [Class, Reason, 30, Frames, 40])
    end.

in_own_process(Fun) ->
    case bounded(Fun, infinity) of
        {ok, Result} -> Result;
        {error, Why} -> {refused, [note(agent, "preparing failed: ~ts", [Why], none)]}
    end.

%% In a process of its own, which is killed when the time is over: {ok, Result} | {error, Text}
bounded(Fun, Timeout) ->
    {Pid, Ref} = spawn_monitor(fun() -> exit({bounded, try {ok, Fun()} catch C:R:S -> {error, exception(C, R, S)} end}) end),
    receive
        {'DOWN', Ref, process, Pid, {bounded, Result}} -> Result;
        {'DOWN', Ref, process, Pid, Reason} -> {error, text("ended: ~0tP", [Reason, 20])}
    after Timeout ->
            exit(Pid, kill),
            receive {'DOWN', Ref, process, Pid, _} -> ok end,
            {error, text("not done within ~b ms", [Timeout])}
    end.
