%% One function for each promise; a case runs in a node of its own.
-module(agent_cases).
-export([run/0]).
-compile([export_all, nowarn_export_all]).
-import(agent_lab, [application/3, application/4, release/4, up/3, plan/4, plan/5, script/1, picture/0, same/2, done/1, eventually/1]).

%% Ends the node; what it prints at last tells how the case went.
run() ->
    [Case] = init:get_plain_arguments(),
    agent_lab:quiet(),
    spawn(fun() -> started(), run(list_to_atom(Case)) end).

started() -> init:get_status() =:= {started, started} orelse (timer:sleep(5) =:= ok andalso started()).

run(Case) ->
    try ?MODULE:Case() of
        _ -> io:format("~ncase passed~n"), halt(0, [{flush, true}])
    catch Class:Reason:Stack ->
            io:format("~ncase failed: ~tp ~tp~n~tp~n", [Class, Reason, Stack]), halt(1, [{flush, true}])
    end.

%%% --- sources ---------------------------------------------------------------------------------------------------------------------

app_module(Sup) ->
    "-behaviour(application). -export([start/2, stop/1, config_change/3]).
     start(_, _) -> " ++ Sup ++ ":start_link(). stop(_) -> ok.
     config_change(C, N, R) -> catch ets:insert(told, {erlang:monotonic_time(), C, N, R}), ok.".

supervisor(Name, Children) -> supervisor(Name, "one_for_one", Children).

