%% What scene_web answers with.
-module(scene_answer).

-export([word/0]).

word() ->
    "one".
