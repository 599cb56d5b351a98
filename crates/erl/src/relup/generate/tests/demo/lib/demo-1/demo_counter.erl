-module(demo_counter).
-vsn("1").
-behaviour(gen_server).
-export([start_link/0, count/0, init/1, handle_call/3, handle_cast/2, code_change/3]).
start_link() -> gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).
count() -> gen_server:call(?MODULE, count).
init([]) -> {ok, {state, 0}}.
handle_call(count, _, {state, N}) -> {reply, {v1, demo_gone:next(N)}, {state, demo_gone:next(N)}}.
handle_cast(_, State) -> {noreply, State}.
code_change(_, State, _) -> {ok, State}.
