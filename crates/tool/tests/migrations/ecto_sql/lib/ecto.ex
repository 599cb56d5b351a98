# Stands for Ecto 3 in tests: what edeliver calls of it, with the semantics and return values of its documentation. A "database" is a file
# with the versions that were carried out, one a line.
defmodule Ecto.MigrationError do
  defexception [:message]
end

defmodule Ecto.Repo do
  defmacro __using__(options) do
    app = options[:otp_app]

    quote do
      def config, do: [otp_app: unquote(app), database: System.fetch_env!("DATABASE") <> "." <> inspect(__MODULE__)]
      def __adapter__, do: Ecto.Adapters.File
      def child_spec(options), do: %{id: __MODULE__, start: {__MODULE__, :start_link, [options]}}
      def start_link(_options), do: Agent.start_link(fn -> nil end, name: __MODULE__)
      def stop, do: Agent.stop(__MODULE__)
    end
  end
end

defmodule Ecto.Adapters.File do
  def ensure_all_started(_config, _mode), do: {:ok, []}
end

# There is no SQL here: what would be carried out is logged in Ecto's words, and that is all.
defmodule Ecto.Migration do
  require Logger

  defmacro __using__(_) do
    quote do
      import Ecto.Migration
      Module.register_attribute(__MODULE__, :disable_ddl_transaction, persist: true)
      Module.register_attribute(__MODULE__, :disable_migration_lock, persist: true)
      def __migration__, do: []
    end
  end

  defmacro create(table, do: columns) do
    quote do
      create(unquote(table))
      unquote(columns)
    end
  end

  def create(what), do: Logger.info("create " <> what)
  def table(name), do: "table #{name}"
  def index(table, columns, _options), do: "index #{Enum.join([table | columns] ++ ["index"], "_")}"
  def add(_column, _type), do: :ok
  def execute(sql), do: Logger.info("execute #{inspect(sql)}")
end

defmodule Ecto.Migrator do
  require Logger

  def with_repo(repo, fun, options \\ []) do
    {:ok, started} = Application.ensure_all_started(:ecto_sql, Keyword.get(options, :mode, :permanent))

    case repo.start_link(pool_size: 2) do
      {:ok, _} ->
        try do
          {:ok, fun.(repo), started}
        after
          repo.stop()
        end

      {:error, {:already_started, _}} ->
        {:ok, fun.(repo), started}
    end
  end

  def migrations(repo) do
    up = versions(repo)
    files = files(repo)
    with_file = for {version, name, _} <- files, do: {if(version in up, do: :up, else: :down), version, name}
    gone = for version <- up, not List.keymember?(files, version, 0), do: {:up, version, "** FILE NOT FOUND **"}
    Enum.sort_by(with_file ++ gone, &elem(&1, 1))
  end

  def run(repo, direction, options) do
    up = versions(repo)
    pending = Enum.filter(files(repo), fn {version, _, _} -> version in up == (direction == :down) end)
    pending = if direction == :down, do: Enum.reverse(pending), else: pending

    chosen =
      cond do
        options[:all] -> pending
        options[:to] && direction == :up -> Enum.take_while(pending, &(elem(&1, 0) <= options[:to]))
        options[:to] -> Enum.take_while(pending, &(elem(&1, 0) >= options[:to]))
        options[:step] -> Enum.take(pending, options[:step])
      end

    if chosen == [], do: Logger.info("Migrations already #{direction}")
    Enum.map(chosen, &migrate(repo, direction, &1))
  end

  defp migrate(repo, direction, {version, _name, file}) do
    [{module, _} | _] = Code.compile_file(file)
    function = if function_exported?(module, direction, 0), do: direction, else: :change
    way = if direction == :up, do: "forward", else: "backward"
    Logger.info("== Running #{version} #{inspect(module)}.#{function}/0 #{way}")

    # As in Ecto, in a process of its own.
    task = Task.async(fn ->
      try do
        apply(module, function, [])
        :ok
      catch
        kind, reason -> {kind, reason, __STACKTRACE__}
      end
    end)

    with {kind, reason, stack} <- Task.await(task, :infinity), do: :erlang.raise(kind, reason, stack)
    versions = if direction == :up, do: [version | versions(repo)], else: List.delete(versions(repo), version)
    File.write!(repo.config()[:database], Enum.map(Enum.sort(versions), &"#{&1}\n"))
    Logger.info("== Migrated #{version} in 0.0s")
    version
  end

  defp versions(repo) do
    case File.read(repo.config()[:database]) do
      {:ok, text} -> text |> String.split() |> Enum.map(&String.to_integer/1)
      {:error, :enoent} -> []
    end
  end

  defp files(repo) do
    name = repo |> Module.split() |> List.last() |> Macro.underscore()
    dir = Application.app_dir(repo.config()[:otp_app], "priv/#{name}/migrations")

    for file <- Enum.sort(Path.wildcard(dir <> "/*.exs")), {version, "_" <> name} <- [Integer.parse(Path.basename(file, ".exs"))] do
      {version, name, file}
    end
  end
end
