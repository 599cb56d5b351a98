%% Every version of a scenario has its own text of this module's supervisor.
-module(scene_app).
-behaviour(application).

-export([start/2, stop/1, config_change/3]).

start(_Type, _Args) ->
    scene_sup:start_link().

stop(_State) ->
    ok.

config_change(Changed, New, Removed) ->
    persistent_term:put(scene_config_change, {Changed, New, Removed}).
