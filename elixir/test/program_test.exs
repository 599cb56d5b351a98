defmodule Edeliver.ProgramTest do
  use ExUnit.Case, async: true

  # A program in the place of edeliver.
  defp program(script) do
    dir = Path.join(System.tmp_dir!(), "edeliver-test-#{:erlang.unique_integer([:positive])}-#{System.pid()}")
    File.mkdir_p!(dir)
    on_exit(fn -> File.rm_rf!(dir) end)
    program = Path.join(dir, "edeliver")
    File.write!(program, "#!/bin/sh\n" <> script)
    File.chmod!(program, 0o755)
    program
  end

  # What it prints below `mix`, and the exit status.
  defp mix(script, args, options \\ []) do
    program = program(script)
    quoted = Enum.map_join(["mix", "edeliver" | args], " ", &"'#{String.replace(&1, "'", "'\\''")}'")
    line = Keyword.get(options, :around, & &1).(quoted)
    System.cmd("sh", ["-c", line], env: [{"EDELIVER_PROGRAM", program}, {"MIX_ENV", "test"}], stderr_to_stdout: true)
  end

  test "arguments arrive word by word, and the exit status comes back" do
    script = "for word do echo \"[$word]\"; done; exit 7\n"
    words = ["deploy", "two words", "$HOME", "it's", "\"q\"", ""]
    assert {text, 7} = mix(script, words)
    assert text =~ "[deploy]\n[two words]\n[$HOME]\n[it's]\n[\"q\"]\n[]\n"
  end

  test "standard input arrives to its last byte, and ends" do
    around = &"printf 'yes\\nno \\303\\244 end' | #{&1}"
    assert {"yes\nno ä end", 0} = mix("cat\n", [], around: around)
  end

  test "at a terminal the program has one, and Ctrl-C is its own" do
    script = """
    trap 'echo interrupted; exit 130' INT
    [ -t 0 ] && [ -t 1 ] && (: </dev/tty) && echo terminal
    for word do echo "[$word]"; done
    touch "$EDELIVER_PROGRAM.up"
    while :; do sleep 0.1; done
    """

    # A terminal whose user presses Ctrl-C when the program is there.
    around = fn line ->
      "export LINE=\"$(cat <<'E'\n#{line}\nE\n)\"; (until [ -e \"$EDELIVER_PROGRAM.up\" ]; do sleep 0.1; done; printf '\\003'; sleep 2) | " <>
        "script -q -e -c 'eval \"$LINE\"' /dev/null"
    end

    assert {text, 130} = mix(script, ["two words", "it's"], around: around)
    assert text =~ "terminal" and text =~ "interrupted" and text =~ "[two words]\r\n[it's]", text
    refute text =~ "BREAK"
  end

  test "the program is told to end when mix is killed" do
    script = """
    trap 'echo terminated >"$EDELIVER_PROGRAM.end"; exit 1' TERM
    echo up >"$EDELIVER_PROGRAM.up"
    while :; do sleep 0.1; done
    """

    program = program(script)
    env = [{'EDELIVER_PROGRAM', String.to_charlist(program)}, {'MIX_ENV', 'test'}]
    mix = Port.open({:spawn_executable, System.find_executable("mix")}, [:exit_status, args: ["edeliver"], env: env])
    {:os_pid, pid} = Port.info(mix, :os_pid)
    await(program <> ".up")
    System.cmd("kill", ["-9", to_string(pid)])
    await(program <> ".end")
  end

  defp await(file, tries \\ 300) do
    cond do
      File.exists?(file) -> :ok
      tries == 0 -> flunk("#{file} did not come")
      true -> Process.sleep(100) && await(file, tries - 1)
    end
  end

  test "a missing program is said in a word" do
    env = [{"EDELIVER_PROGRAM", "/nowhere/edeliver"}, {"MIX_ENV", "test"}]
    assert {text, 1} = System.cmd("mix", ["edeliver", "ping"], env: env, stderr_to_stdout: true)
    assert text =~ "EDELIVER_PROGRAM is /nowhere/edeliver, but there is no such program"
  end
end
