%% Answers lines with lines over TCP: what it is sent, and what scene_answer says. The load comes here. Never changed by a row: a process
%% that waits in its code for a socket would be killed with the old code at the second change.
-module(scene_web).
-behaviour(gen_server).

-export([start_link/0, port/0, serve/1, accept/1]).
-export([init/1, handle_call/3, handle_cast/2]).

start_link() ->
    gen_server:start_link({local, ?MODULE}, ?MODULE, [], []).

%% The port it listens on: any that is free.
port() ->
    gen_server:call(?MODULE, port).

init([]) ->
    {ok, Socket} = gen_tcp:listen(0, [binary, {packet, line}, {active, false}, {ip, {127, 0, 0, 1}}, {backlog, 1024}, {nodelay, true}]),
    _ = [spawn_link(?MODULE, accept, [Socket]) || _ <- lists:seq(1, 4)],
    {ok, Port} = inet:port(Socket),
    {ok, {Socket, Port}}.

handle_call(port, _From, {_, Port} = State) ->
    {reply, Port, State}.

handle_cast(_, State) ->
    {noreply, State}.

accept(Socket) ->
    case gen_tcp:accept(Socket) of
        {ok, Client} ->
            Pid = spawn(?MODULE, serve, [Client]),
            case gen_tcp:controlling_process(Client, Pid) of
                ok -> Pid ! go;
                _ -> exit(Pid, kill)
            end,
            ?MODULE:accept(Socket);
        {error, closed} ->
            ok
    end.

serve(Client) ->
    receive go -> ok after 0 -> ok end,
    case gen_tcp:recv(Client, 0) of
        {ok, Line} ->
            _ = gen_tcp:send(Client, [binary:part(Line, 0, byte_size(Line) - 1), $\s, scene_answer:word(), $\n]),
            ?MODULE:serve(Client);
        {error, _} ->
            gen_tcp:close(Client)
    end.
