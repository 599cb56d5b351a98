defmodule Edeliver.Program do
  @moduledoc """
  The program `edeliver`, run out of a virtual machine as if it had been started by the shell.

  A program that a port starts is in a session of its own: it has no terminal, and Ctrl-C does not reach it. So at a terminal it runs below
  `script`, which gives it one, and turns the real one to raw mode: Ctrl-C is a character there, and becomes a signal for the program alone.
  Elsewhere it inherits our output, and gets our input by way of a named pipe, because this virtual machine has begun to read it.
  """

  # What standard input, output and error are.
  @which "[ -t 0 ] || exit 4; [ -t 1 ] && [ -t 2 ] && command -v script >/dev/null && exit 0; exit 3"

  # Ends the program when we are gone: our side of file 3 is closed then.
  @watched """
  exec 5<&0
  "$@" <&5 3<&- 4<&- 5<&- &
  program=$!
  (read -r _ <&3; kill -TERM "$program") >/dev/null 2>&1 &
  watch=$!
  wait "$program"
  status=$?
  kill "$watch" 2>/dev/null
  exit "$status"
  """

  # `script` takes a line for a shell: the words go there through the environment of a second shell, quoted one by one.
  @terminal """
  line=
  for word do
    quoted=$(printf '%s.' "$word" | sed "s/'/'\\\\\\\\''/g")
    line="$line '${quoted%.}'"
  done
  exec script -q -e -c "exec $line" /dev/null
  """

  @doc "Where the program is."
  @spec find() :: {:ok, Path.t()} | {:error, String.t()}
  def find do
    named = System.get_env("EDELIVER_PROGRAM")
    found = System.find_executable(named || "edeliver")

    cond do
      found -> {:ok, found}
      named -> {:error, "EDELIVER_PROGRAM is #{named}, but there is no such program"}
      true -> {:error, "the program edeliver is not on the PATH: install it, or set EDELIVER_PROGRAM to where it is"}
    end
  end

  @doc "Runs it to its end, and returns its exit status."
  @spec run(Path.t(), [String.t()]) :: non_neg_integer
  def run(program, args) do
    case sh(@which, []) do
      0 ->
        leave_input_alone()
        sh(@terminal, [program | args])

      3 ->
        leave_input_alone()
        sh(@watched, [program | args])

      4 ->
        with_input(fn pipe -> sh("exec <\"$1\"; shift\n" <> @watched, [pipe, program | args]) end)
    end
  end

  defp sh(script, args) do
    options = [:nouse_stdio, :exit_status, args: ["-c", script, "sh" | args]]
    port = Port.open({:spawn_executable, System.find_executable("sh")}, options)

    receive do
      {^port, {:exit_status, status}} -> status
    end
  end

  # Until OTP 25 a port reads standard input, since then a process.
  defp leave_input_alone do
    for port <- Port.list(), Port.info(port, :name) == {:name, '0/1'}, do: :erlang.port_close(port)
    reader = Process.whereis(:user_drv_reader)
    if reader, do: :erlang.suspend_process(reader)
  end

  defp with_input(run) do
    dir = Path.join(System.tmp_dir!(), "edeliver-#{System.pid()}-#{:erlang.unique_integer([:positive])}")
    File.mkdir!(dir)
    File.chmod!(dir, 0o700)
    pipe = Path.join(dir, "input")
    {_, 0} = System.cmd("mkfifo", [pipe])
    :io.setopts(:standard_io, encoding: :latin1)
    input = Process.group_leader()
    spawn(fn -> copy(input, pipe) end)

    try do
      run.(pipe)
    after
      File.rm_rf!(dir)
    end
  end

  defp copy(input, pipe) do
    {:ok, file} = :file.open(pipe, [:write, :raw, :binary])
    copy_lines(input, file)
    :file.close(file)
  end

  defp copy_lines(input, file) do
    with <<_, _::binary>> = line <- IO.binread(input, :line),
         :ok <- :file.write(file, line),
         do: copy_lines(input, file)
  end
end
