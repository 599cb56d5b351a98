%% What `native-29.beam` was compiled of: native records came with OTP 29.
-module(native).
-export([new/1, x/1, moved/1]).
-record #point{x = 1, y = 2}.

new(X) -> #point{x = X}.
x(#point{x = X}) -> X.
moved(P) -> P#point{x = 0}.
