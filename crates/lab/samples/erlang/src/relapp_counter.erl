%% State worth keeping: a number that only grows while the process lives.
-module(relapp_counter).
-behaviour(gen_server).
-vsn("1").

-export([start_link/0, count/0, read/0]).
-export([init/1, handle_call/3, handle_cast/2, code_change/3]).

-record(state, {n = 0 :: non_neg_integer()}).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% Counts one up and returns the new value.
count() ->
    gen_server:call(?MODULE, count).

%% The present value.
read() ->
    gen_server:call(?MODULE, read).

init([]) ->
    {ok, #state{}}.

handle_call(count, _From, #state{n = N} = State) ->
    {reply, N + 1, State#state{n = N + 1}};
handle_call(read, _From, #state{n = N} = State) ->
    {reply, N, State}.

handle_cast(_Message, State) ->
    {noreply, State}.

code_change(_Vsn, State, _Extra) ->
    {ok, State}.
