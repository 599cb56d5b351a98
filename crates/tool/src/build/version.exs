# Stands in for mix.exs where edeliver gives the version (MIX_EXS): the same project under another version. `values` beside it has the
# rule, three lines: what becomes of the project's version, the version that is set, what is appended. mix.exs itself stays as it is.
defmodule EdeliverBuildVersion do
  @values __DIR__ |> Path.join("values") |> File.read!() |> String.split("\n")

  def put(project) do
    project |> put_version(project[:version]) |> put_releases(project[:releases])
  end

  # An umbrella has no version of its own.
  defp put_version(project, nil), do: project
  defp put_version(project, own), do: Keyword.put(project, :version, new(own))

  defp put_releases(project, releases) when is_list(releases), do: Keyword.put(project, :releases, Enum.map(releases, &release/1))
  defp put_releases(project, _none), do: project

  defp release({name, options}) when is_list(options) do
    {name, if(is_binary(options[:version]), do: Keyword.update!(options, :version, &new/1), else: options)}
  end

  defp release(other), do: other

  defp new(own) do
    [base, set, metadata] = @values
    stated = if base == "set", do: set, else: increment(own, base)
    if metadata == "", do: stated, else: hd(String.split(stated, "+")) <> "+" <> metadata
  end

  defp increment(own, "project"), do: own

  defp increment(own, part) do
    [major, minor, patch] = numbers(own)

    case part do
      "major" -> "#{major + 1}.0.0"
      "minor" -> "#{major}.#{minor + 1}.0"
      "patch" -> "#{major}.#{minor}.#{patch + 1}"
    end
  end

  defp numbers(own) do
    parts = own |> String.split(["-", "+"]) |> hd() |> String.split(".", trim: true)
    read = Enum.map(parts, &Integer.parse/1)

    if length(parts) > 3 or Enum.any?(read, &(not match?({_, ""}, &1))) do
      Mix.raise("#{own} is no version of three numbers and can't be counted up")
    end

    Enum.take(Enum.map(read, &elem(&1, 0)) ++ [0, 0, 0], 3)
  end
end

source = Path.expand("mix.exs")
project = File.read!(source)

{quoted, found} =
  project
  |> Code.string_to_quoted!(file: source)
  |> Macro.prewalk(false, fn
    {:def, meta, [{:project, at, none}, [do: body]]}, false when none in [nil, []] ->
      {{:def, meta, [{:project, at, none}, [do: {{:., [], [EdeliverBuildVersion, :put]}, [], [body]}]]}, true}

    other, found ->
      {other, found}
  end)

unless found, do: Mix.raise("#{source} has no `def project`, so edeliver can't give it another version")
Code.eval_quoted(quoted, [], file: source)
