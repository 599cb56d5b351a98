defmodule Edeliver.VersionTest do
  use ExUnit.Case, async: true
  alias Edeliver.Version

  @here %{
    revision: "82a5834",
    commit_count: "12345",
    commit_count_branch: "4321",
    branch: "feature-xyz",
    branch_unless_master: "feature-xyz",
    date: "20160414",
    time: "110160",
    mix_env: "prod"
  }

  defp version(own, line, auto \\ nil, here \\ %{}) do
    with {:ok, rule} <- Version.parse(String.split(line), auto),
         {:ok, version} <- Version.apply(rule, own, &Map.merge(@here, here)[&1]),
         do: version
  end

  test "every way of saying it gives the version of edeliver 1.9" do
    for {own, line, wanted} <- [
          {"1.0.0", "append-git-commit-count-all-branches", "1.0.0+12345"},
          {"1.0.0", "commit-count-all", "1.0.0+12345"},
          {"1.1.0", "commit-count", "1.1.0+12345"},
          {"1.0.0", "append-git-commit-count-branch", "1.0.0+4321"},
          {"1.2.3", "revision", "1.2.3+82a5834"},
          {"1.0.1", "build-date", "1.0.1+20160414"},
          {"1.2.3", "append-build-time", "1.2.3+110160"},
          {"1.2.3", "mix-env", "1.2.3+prod"},
          {"1.2.3", "branch-unless-master+git-revision", "1.2.3+feature-xyz-82a5834"},
          {"1.0.0", "append-commit-count append-git-branch", "1.0.0+12345-feature-xyz"},
          {"1.0.0", "increment patch version", "1.0.1"},
          {"1.2", "patch", "1.2.1"},
          {"1", "increment patch", "1.0.1"},
          {"1.2.3-rc1", "patch", "1.2.4"},
          {"2.1.3", "increase minor", "2.2.0"},
          {"2", "increment minor", "2.1.0"},
          {"1.2", "major", "2.0.0"},
          {"1.0.0", "set version 1.2.3-beta.4", "1.2.3-beta.4"},
          {"1.0.0", "set 2.0.0-beta append-commit-count append-git-revision", "2.0.0-beta+12345-82a5834"},
          {"2.1.3", "append-git-revision increment minor append-commit-count append-branch",
           "2.2.0+82a5834-12345-feature-xyz"},
          {"1.0.0", "+git-revision+major+", "2.0.0+82a5834"}
        ],
        do: assert({line, version(own, line)} == {line, wanted})
  end

  test "AUTO_VERSION is appended where the words append nothing" do
    assert version("1.2.3", "", "append-git-branch append-commit-count") == "1.2.3+feature-xyz-12345"
    assert version("1.0.0", "increment major", "git-revision+date") == "2.0.0+82a5834-20160414"
    assert version("1.0.0", "append-git-revision", "append-commit-count") == "1.0.0+82a5834"
    assert Version.parse(["show"], "revision") == {:ok, :show}
  end

  test "what is there already or missing gives no version that is none" do
    assert version("1.0.0+old", "revision") == "1.0.0+82a5834"
    assert version("1.0.0", "branch revision", nil, %{branch: ""}) == "1.0.0+82a5834"
    assert version("1.0.0", "branch-unless-master", nil, %{branch_unless_master: nil}) == "1.0.0"
    assert version("1.0.0", "set 2.0.0+own") == "2.0.0+own"
  end

  test "what can't be meant is told" do
    for {line, auto, text} <- [
          {"", nil, "nothing is said about the version, and AUTO_VERSION is not set"},
          {"count", nil, "`count` is not known: there are show, set,"},
          {"major minor", nil, "only one of major, minor, patch and set can be done"},
          {"major set 2.0.0-beta", nil, "only one of"},
          {"set", nil, "`set` needs a version behind it"},
          {"set append-commit-count", nil, "`set` needs a version behind it"},
          {"", "increment minor", "AUTO_VERSION can append to a version"},
          {"", "set 2.0.0", "AUTO_VERSION can append to a version"},
          {"patch", "lunch", "AUTO_VERSION: `lunch` is not known"}
        ] do
      assert {:error, said} = version("1.0.0", line, auto)
      assert said =~ text
    end

    assert version("1.2.3.4", "patch") == {:error, "1.2.3.4 is no version of three numbers and can't be counted up"}
  end

  # A project in git with the package as a path dependency, and what mix says there.
  defp project do
    dir = Path.join(System.tmp_dir!(), "edeliver-version-#{:erlang.unique_integer([:positive])}-#{System.pid()}")
    File.mkdir_p!(Path.join(dir, "lib"))
    on_exit(fn -> File.rm_rf!(dir) end)
    package = Path.expand("..", __DIR__)

    File.write!(Path.join(dir, "mix.exs"), """
    defmodule Shop.MixProject do
      use Mix.Project
      def project, do: [app: :shop, version: "1.2.3", deps: [{:edeliver, path: #{inspect(package)}, runtime: false}], releases: releases()]
      def application, do: []
      defp releases, do: [shop: [include_executables_for: []], kiosk: [version: "7.0.0", include_executables_for: [], applications: [shop: :permanent]]]
    end
    """)

    git = ~w(-c user.name=t -c user.email=t@localhost -c init.defaultBranch=feature/x_1-b -c commit.gpgsign=false)

    for words <- [["init", "-q"], ["add", "."], ["commit", "-qm", "it"]],
        do: {_, 0} = System.cmd("git", git ++ words, cd: dir)

    dir
  end

  defp mix(dir, words, env \\ []) do
    env = [{"MIX_ENV", "prod"}, {"BRANCH", nil}, {"AUTO_VERSION", nil}] ++ env
    System.cmd("mix", words, cd: dir, env: env, stderr_to_stdout: true)
  end

  test "the version is shown, and changed for the tasks that follow: of the application and of each release" do
    dir = project()
    {revision, 0} = System.cmd("git", ["rev-parse", "--short", "HEAD"], cd: dir)
    metadata = "1-featurex1-b-#{String.trim(revision)}"

    line =
      "do release.version show, release.version -V increment minor commit-count+branch+git-revision, release kiosk --quiet"

    {told, 0} = mix(dir, String.split(line))
    assert told =~ "1.2.3\n" and told =~ "Changed the version from 1.2.3 to 1.3.0+#{metadata}", told
    built = Path.join(dir, "_build/prod/rel/kiosk")
    assert File.dir?(Path.join(built, "lib/shop-1.3.0+#{metadata}")), "the application too"
    assert File.dir?(Path.join(built, "releases/7.1.0+#{metadata}")), "a release with a version of its own"

    {would, 0} = mix(dir, ~w(release.version --dry-run branch), [{"BRANCH", "ma/in"}])
    assert would =~ "Would change the version from 1.2.3 to 1.2.3+main\n"
    assert {refused, 1} = mix(dir, ~w(release.version count))
    assert refused =~ "`count` is not known"
  end
end
