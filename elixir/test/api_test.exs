defmodule Edeliver.ApiTest do
  use ExUnit.Case, async: true
  import ExUnit.CaptureIO
  @moduletag :capture_log

  # What modules written for 1.9 may call: functions with their arities.
  @functions %{
    Edeliver.Relup.Modification => [priority_default: 0, priority_none: 0, priority_user: 0],
    Edeliver.Relup.DefaultModification => [modify_relup: 2, priority: 0, usable?: 1],
    Edeliver.Relup.PhoenixModification => [modify_relup: 2, priority: 0, usable?: 1],
    Edeliver.Relup.InsertInstruction => [
      append: 2,
      append_after_point_of_no_return: 2,
      insert_after_instruction: 3,
      insert_after_load_object_code: 2,
      insert_after_point_of_no_return: 2,
      insert_before_instruction: 3,
      insert_before_point_of_no_return: 2,
      modifies_applications?: 1,
      modifies_code?: 1,
      modifies_processes?: 1
    ],
    Edeliver.Relup.ShiftInstruction => [
      ensure_module_loaded_before_first_runnable_instructions: 2,
      ensure_module_loaded_before_first_runnable_instructions: 3,
      ensure_module_loaded_before_instruction: 3,
      ensure_module_unloaded_after_instruction: 3,
      ensure_module_unloaded_after_last_runnable_instruction: 2,
      ensure_module_unloaded_after_last_runnable_instruction: 3,
      first_runnable_instruction: 2
    ],
    Edeliver.Relup.RunnableInstruction => [
      debug: 1,
      ensure_dependencies_loaded_before_instruction_for_upgrade: 3,
      ensure_dependencies_unloaded_after_instruction_for_downgrade: 3,
      error: 1,
      format_in_upgrade_script: 2,
      info: 1,
      log_in_upgrade_script: 2,
      warn: 1
    ]
  }
  @runnable [arguments: 2, call_this: 0, call_this: 1, dependencies: 0, insert_where: 0, modify_relup: 2, run: 1]
  @instructions %{
    CheckProcessesRunningOldCode: @runnable,
    CheckRanchAcceptors: @runnable ++ [endpoint: 1, ranch_acceptors: 1, ranch_acceptors_sup: 1, ranch_listener_sup: 1],
    CheckRanchConnections:
      @runnable ++ [ranch_connections: 1, ranch_connections_sup: 1, websocket_channel_connections: 2],
    CodeChangeOnAppProcesses: [modify_relup: 2],
    FinishRunningRequests: @runnable ++ [bulk_wait_for_termination: 2, notify_running_requests: 2],
    Info: @runnable ++ [modify_relup: 3, modify_relup: 4, modify_relup: 5],
    ReloadModules: [modify_relup: 2],
    RerunFailedRequests: @runnable,
    ResumeAppProcesses: [modify_relup: 2],
    ResumeChannels: @runnable ++ [bulk_resume: 1, bulk_resume: 2],
    ResumeRanchAcceptors: @runnable,
    Sleep: @runnable ++ [modify_relup: 3],
    SoftPurge: [modify_relup: 2],
    StartSection: [modify_relup: 3],
    SuspendAppProcesses: [modify_relup: 2],
    SuspendChannels: @runnable ++ [bulk_suspend: 1, bulk_suspend: 2],
    SuspendRanchAcceptors: @runnable
  }

  test "every function that a module of 1.9 may call is there" do
    of_instructions =
      Map.new(@instructions, fn {name, functions} -> {Module.concat(Edeliver.Relup.Instructions, name), functions} end)

    missing =
      for {module, functions} <- Map.merge(@functions, of_instructions),
          {function, arity} <- functions,
          not (Code.ensure_loaded?(module) and function_exported?(module, function, arity)),
          do: "#{inspect(module)}.#{function}/#{arity}"

    assert missing == []
  end

  test "the plugins that a rel/config.exs of 1.9 names are there, and leave the release alone" do
    for name <- [:ModifyRelup, :LinkConfig],
        callback <- [:before_assembly, :after_assembly, :before_package, :after_package, :after_cleanup],
        do: assert(apply(Module.concat(Releases.Plugin, name), callback, [%{name: :shop}, []]) == nil)
  end

  # Modules as projects have them, with all that the macros of 1.9 gave them.
  @users ~S'''
  defmodule Legacy.Announce do
    use Edeliver.Relup.RunnableInstruction

    @spec modify_relup(Instructions.t, Edeliver.Relup.Config.t) :: Instructions.t
    def modify_relup(instructions = %Instructions{up_instructions: up}, _config = %{}) do
      call = call_this([:up])
      %{instructions | up_instructions: [call | up], down_instructions: instructions.down_instructions ++ [call_this()]}
      |> ensure_module_loaded_before_first_runnable_instructions(call)
      |> ensure_dependencies_loaded_before_instruction_for_upgrade(call, [Legacy.Migrate])
    end

    @doc "Runs while the node is upgraded."
    def run(options) do
      assume true = is_list(list = options), "not a list"
      assume [way | _] = list, "no way is given"
      Logger.debug "announced"
      log_in_upgrade_script(:warning, "going #{way}")
      format_in_upgrade_script(to_charlist("~s~n"), ["up"])
      {way, options}
    end
  end

  defmodule Legacy.Migrate do
    use Edeliver.Relup.RunnableInstruction
    def insert_where, do: &append/2
    def arguments(_instructions = %Instructions{up_version: version}, _config = %{name: name}), do: {name, version}
    def dependencies, do: [Legacy.Announce]
    def run({name, version}), do: info "migrating #{name} to #{version}"
  end

  defmodule Legacy.First do
    use Edeliver.Relup.Instruction
    def modify_relup(instructions = %Instructions{up_instructions: up}, _config = %{}),
      do: %{instructions | up_instructions: [{:apply, {:"Elixir.Logger", :info, ["first"]}} | up]}
  end

  defmodule Legacy.Modification do
    @moduledoc "All of it."
    @name "legacy"
    @shortdoc "legacy"
    use Edeliver.Relup.Modification

    def modify_relup(instructions = %Instructions{}, config = %{}) do
      instructions
      |> Edeliver.Relup.DefaultModification.modify_relup(config)
      |> Edeliver.Relup.Instructions.StartSection.modify_relup(config, :check)
      |> Legacy.First.modify_relup(config)
      |> Legacy.Announce.modify_relup(config)
      |> Legacy.Migrate.modify_relup(config)
      |> append(config)
    end

    def usable?(_config = %{}), do: List.keymember?(Mix.Project.config[:deps], :edeliver, 0)
    def priority, do: priority_user()
    defp append(instructions, _config), do: instructions
  end
  '''

  test "modules that were written for 1.9 compile without a warning, and work" do
    assert capture_io(:stderr, fn -> Code.compile_string(@users) end) == ""

    [modification, announce, migrate] =
      for name <- [:Modification, :Announce, :Migrate], do: Module.concat(Legacy, name)

    read = {:load_object_code, {:shop, ~c"2", [:m]}}
    loads = for module <- [:m, announce, migrate], do: {:load, {module, :brutal_purge, :brutal_purge}}
    list = [read, :point_of_no_return | loads]

    given = %Edeliver.Relup.Instructions{
      up_instructions: list,
      down_instructions: list,
      up_version: "2",
      down_version: "1"
    }

    changed = modification.modify_relup(given, %{name: :shop, version: "2"})
    soft = for {:load, {module, _, post}} <- loads, do: {:load, {module, :soft_purge, post}}
    [m, announce_load, migrate_load] = soft
    text = &{:apply, {Edeliver.Relup.Instructions.Info, :run, ["Checking whether the #{&1} can be done"]}}
    first = {:apply, {Logger, :info, ["first"]}}
    {announces, migrates} = {{:apply, {announce, :run, [[:up]]}}, {:apply, {migrate, :run, [{:shop, "2"}]}}}

    assert changed.up_instructions ==
             [
               announce_load,
               migrate_load,
               announces,
               first,
               read,
               text.("upgrade from 1 to 2"),
               :point_of_no_return,
               m,
               migrates
             ]

    assert changed.down_instructions ==
             [read, text.("downgrade from 2 to 1"), :point_of_no_return, m] ++
               [{:apply, {announce, :run, [[]]}}, migrates, announce_load, migrate_load]

    refute modification.usable?(%{})
    assert modification.__info__(:attributes)[:name] == ["legacy"]
    assert announce.run([:up]) == {:up, [:up]}
    assert catch_throw(announce.run([])) == {:error, ~c"no way is given"}
    assert migrate.run({:shop, "2"}) == :ok
  end
end
