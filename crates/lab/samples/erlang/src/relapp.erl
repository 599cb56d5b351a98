%% A counter that tells which version of its code is running.
-module(relapp).

-export([describe/0, count/0]).

%% What this node is, in one line: "relapp 0.1.0 counts 3, says hello".
describe() ->
    {ok, Greeting} = application:get_env(relapp, greeting),
    Text = io_lib:format("relapp ~s counts ~b, says ~s", [relapp_version:marker(), relapp_counter:read(), Greeting]),
    lists:flatten(Text).

%% Counts one up and returns the new value.
count() ->
    relapp_counter:count().
