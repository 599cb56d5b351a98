defmodule Mix.Tasks.Release.Version do
  @shortdoc "Shows the version of the release, or changes it for this build"

  @moduledoc """
  Shows the version of the project, or changes it for the tasks that follow in the same call of mix:

      mix release.version show
      mix do clean, release.version increment minor append-git-revision, release
      mix do clean, release.version set 2.0.0-beta append-commit-count, release

  Words: `[increment] major|minor|patch`, `set VERSION`, and what is appended: `[append-][git-]revision`, `commit-count[-all[-branches]]`,
  `commit-count-branch`, `branch`, `branch-unless-master`, `date`, `time`, `mix-env`. They may be joined by `+`. Where nothing is appended,
  `AUTO_VERSION` is.

  Options: `-D`, `--dry-run` says what would become of the version; `-V`, `--verbose` tells what did; `-Q`, `--quiet` does not.

  `edeliver build release --auto-version=… --increment-version=… --set-version=…` do the same without this package.
  """

  use Mix.Task

  @switches [verbose: :boolean, quiet: :boolean, dry_run: :boolean]

  @impl Mix.Task
  def run(args) do
    {options, words, unknown} =
      OptionParser.parse(args, strict: @switches, aliases: [V: :verbose, Q: :quiet, D: :dry_run])

    if unknown != [], do: Mix.raise("release.version has no option #{unknown |> hd() |> elem(0)}")

    case good(Edeliver.Version.parse(words, System.get_env("AUTO_VERSION"))) do
      :show -> Mix.shell().info(own())
      version -> change(version, Map.new(options))
    end

    # Shown and changed, in one call of mix.
    Mix.Task.reenable("release.version")
  end

  defp own, do: Mix.Project.config()[:version] || Mix.raise("release.version: mix.exs states no version")

  defp change(version, options) do
    {now, old} = {now(), own()}
    new = &good(Edeliver.Version.apply(version, &1, fn piece -> text(piece, now) end))

    if options[:dry_run] do
      Mix.shell().info("Would change the version from #{old} to #{new.(old)}")
    else
      Mix.ProjectStack.merge_config(changed(Mix.Project.config(), new))
      if options[:verbose] && !options[:quiet], do: Mix.shell().info("Changed the version from #{old} to #{own()}")
    end
  end

  # Releases may state a version of their own.
  defp changed(config, new) do
    releases = for {name, options} <- config[:releases] || [], do: {name, with_version(options, new)}
    [version: new.(config[:version])] ++ if(releases == [], do: [], else: [releases: releases])
  end

  defp with_version(options, new) when is_list(options) do
    if is_binary(options[:version]), do: Keyword.update!(options, :version, new), else: options
  end

  defp with_version(options, _new), do: options

  # Read once, so that a version does not say midnight twice.
  defp now, do: :calendar.local_time()

  defp text(:revision, _), do: git(["rev-parse", "--short", "HEAD"])
  defp text(:commit_count, _), do: git(["rev-list", "--all", "--count"])
  defp text(:commit_count_branch, _), do: git(["rev-list", "--count", "HEAD"])
  defp text(:branch, _), do: fit(System.get_env("BRANCH") || branch())
  defp text(:branch_unless_master, now), do: with("master" <- text(:branch, now), do: nil)
  defp text(:date, {date, _}), do: digits(date)
  defp text(:time, {_, time}), do: digits(time)
  defp text(:mix_env, _), do: fit(to_string(Mix.env()))

  # A build host has often checked out a commit and no branch: then the first that has it.
  defp branch do
    branches =
      git(["branch", "--contains", "HEAD", "--format=%(HEAD)%(refname:short)"]) |> String.split("\n", trim: true)

    names = branches |> Enum.sort_by(&(not String.starts_with?(&1, "*"))) |> Enum.map(&String.trim_leading(&1, "*"))
    names |> Enum.map(&String.trim/1) |> Enum.find("", &(not String.starts_with?(&1, "(")))
  end

  # Metadata has letters, digits and dashes only.
  defp fit(text), do: String.replace(text, ~r/[^A-Za-z0-9-]/, "")
  defp digits(numbers), do: numbers |> Tuple.to_list() |> Enum.map_join(&String.pad_leading(to_string(&1), 2, "0"))

  defp git(args) do
    case System.cmd("git", args, stderr_to_stdout: true) do
      {text, 0} -> String.trim(text)
      {text, _} -> Mix.raise("git #{hd(args)}: #{String.trim(text)}")
    end
  end

  defp good({:ok, value}), do: value
  defp good({:error, text}), do: Mix.raise("release.version: " <> text)
end