supervisor(Name, Strategy, Children) ->
    "-behaviour(supervisor). -export([start_link/0, init/1]).
     start_link() -> supervisor:start_link({local, " ++ Name ++ "}, " ++ Name ++ ", []).
     init([]) -> {ok, {#{strategy => " ++ Strategy ++ ", intensity => 100, period => 10}, " ++ Children ++ "}}.".

%% v1: {n, N}; v2: #{n => N, from => Vsn}. On the way down what it counted comes along.
counter_v1() ->
    counter("{n, 0}", "handle_call(add, _, {n, N}) -> {reply, N + 1, {n, N + 1}}; handle_call(get, _, {n, N}) -> {reply, {v1, N}, {n, N}}.",
            "code_change({down, _}, #{n := N}, _) -> {ok, {n, N}}; code_change(_, S, _) -> {ok, S}.").

counter_v2() ->
    counter("#{n => 0, from => new}",
            "handle_call(add, _, #{n := N} = S) -> {reply, N + 1, S#{n := N + 1}}; handle_call(get, _, #{n := N, from := F} = S) -> {reply, {v2, N, F}, S}.",
            "code_change({down, _}, #{n := N}, _) -> {ok, {n, N}}; code_change(Vsn, {n, N}, _) -> {ok, #{n => N, from => Vsn}}.").

counter_v2_bad(Bad) ->
    counter("#{n => 0, from => new}", "handle_call(_, _, #{n := N} = S) -> {reply, N, S}.", "code_change(_, {n, _} = S, _) -> " ++ Bad ++ ".").

counter(Init, Calls, Change) ->
    "-behaviour(gen_server). -export([start_link/0, start_link/1, init/1, handle_call/3, handle_cast/2, handle_info/2, code_change/3]).
     start_link() -> gen_server:start_link({local, counter}, ?MODULE, [], []).
     start_link(_) -> gen_server:start_link(?MODULE, [], []).
     init([]) -> {ok, " ++ Init ++ "}. handle_cast({run, F}, S) -> F(), {noreply, S}; handle_cast(hibernate, S) -> {noreply, S, hibernate}; handle_cast(_, S) -> {noreply, S}.
     handle_info(_, S) -> {noreply, S}.\n" ++ Calls ++ "\n" ++ Change.

child(Id) -> child(Id, Id).
child(Id, M) -> "#{id => " ++ Id ++ ", start => {" ++ M ++ ", start_link, []}}".

%% An application `lab` with a supervisor and the counter; More are modules that both versions have.
lab(V, Counter, More) -> lab(V, Counter, "[" ++ child("counter") ++ "]", More).
lab(V, Counter, Children, More) ->
    application(lab, V, maps:merge(#{lab_app => app_module("lab_sup"), lab_sup => supervisor("lab_sup", Children), counter => Counter}, More), [{mod, {lab_app, []}}]).

two(Counter2) -> two(counter_v1(), Counter2, #{}).
two(Counter1, Counter2, More) ->
    release("lab", "1", [lab("1", Counter1, More)], []),
    release("lab", "2", [lab("2", Counter2, More)], []),
    up("1", [lab], []).

counter_script(From, To, Mode) ->
    script(#{from => From, to => To, direction => Mode, code => [{lab, To, [counter]}], suspend => [counter], change => [counter]}).

counter_plan() -> counter_plan(#{}).
counter_plan(More) -> plan("1", "2", counter_script("1", "2", up), counter_script("2", "1", down), More).

add() -> gen_server:call(counter, add).
get_counter() -> gen_server:call(counter, get).

%% The whole node is as it was, and the upgrade said so.
reverted(Plan) ->
    Before = picture(),
    {Us, Result} = timer:tc(fun() -> edeliver_agent:upgrade(Plan) end),
    {reverted, Why, Report} = Result,
    same(Before, picture()),
    {over, _, Result} = edeliver_agent:status(),
    {Why, Report, Us}.

%%% --- the main road ---------------------------------------------------------------------------------------------------------------

a_workers_state_is_migrated() ->
    two(counter_v2()),
    Pid = whereis(counter),
    3 = lists:last([add() || _ <- [1, 2, 3]]),
    {ok, #{processes := 1, warnings := []}} = edeliver_agent:preflight(counter_plan()),
    Report = done(counter_plan()),
    io:format("~s", [agent_lab:us(Report)]),
    {v2, 3, "1"} = get_counter(),
    Pid = whereis(counter),
    true = maps:get(suspended, Report) < 5000,
    {soaking, <<"run1">>, #{from := "1", to := "2", left_ms := Left}} = edeliver_agent:status(),
    true = Left > 1000,
    #{restarts := [], missing := [], suspended := [], old_code := [], md5 := []} = edeliver_agent:health(<<"run1">>),
    {ok, _} = edeliver_agent:commit(<<"run1">>),
    {over, <<"run1">>, {committed, _}} = edeliver_agent:status(),
    4 = add(),
    "2" = element(2, {ok, _} = application:get_key(lab, vsn)).

a_revert_takes_todays_state_along() ->
    two(counter_v2()),
    add(),
    Pid = whereis(counter),
    Before = picture(),
    done(counter_plan()),
    2 = add(),
    {reverted, {asked, _, _}, _} = edeliver_agent:revert(<<"run1">>),
    {v1, 2} = get_counter(),
    Pid = whereis(counter),
    sys:replace_state(counter, fun(_) -> {n, 1} end),
    same(Before, picture()).

a_code_change_that_raises_leaves_everything_as_before() ->
    two(counter_v2_bad("error(no)")),
    add(),
    {{code_change, Text, _}, Report, Us} = reverted(counter_plan()),
    io:format("~s; ~ts; all ~b us", [agent_lab:us(Report), Text, Us]),
    true = maps:get(total, Report) < 100000,
    {match, _} = re:run(Text, "counter"),
    {v1, 1} = get_counter().

a_code_change_that_returns_an_error_leaves_everything_as_before() ->
    two(counter_v2_bad("{error, no}")),
    add(),
    {{code_change, _, _}, _, _} = reverted(counter_plan()),
    2 = add().

nobody_confirms_and_the_upgrade_goes_back() ->
    two(counter_v2()),
    add(),
    #{options := Options} = Plan = counter_plan(),
    done(Plan#{options := Options#{confirm_within := 300}}),
    {v2, 1, _} = get_counter(),
    eventually(fun() -> is_tuple(edeliver_agent:status()) andalso element(1, edeliver_agent:status()) =:= over end),
    {over, _, {reverted, {unconfirmed, _, _}, _}} = edeliver_agent:status(),
    {v1, 1} = get_counter().
