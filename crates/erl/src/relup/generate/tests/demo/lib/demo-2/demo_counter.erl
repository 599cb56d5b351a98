-module(demo_counter).
-vsn("2").
-behaviour(gen_server).
-export([start_link/0, start_link/1, count/0, init/1, handle_call/3, handle_cast/2, code_change/3]).
start_link() -> start_link(?MODULE).
start_link(Name) -> gen_server:start_link({local, Name}, ?MODULE, [], []).
count() -> gen_server:call(?MODULE, count).
init([]) -> {ok, {state, 0, []}}.
handle_call(count, _, {state, N, Seen}) ->
    {reply, {v2, demo_new:next(N), Seen, extra:alive()}, {state, demo_new:next(N), Seen}}.
handle_cast(_, State) -> {noreply, State}.
code_change({down, "1"}, {state, N, _}, _) -> {ok, {state, N}};
code_change("1", {state, N}, Extra) -> {ok, {state, N, [{migrated, Extra}]}}.
