%% @doc The plugin for rebar3: `rebar3 edeliver deploy release to staging' is the same as `edeliver deploy release to staging'. Arguments arrive
%% word by word, standard input, terminal and exit status are the program's.
-module(rebar3_edeliver).

-export([init/1, do/1, format_error/1]).

-define(NAME, edeliver).

init(State) ->
    Provider = providers:create([
        {name, ?NAME},
        {module, ?MODULE},
        {bare, true},
        {deps, []},
        {example, "rebar3 edeliver deploy release to staging"},
        {short_desc, "Builds and deploys releases, and upgrades running nodes"},
        {desc, "Hands over to the program edeliver, which is looked for where EDELIVER_PROGRAM says, then on the PATH. "
               "`edeliver help` tells the rest."},
        {opts, options(init:get_plain_arguments())}
    ]),
    {ok, rebar_state:add_provider(State, Provider)}.

do(State) ->
    case edeliver_program:find() of
        {ok, Program} -> erlang:halt(edeliver_program:run(Program, rebar_state:command_args(State)));
        {error, Text} -> {error, {?MODULE, Text}}
    end.

format_error(Text) -> Text.

%% rebar3 refuses options that a provider does not know before the provider is asked, so all that stand behind its name are known.
options(Words) ->
    Ours = lists:dropwhile(fun(Word) -> Word =/= atom_to_list(?NAME) end, Words),
    lists:append([option(Word) || Word <- Ours]).

option("--" ++ [_ | _] = "--" ++ Long) ->
    Name = hd(string:split(Long, "=")),
    [{list_to_atom(Name), undefined, Name, {string, ""}, ""}];
option("-" ++ Shorts) ->
    [{list_to_atom([Short]), Short, undefined, undefined, ""} || Short <- Shorts];
option(_) ->
    [].
