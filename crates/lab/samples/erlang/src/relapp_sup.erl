-module(relapp_sup).
-behaviour(supervisor).

-export([start_link/0]).
-export([init/1]).

start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

init([]) ->
    Flags = #{strategy => one_for_one, intensity => 3, period => 10},
    Counter = #{id => relapp_counter, start => {relapp_counter, start_link, []}},
    {ok, {Flags, [Counter | web(application:get_env(relapp, port, ""))]}}.

web("") ->
    [];
web(Port) ->
    [#{id => relapp_web, start => {relapp_web, start_link, [list_to_integer(Port)]}}].
