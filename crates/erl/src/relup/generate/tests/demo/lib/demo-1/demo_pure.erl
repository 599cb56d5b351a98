-module(demo_pure).
-export([version/0]).
version() -> 1.
