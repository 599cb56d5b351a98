%% @doc The program `edeliver', run out of a virtual machine as if it had been started by the shell.
%%
%% A program that a port starts is in a session of its own: it has no terminal, and Ctrl-C does not reach it. So at a terminal it runs below
%% `script', which gives it one, and turns the real one to raw mode: Ctrl-C is a character there, and becomes a signal for the program alone.
%% Elsewhere it inherits our output, and gets our input by way of a named pipe, because this virtual machine has begun to read it.
-module(edeliver_program).

-export([find/0, run/2]).

%% What standard input, output and error are.
-define(WHICH, "[ -t 0 ] || exit 4; [ -t 1 ] && [ -t 2 ] && command -v script >/dev/null && exit 0; exit 3").

%% Ends the program when we are gone: our side of file 3 is closed then.
-define(WATCHED,
    "exec 5<&0\n"
    "\"$@\" <&5 3<&- 4<&- 5<&- &\n"
    "program=$!\n"
    "(read -r _ <&3; kill -TERM \"$program\") >/dev/null 2>&1 &\n"
    "watch=$!\n"
    "wait \"$program\"\n"
    "status=$?\n"
    "kill \"$watch\" 2>/dev/null\n"
    "exit \"$status\"\n").

%% `script' takes a line for a shell: the words go there through the environment of a second shell, quoted one by one.
-define(TERMINAL,
    "line=\n"
    "for word do\n"
    "  quoted=$(printf '%s.' \"$word\" | sed \"s/'/'\\\\\\\\''/g\")\n"
    "  line=\"$line '${quoted%.}'\"\n"
    "done\n"
    "exec script -q -e -c \"exec $line\" /dev/null\n").

%% @doc Where the program is.
-spec find() -> {ok, file:filename()} | {error, string()}.
find() ->
    Named = os:getenv("EDELIVER_PROGRAM"),
    case {os:find_executable(if Named =:= false -> "edeliver"; true -> Named end), Named} of
        {false, false} -> {error, "the program edeliver is not on the PATH: install it, or set EDELIVER_PROGRAM to where it is"};
        {false, _} -> {error, "EDELIVER_PROGRAM is " ++ Named ++ ", but there is no such program"};
        {Program, _} -> {ok, Program}
    end.

%% @doc Runs it to its end, and returns its exit status.
-spec run(file:filename_all(), [unicode:chardata()]) -> non_neg_integer().
run(Program, Args) ->
    case sh(?WHICH, []) of
        0 ->
            leave_input_alone(),
            sh(?TERMINAL, [Program | Args]);
        3 ->
            leave_input_alone(),
            sh(?WATCHED, [Program | Args]);
        4 ->
            with_input(fun(Pipe) -> sh("exec <\"$1\"; shift\n" ?WATCHED, [Pipe, Program | Args]) end)
    end.

sh(Script, Args) ->
    Words = ["-c", Script, "sh" | [native(Arg) || Arg <- Args]],
    Port = open_port({spawn_executable, os:find_executable("sh")}, [nouse_stdio, exit_status, {args, Words}]),
    receive
        {Port, {exit_status, Status}} -> Status
    end.

%% The bytes that the command line had.
native(Word) -> unicode:characters_to_binary(Word, unicode, file:native_name_encoding()).

%% Until OTP 25 a port reads standard input, since then a process.
leave_input_alone() ->
    [erlang:port_close(Port) || Port <- erlang:ports(), erlang:port_info(Port, name) =:= {name, "0/1"}],
    Reader = whereis(user_drv_reader),
    is_pid(Reader) andalso erlang:suspend_process(Reader).

with_input(Run) ->
    Name = lists:concat(["edeliver-", os:getpid(), "-", erlang:unique_integer([positive])]),
    Dir = filename:join(os:getenv("TMPDIR", "/tmp"), Name),
    ok = file:make_dir(Dir),
    Pipe = filename:join(Dir, "input"),
    try
        0 = sh("mkfifo -m 600 \"$1\"", [Pipe]),
        {Input, Form} = {group_leader(), form(list_to_integer(erlang:system_info(otp_release)))},
        spawn(fun() -> copy(Input, Form, Pipe) end),
        Run(Pipe)
    after
        _ = file:delete(Pipe),
        file:del_dir(Dir)
    end.

%% Until OTP 25 input can be had as the bytes that it is. Since then it has been decoded before anybody can ask for that, and what is not in the
%% encoding of the locale does not arrive as it was.
form(Otp) when Otp =< 25 ->
    ok = io:setopts([{encoding, latin1}]),
    bytes;
form(_) ->
    {characters, proplists:get_value(encoding, io:getopts(), unicode)}.

copy(Input, Form, Pipe) ->
    {ok, File} = file:open(Pipe, [write, raw, binary]),
    copy_lines(Input, Form, File),
    file:close(File).

copy_lines(Input, Form, File) ->
    case line(Input, Form) of
        {ok, Bytes} -> file:write(File, Bytes) =:= ok andalso copy_lines(Input, Form, File);
        _ -> false
    end.

line(Input, bytes) ->
    file:read_line(Input);
line(Input, {characters, Encoding}) ->
    case io:get_line(Input, "") of
        Line when is_list(Line); is_binary(Line) -> {ok, unicode:characters_to_binary(Line, unicode, Encoding)};
        Else -> Else
    end.
