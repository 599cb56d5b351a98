%% Looks at a node for `cargo xtask scenarios`. Loaded into it over distribution, no part of any release.
-module(scenes_probe).

-export([portrait/1, pids/0, stuck/0, identity/0, eval/2]).

%% What the node is, as pairs of texts: two nodes that run the same release the same way have equal ones. Root is the folder of the release.
portrait(Root) ->
    lists:sort(env() ++ versions() ++ children() ++ code() ++ path(Root)).

identity() ->
    {list_to_integer(os:getpid()), erlang:system_info(creation), init:get_status()}.

env() ->
    [
        {text("env ~s ~tp", [App, Key]), text("~0tp", [Value])}
     || {App, _, _} <- application:loaded_applications(), {Key, Value} <- application:get_all_env(App)
    ].

versions() ->
    Running = [App || {App, _, _} <- application:which_applications()],
    [
        {text("application ~s", [App]), text("~s ~s", [Vsn, state(lists:member(App, Running))])}
     || {App, _, Vsn} <- application:loaded_applications()
    ].

state(true) -> "runs";
state(false) -> "is loaded".

%% Modules that releases bring: all but ours and those made in the node.
code() ->
    [{text("module ~s", [Module]), hex(Module:module_info(md5))} || {Module, File} <- code:all_loaded(), is_list(File), File =/= []].

hex(Md5) ->
    text("~32.16.0b", [binary:decode_unsigned(Md5)]).

path(Root) ->
    Plain = [string:replace(Dir, "/lib/../", "/") || Dir <- code:get_path()],
    [{text("path ~ts", [string:prefix(Dir, Root)]), <<>>} || Dir <- Plain, string:prefix(Dir, Root) =/= nomatch].

%% Every child of every supervisor, below the names of those above it. Children that come and go as the node works are no part of it.
children() ->
    [{text("child ~ts", [Where]), text("~s ~0tp ~0tp", [alive(Pid), Type, Modules])} || {Where, Pid, Type, Modules} <- walk()].

alive(Pid) when is_pid(Pid) -> "alive";
alive(Other) -> atom_to_list(Other).

%% The same with the processes, those that come and go included.
pids() ->
    lists:sort([{text("~ts", [Where]), text("~0tp", [Pid])} || {Where, Pid, _, _} <- walk()] ++ [{text("~p", [Pid]), <<>>} || Pid <- dynamic()]).

walk() ->
    lists:append([below([atom_to_list(App)], Top) || {App, Top} <- tops()]).

tops() ->
    [{App, Top} || {App, _, _} <- application:which_applications(), App =/= kernel, {Top, _} <- [top(application_controller:get_master(App))]].

top(undefined) -> none;
top(Master) -> application_master:get_child(Master).

below(Path, Sup) when is_pid(Sup) ->
    lists:append([child(Path, Child) || {Id, _, _, _} = Child <- children_of(Sup), Id =/= undefined]);
below(_, _) ->
    [].

child(Path, {Id, Pid, Type, Modules}) ->
    Here = Path ++ ["/", io_lib:format("~0tp", [Id])],
    [{Here, Pid, Type, Modules} | case Type of supervisor -> below(Here, Pid); worker -> [] end].

dynamic() ->
    Sups = [Pid || {_, Pid, supervisor, _} <- walk()],
    [Pid || Sup <- Sups, {undefined, Pid, _, _} <- children_of(Sup), is_pid(Pid)].

%% Only who says of himself that he is a supervisor is asked as one.
children_of(Sup) ->
    case is_supervisor(Sup) of
        true -> gen_server:call(Sup, which_children, 5000);
        false -> []
    end.

is_supervisor(Pid) when is_pid(Pid) ->
    case proc_lib:initial_call(Pid) of
        {supervisor, _, _} -> true;
        {'Elixir.DynamicSupervisor', _, _} -> true;
        _ -> is_supervisor_dictionary(process_info(Pid, dictionary))
    end;
is_supervisor(_) ->
    false.

is_supervisor_dictionary({dictionary, Words}) ->
    case lists:keyfind('$initial_call', 1, Words) of
        {_, {supervisor, _, _}} -> true;
        {_, {'Elixir.Supervisor.Default', _, _}} -> true;
        {_, {Module, init, 1}} -> lists:any(fun({behaviour, Of}) -> lists:any(fun supervises/1, Of); (_) -> false end, attributes(Module));
        _ -> false
    end;
is_supervisor_dictionary(undefined) ->
    false.

supervises(Behaviour) ->
    lists:member(Behaviour, [supervisor, 'Elixir.Supervisor', 'Elixir.DynamicSupervisor']).

attributes(Module) ->
    try
        Module:module_info(attributes)
    catch
        error:undef -> []
    end.

%% Processes that somebody has suspended and not resumed, those that wait in their code_change included.
stuck() ->
    [text("~p ~0tp", [Pid, process_info(Pid, registered_name)]) || Pid <- processes(), Pid =/= self(), is_stuck(Pid)].

is_stuck(Pid) ->
    case process_info(Pid, [current_function, status]) of
        [{current_function, {sys, suspend_loop, _}}, _] -> true;
        [{current_function, {sys, suspend_loop_hib, _}}, _] -> true;
        [_, {status, suspended}] -> true;
        [{current_function, {erlang, hibernate, 3}}, _] -> is_within(suspend_loop_hib, process_info(Pid, current_stacktrace));
        [_, {status, waiting}] -> is_within(do_change_code, process_info(Pid, current_stacktrace));
        _ -> false
    end.

is_within(Function, {_, Stack}) -> lists:keymember(Function, 2, Stack);
is_within(_, undefined) -> false.

%% The value of an expression as text.
eval(elixir, Text) ->
    tried(fun() ->
        {Value, _} = 'Elixir.Code':eval_string(Text),
        'Elixir.Kernel':inspect(Value, [{limit, infinity}, {charlists, as_lists}])
    end);
eval(erlang, Text) ->
    tried(fun() ->
        {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Text) ++ "."),
        {ok, Exprs} = erl_parse:parse_exprs(Tokens),
        {value, Value, _} = erl_eval:exprs(Exprs, erl_eval:new_bindings()),
        text("~0tp", [Value])
    end).

tried(Fun) ->
    try
        {ok, Fun()}
    catch
        Class:Reason:Stack -> {ok, text("~0tp:~0tp ~0tP", [Class, Reason, Stack, 20])}
    end.

text(Format, Args) ->
    unicode:characters_to_binary(io_lib:format(Format, Args)).
