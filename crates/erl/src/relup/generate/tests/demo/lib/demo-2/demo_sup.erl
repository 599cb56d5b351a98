-module(demo_sup).
-behaviour(supervisor).
-export([start_link/0, init/1]).
start_link() -> supervisor:start_link({local, ?MODULE}, ?MODULE, []).
init([]) ->
    {ok, {#{intensity => 7}, [#{id => counter, start => {demo_counter, start_link, []}},
                              #{id => second, start => {demo_counter, start_link, [second]}}]}}.
