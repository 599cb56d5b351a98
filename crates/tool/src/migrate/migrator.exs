# Migrates by Ecto's own modules, on a running node or in a VM of its own (`bin/APP eval`). Elixir 1.9 and later.
#
# arguments: application, action (show, up, down or task), version or "", repositories or "" (separated by commas), task's function or "".
# Lines that begin with "edeliver-migrate" and a tab are for edeliver, all others for people. The last one is "end" if all went well.
[app, action, version, repos, task] = arguments
app = String.to_atom(app)
say = fn fields -> IO.puts(Enum.join(["edeliver-migrate" | fields], "\t")) end
version = if version == "", do: nil, else: String.to_integer(version)

# What the migrator logs belongs to whoever called, wherever the node's own log goes.
group_leader = Process.group_leader()

only_ours = fn
  %{meta: %{gl: ^group_leader}} = event, _ -> event
  _event, _ -> :stop
end

handler = %{
  config: %{type: {:device, group_leader}},
  formatter: {:logger_formatter, %{single_line: false, template: [:level, ": ", :msg, "\n"]}},
  filters: [edeliver: {only_ours, []}],
  filter_default: :stop
}

own_vm? = not List.keymember?(Application.started_applications(), app, 0)

# The applications of a release: on a node they are loaded, in a VM of its own they are where its code is.
load_all = fn ->
  for path <- :code.get_path(), file <- Path.wildcard("#{path}/*.app") do
    file |> Path.basename(".app") |> String.to_atom() |> Application.load()
  end
end

configured = fn ->
  if own_vm?, do: load_all.()
  applications = for {name, _, _} <- Application.loaded_applications(), do: name

  [app | Enum.sort(applications)]
  |> Enum.flat_map(&Application.get_env(&1, :ecto_repos, []))
  |> Enum.uniq()
end

chosen = fn ->
  case repos do
    "" -> configured.()
    _ -> configured.() && repos |> String.split(",") |> Enum.map(&Module.concat([&1]))
  end
end

with_repo = fn repo, fun ->
  unless Code.ensure_loaded?(repo), do: raise("there is no repository #{inspect(repo)} in this release")

  case Ecto.Migrator.with_repo(repo, fun, mode: :temporary) do
    {:ok, result, _started} -> result
    {:error, reason} -> raise "the repository #{inspect(repo)} can't be started: #{inspect(reason)}"
  end
end

options =
  case {action, version} do
    {_, version} when version != nil -> [to: version]
    {"down", nil} -> [step: 1]
    _ -> [all: true]
  end

show = fn repo ->
  for {status, version, name} <- with_repo.(repo, &Ecto.Migrator.migrations/1) do
    say.(["migration", inspect(repo), status, version, name])
  end
end

run = fn repo ->
  for version <- with_repo.(repo, &Ecto.Migrator.run(&1, String.to_existing_atom(action), options)) do
    say.(["done", inspect(repo), version])
  end
end

call_task = fn ->
  parts = String.split(task, [".", ":"])
  {names, [function]} = Enum.split(parts, -1)
  module = if String.contains?(task, ":"), do: String.to_atom(Enum.join(names, ".")), else: Module.concat(names)

  if own_vm?, do: load_all.()
  arguments = if action == "task-down", do: [version], else: []

  case apply(module, String.to_atom(function), arguments) do
    failed when failed == :error or (is_tuple(failed) and elem(failed, 0) == :error) -> raise "it returned #{inspect(failed)}"
    _ -> say.(["called", task])
  end
end

work = fn ->
  cond do
    action in ["task", "task-down"] ->
      call_task.()
      say.(["end"])

    not Code.ensure_loaded?(Ecto.Migrator) ->
      say.(["no-ecto"])

    true ->
      case chosen.() do
        [] ->
          say.(["no-repositories"])

        [_, _ | _] = several when action == "down" ->
          say.(["several" | Enum.map(several, &inspect/1)])

        repos ->
          Enum.each(repos, if(action == "show", do: show, else: run))
          say.(["end"])
      end
  end
end

if own_vm?, do: Application.ensure_all_started(:logger)
# In a VM of its own the console has it already.
unless own_vm? do
  :logger.remove_handler(:edeliver_migrate)
  :logger.add_handler(:edeliver_migrate, :logger_std_h, handler)
end

try do
  work.()
catch
  kind, reason ->
    for line <- kind |> Exception.format_banner(reason, __STACKTRACE__) |> String.split("\n") do
      say.(["failed", line])
    end
after
  unless own_vm? do
    :logger_std_h.filesync(:edeliver_migrate)
    :logger.remove_handler(:edeliver_migrate)
  end
end

:ok
