%% Answers every HTTP request with one line that names the version: enough to watch from outside which release serves.
%% Listens only when RELAPP_PORT is set.
-module(relapp_web).

-export([start_link/1, init/2]).

start_link(Port) ->
    proc_lib:start_link(?MODULE, init, [self(), Port]).

init(Parent, Port) ->
    Options = [binary, {packet, http_bin}, {active, false}, {reuseaddr, true}],
    {ok, Socket} = gen_tcp:listen(Port, Options),
    proc_lib:init_ack(Parent, {ok, self()}),
    serve(Socket).

serve(Socket) ->
    {ok, Client} = gen_tcp:accept(Socket),
    _ = answer(Client, gen_tcp:recv(Client, 0, 5000)),
    gen_tcp:close(Client),
    serve(Socket).

%% All headers are read first: closing a socket with unread bytes would reset it, and the answer be lost.
answer(Client, {ok, http_eoh}) ->
    Body = [relapp:describe(), $\n],
    Head = io_lib:format("HTTP/1.0 200 OK\r\ncontent-length: ~b\r\n\r\n", [iolist_size(Body)]),
    gen_tcp:send(Client, [Head, Body]);
answer(Client, {ok, _RequestLineOrHeader}) ->
    answer(Client, gen_tcp:recv(Client, 0, 5000));
answer(_Client, Error) ->
    Error.
