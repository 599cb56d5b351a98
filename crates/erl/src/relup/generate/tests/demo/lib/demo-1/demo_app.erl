-module(demo_app).
-behaviour(application).
-export([start/2, stop/1]).
start(_, _) -> demo_sup:start_link().
stop(_) -> ok.
