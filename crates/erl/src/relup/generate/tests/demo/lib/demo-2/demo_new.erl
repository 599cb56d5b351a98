-module(demo_new).
-export([next/1]).
next(N) -> N + 10.
