defmodule Edeliver.Version do
  @moduledoc """
  Versions as `mix release.version` makes them: what becomes of the project's own, and what is appended to it.
  """

  defstruct base: :project, metadata: []

  @type base :: :project | :major | :minor | :patch | {:set, String.t()}
  @type t :: %__MODULE__{base: base, metadata: [atom]}

  @parts %{"major" => :major, "minor" => :minor, "patch" => :patch}
  @fillers ["increment", "increase", "version"]
  @metadata %{
    "revision" => :revision,
    "commit-count" => :commit_count,
    "commit-count-all" => :commit_count,
    "commit-count-all-branches" => :commit_count,
    "commit-count-branch" => :commit_count_branch,
    "branch" => :branch,
    "branch-unless-master" => :branch_unless_master,
    "date" => :date,
    "time" => :time,
    "mix-env" => :mix_env
  }

  @doc "Reads the words of a command line, and `AUTO_VERSION` where they append nothing."
  @spec parse([String.t()], String.t() | nil) :: {:ok, t | :show} | {:error, String.t()}
  def parse(words, auto \\ nil)
  def parse(["show"], _auto), do: {:ok, :show}

  def parse(words, auto) do
    with {:ok, said} <- read(words, %__MODULE__{}),
         {:ok, default} <- auto(auto),
         do: combined(%{said | metadata: if(said.metadata == [], do: default, else: said.metadata)})
  end

  defp combined(%{base: :project, metadata: []}),
    do: {:error, "nothing is said about the version, and AUTO_VERSION is not set"}

  defp combined(version), do: {:ok, version}

  defp auto(text) do
    case read(String.split(text || ""), %__MODULE__{}) do
      {:ok, %{base: :project, metadata: metadata}} -> {:ok, metadata}
      {:ok, _} -> {:error, "AUTO_VERSION can append to a version, and neither set it nor count it up"}
      {:error, text} -> {:error, "AUTO_VERSION: #{text}"}
    end
  end

  defp read([], version), do: {:ok, version}
  defp read([filler | rest], version) when filler in @fillers, do: read(rest, version)
  defp read(["set", "version" | rest], version), do: read(["set" | rest], version)

  defp read(["set" | rest], version) do
    with [set | rest] <- rest, :error <- token(set), {:ok, version} <- based(version, {:set, set}) do
      read(rest, version)
    else
      {:error, text} -> {:error, text}
      _ -> {:error, "`set` needs a version behind it: set 2.0.0-beta"}
    end
  end

  defp read([word | rest], version) do
    tokens = String.split(word, "+", trim: true)
    with {:ok, version} <- Enum.reduce_while(tokens, {:ok, version}, &take/2), do: read(rest, version)
  end

  defp take(token, {:ok, version}) do
    case token(token) do
      {:part, part} -> continued(based(version, part))
      {:metadata, piece} -> {:cont, {:ok, %{version | metadata: version.metadata ++ [piece]}}}
      :error when token in @fillers -> {:cont, {:ok, version}}
      :error -> {:halt, {:error, "`#{token}` is not known: there are #{Enum.join(known(), ", ")}"}}
    end
  end

  defp continued({:ok, version}), do: {:cont, {:ok, version}}
  defp continued(error), do: {:halt, error}

  defp based(%{base: :project} = version, base), do: {:ok, %{version | base: base}}
  defp based(_, _), do: {:error, "only one of major, minor, patch and set can be done"}

  defp token(word) do
    word_of_metadata = word |> without("append-") |> without("git-") |> without("build-")

    case {@parts, @metadata} do
      {%{^word => part}, _} -> {:part, part}
      {_, %{^word_of_metadata => piece}} -> {:metadata, piece}
      _ -> :error
    end
  end

  defp without(word, prefix), do: String.replace_prefix(word, prefix, "")
  defp known, do: ["show", "set"] ++ Map.keys(@parts) ++ Map.keys(@metadata)

  @doc "The new version, of the one that the project states; `text` tells what a piece of metadata is here and now."
  @spec apply(t, String.t(), (atom -> String.t() | nil)) :: {:ok, String.t()} | {:error, String.t()}
  def apply(%__MODULE__{base: base, metadata: metadata}, own, text) do
    pieces = metadata |> Enum.map(text) |> Enum.reject(&(&1 in [nil, ""]))

    with {:ok, version} <- based_on(base, own) do
      {:ok, if(pieces == [], do: version, else: plain(version) <> "+" <> Enum.join(pieces, "-"))}
    end
  end

  # Metadata that is there already is replaced: a version has one `+`.
  defp plain(version), do: version |> String.split("+") |> hd()

  defp based_on(:project, own), do: {:ok, own}
  defp based_on({:set, version}, _own), do: {:ok, version}

  defp based_on(part, own) do
    with {:ok, [major, minor, patch]} <- numbers(own), do: {:ok, Enum.join(counted(part, major, minor, patch), ".")}
  end

  defp counted(:major, major, _, _), do: [major + 1, 0, 0]
  defp counted(:minor, major, minor, _), do: [major, minor + 1, 0]
  defp counted(:patch, major, minor, patch), do: [major, minor, patch + 1]

  defp numbers(own) do
    parts = own |> String.split(["-", "+"]) |> hd() |> String.split(".", trim: true) |> Enum.map(&Integer.parse/1)

    if length(parts) <= 3 and Enum.all?(parts, &match?({_, ""}, &1)),
      do: {:ok, Enum.take(Enum.map(parts, &elem(&1, 0)) ++ [0, 0, 0], 3)},
      else: {:error, "#{own} is no version of three numbers and can't be counted up"}
  end
end
