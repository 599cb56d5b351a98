%% The one module that differs between two versions of this sample.
-module(relapp_version).

-export([marker/0]).

%% The version this code was written as.
marker() ->
    "@VERSION@".
