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

  # A project of rebar3's that has the package from git, as its plugin.
  setup_all do
    dir = Path.join(System.tmp_dir!(), "edeliver-rebar3-#{System.pid()}")
    on_exit(fn -> File.rm_rf!(dir) end)
    source = Path.join(dir, "source")
    plugin = Path.join(source, "elixir/rebar3_edeliver")
    File.mkdir_p!(plugin)
    File.cp_r!(Path.expand("../rebar3_edeliver/src", __DIR__), Path.join(plugin, "src"))
    git = ~w(-c user.name=t -c user.email=t@localhost -c init.defaultBranch=main -c commit.gpgsign=false)

    for words <- [["init", "-q"], ["add", "."], ["commit", "-qm", "it"]],
        do: {_, 0} = System.cmd("git", git ++ words, cd: source)

    project = Path.join(dir, "project")
    File.mkdir_p!(project)
    plugin = {:rebar3_edeliver, {:git_subdir, ~c"file://#{source}", {:branch, ~c"main"}, ~c"elixir/rebar3_edeliver"}}
    File.write!(Path.join(project, "rebar.config"), :io_lib.format(~c"~p.~n", [{:project_plugins, [plugin]}]))
    # It is fetched and compiled once.
    {_, 0} =
      System.cmd("rebar3", ["edeliver"], cd: project, env: [{"EDELIVER_PROGRAM", System.find_executable("true")}])

    {:ok, tools: [{"mix", File.cwd!()}, {"rebar3", project}]}
  end

  # What it prints below mix or rebar3, and the exit status.
  defp run({tool, dir}, script, args, options \\ []) do
    quoted = Enum.map_join([tool, "edeliver" | args], " ", &"'#{String.replace(&1, "'", "'\\''")}'")
    line = Keyword.get(options, :around, & &1).(quoted)

    System.cmd("sh", ["-c", line],
      cd: dir,
      env: [{"EDELIVER_PROGRAM", program(script)}, {"MIX_ENV", "test"}],
      stderr_to_stdout: true
    )
  end

  test "arguments arrive word by word, and the exit status comes back", %{tools: tools} do
    script = "for word do echo \"[$word]\"; done; exit 7\n"
    words = ["deploy", "two words", "$HOME", "it's", "\"q\"", "", "-VP", "--version=1.0", "--help", "ä"]

    for tool <- tools do
      assert {text, 7} = run(tool, script, words)
      assert text =~ "[deploy]\n[two words]\n[$HOME]\n[it's]\n[\"q\"]\n[]\n[-VP]\n[--version=1.0]\n[--help]\n[ä]\n"
    end
  end

  test "the package is a dependency from git, too" do
    dir = Path.join(System.tmp_dir!(), "edeliver-git-#{System.pid()}")
    on_exit(fn -> File.rm_rf!(dir) end)
    package = Path.join(dir, "source/elixir")
    File.mkdir_p!(package)
    for part <- ["mix.exs", "lib", "rebar3_edeliver"], do: File.cp_r!(Path.expand("../#{part}", __DIR__), Path.join(package, part))
    git = ~w(-c user.name=t -c user.email=t@localhost -c init.defaultBranch=main -c commit.gpgsign=false)

    for words <- [["init", "-q"], ["add", "."], ["commit", "-qm", "it"]],
        do: {_, 0} = System.cmd("git", git ++ words, cd: Path.dirname(package))

    project = Path.join(dir, "project")
    File.mkdir_p!(project)
    source = "file://#{Path.dirname(package)}"

    File.write!(Path.join(project, "mix.exs"), """
    defmodule Shop.MixProject do
      use Mix.Project
      def project, do: [app: :shop, version: "1.0.0", deps: [{:edeliver, git: #{inspect(source)}, sparse: "elixir", runtime: false}]]
    end
    """)

    assert {_, 0} = System.cmd("mix", ["deps.get"], cd: project, env: [{"MIX_ENV", "test"}], stderr_to_stdout: true)
    assert {text, 7} = run({"mix", project}, "echo \"[$1]\"; exit 7\n", ["two words"])
    assert text =~ "[two words]\n"
  end

  test "standard input arrives to its last byte, and ends", %{tools: tools} do
    around = &"printf 'yes\\nno \\303\\244 end' | #{&1}"

    for tool <- tools do
      assert {text, 0} = run(tool, "cat\n", [], around: around)
      assert String.ends_with?(text, "yes\nno ä end")
    end
  end

  test "at a terminal the program has one, and Ctrl-C is its own", %{tools: tools} do
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

    for tool <- tools do
      assert {text, 130} = run(tool, script, ["two words", "it's"], around: around)
      assert text =~ "terminal" and text =~ "interrupted" and text =~ "[two words]\r\n[it's]", text
      refute text =~ "BREAK"
    end
  end

  test "the program is told to end when mix or rebar3 is killed", %{tools: tools} do
    script = """
    trap 'echo terminated >"$EDELIVER_PROGRAM.end"; exit 1' TERM
    echo up >"$EDELIVER_PROGRAM.up"
    while :; do sleep 0.1; done
    """

    for {tool, dir} <- tools do
      program = program(script)
      env = [{~c"EDELIVER_PROGRAM", String.to_charlist(program)}, {~c"MIX_ENV", ~c"test"}]

      started =
        Port.open({:spawn_executable, System.find_executable(tool)}, [
          :exit_status,
          args: ["edeliver"],
          env: env,
          cd: dir
        ])

      {:os_pid, pid} = Port.info(started, :os_pid)
      await(program <> ".up")
      System.cmd("kill", ["-9", to_string(pid)])
      await(program <> ".end")
    end
  end

  defp await(file, tries \\ 300) do
    cond do
      File.exists?(file) -> :ok
      tries == 0 -> flunk("#{file} did not come")
      true -> Process.sleep(100) && await(file, tries - 1)
    end
  end

  test "a missing program is said in a word", %{tools: tools} do
    env = [{"EDELIVER_PROGRAM", "/nowhere/edeliver"}, {"MIX_ENV", "test"}]

    for {tool, dir} <- tools do
      assert {text, 1} = System.cmd(tool, ["edeliver", "ping"], cd: dir, env: env, stderr_to_stdout: true)
      assert text =~ "EDELIVER_PROGRAM is /nowhere/edeliver, but there is no such program"
    end
  end
end
