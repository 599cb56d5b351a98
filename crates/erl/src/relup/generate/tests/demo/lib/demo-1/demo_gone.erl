-module(demo_gone).
-export([next/1]).
next(N) -> N + 1.
