%% Stands for the agent: notes how it is called.
-module(edeliver_agent).
-export([config/2, protocols/2, children/3]).
config(From, To) -> note({config, From, To}).
protocols(From, To) -> note({protocols, From, To}).
children(From, To, Parents) -> note({children, From, To, Parents}).
note(Call) -> persistent_term:put(called, persistent_term:get(called, []) ++ [Call]).
