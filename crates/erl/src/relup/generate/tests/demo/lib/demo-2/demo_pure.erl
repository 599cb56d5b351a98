-module(demo_pure).
-export([version/0]).
version() -> demo_new:next(-8).
