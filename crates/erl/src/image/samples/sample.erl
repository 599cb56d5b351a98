%% What `sample-27.beam` and `sample-29.beam` were compiled of, by OTP 27.3 and 29.1, then stripped by beam_lib:strip_release/1.
%% The .md5 files are what sample:module_info(md5) said there.
-module(sample).
-behaviour(gen_server).
-vsn("1").
-export([init/1, handle_call/3, handle_cast/2, code_change/3, loop/1, parse/1, update/2]).
-on_load(ready/0).
-record(st, {n = 0, name}).

ready() -> ok.
init(Name) -> {ok, #st{name = Name}}.
handle_call(add, _, S = #st{n = N}) -> {reply, N, S#st{n = N + 1}}.
handle_cast(F, S) -> {noreply, lists:foldl(fun(X, A) -> F(X, A) end, S, [1, 2])}.
code_change(_, {st, N}, _) -> {ok, #st{n = N, name = 'ünïcode'}}.
loop(S) -> receive {From, Ref} -> From ! {Ref, S}, loop(S); stop -> ok after 5000 -> loop(S) end.
parse(<<A:16, B/float, C:3/binary, Rest/bits>>) -> #{a => A, b => B * 1.5, c => C, rest => <<Rest/bits, 1:3>>, big => 1 bsl 200}.
update(M, K) -> M#{K => 123456789012345678901234567890, k := [{x, "literal"}]}.
