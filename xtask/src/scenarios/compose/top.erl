-module(scene_sup).
-behaviour(supervisor).

-export([start_link/0, init/1]).

start_link() ->
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

init([]) ->
    Children = [
        #{id => scene_web, start => {scene_web, start_link, []}}%% more
    ],
    {ok, {#{strategy => one_for_one}, Children}}.
