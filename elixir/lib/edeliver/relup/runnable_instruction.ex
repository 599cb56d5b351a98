defmodule Edeliver.Relup.RunnableInstruction do
  @moduledoc """
  An instruction that runs code of the project while a node is upgraded or downgraded: `run/1` of the module is called.

  The module must be loaded where it runs, so its own load, and those of its `dependencies/0`, are moved before the call on the way up,
  and behind it on the way down. What is raised before the point of no return ends the upgrade and changes nothing; what is raised after
  it makes `release_handler` restart the node.
  """

  alias Edeliver.Relup.{Config, Instruction, Instructions, ShiftInstruction}

  @doc "Is called on the node with the arguments."
  @callback run(argument :: term) :: term
  @doc "Where the call is put: a function of `Edeliver.Relup.InsertInstruction`."
  @callback insert_where() :: Instruction.insert_fun()
  @doc "What `run/1` is called with."
  @callback arguments(Instructions.t(), Config.t()) :: term
  @doc "Modules that it calls and that can be new in the release."
  @callback dependencies() :: [module]
  @doc """
  Is called with what `run/1` has returned when edeliver takes an upgrade back that failed behind it, while processes are suspended:
  supervisors of the application may not answer then. What fails later goes back by the relup's way down. Operators are warned of
  instructions that lack it.
  """
  @callback undo_run(returned :: term) :: term
  @optional_callbacks undo_run: 1

  defmacro __using__(_options) do
    quote do
      use Edeliver.Relup.Instruction
      @behaviour Edeliver.Relup.RunnableInstruction
      import Edeliver.Relup.RunnableInstruction, except: [insert: 3, fail: 1]
      require Logger

      @impl Edeliver.Relup.Instruction
      def modify_relup(instructions, config),
        do: Edeliver.Relup.RunnableInstruction.insert(instructions, config, __MODULE__)

      @impl Edeliver.Relup.RunnableInstruction
      def insert_where, do: &append/2
      @impl Edeliver.Relup.RunnableInstruction
      def arguments(_instructions, _config), do: []
      @impl Edeliver.Relup.RunnableInstruction
      def dependencies, do: []

      @doc "The instruction that calls `run/1` of this module."
      def call_this, do: call_this([])
      def call_this(arguments), do: {:apply, {__MODULE__, :run, [arguments]}}
      defoverridable modify_relup: 2, insert_where: 0, arguments: 2, dependencies: 0, call_this: 0, call_this: 1
    end
  end

  @doc "Puts the call of a runnable instruction into a relup, both ways, and what it needs before it."
  @spec insert(Instructions.t(), Config.t(), module) :: Instructions.t()
  def insert(%Instructions{} = instructions, config, module) do
    call = module.call_this(module.arguments(instructions, config))

    instructions
    |> module.insert_where().(call)
    |> ensure_loaded(call, [module, __MODULE__ | module.dependencies()])
  end

  defp ensure_loaded(instructions, call, modules) do
    Enum.reduce(modules, instructions, &ShiftInstruction.ensure_module_loaded_before_instruction(&2, call, &1))
  end

  @doc "Has modules loaded before the first call of a runnable instruction on the way up."
  def ensure_dependencies_loaded_before_instruction_for_upgrade(%Instructions{up_instructions: up} = to, call, modules) do
    shift = &ShiftInstruction.ensure_module_loaded_before_first_runnable_instructions(&2, call, &1)
    %{to | up_instructions: Enum.reduce(modules, up, shift)}
  end

  @doc "Has modules unloaded after the last call of a runnable instruction on the way down."
  def ensure_dependencies_unloaded_after_instruction_for_downgrade(
        %Instructions{down_instructions: down} = to,
        call,
        modules
      ) do
    shift = &ShiftInstruction.ensure_module_unloaded_after_last_runnable_instruction(&2, call, &1)
    %{to | down_instructions: Enum.reduce(modules, down, shift)}
  end

  @doc """
  Ends the upgrade with this text unless the value matches:

      assume {:ok, pid} = start(), "it can't be started"
      send(pid, :go)
  """
  defmacro assume({:=, _, [pattern, value]}, text) do
    # The first time its variables are not used, and nobody wants to be warned of that.
    silent = Macro.prewalk(pattern, &Macro.update_meta(&1, fn meta -> Keyword.put(meta, :generated, true) end))

    quote do
      value = unquote(value)
      match?(unquote(silent), value) || Edeliver.Relup.RunnableInstruction.fail(unquote(text))
      unquote(pattern) = value
    end
  end

  @doc false
  @spec fail(String.t()) :: no_return
  def fail(text) do
    error(text)
    throw({:error, String.to_charlist(text)})
  end

  @doc "Tells of an error, in the log of the node and to the operator."
  def error(text), do: tell(:error, text)
  @doc "Tells of something that the operator should know."
  def warn(text), do: tell(:warning, text)
  @doc "Tells what is done."
  def info(text), do: tell(:info, text)
  @doc "Tells details."
  def debug(text), do: tell(:debug, text)

  defp tell(level, text) do
    Logger.bare_log(level, text)
    log_in_upgrade_script(level, text)
  end

  @doc "Tells something to the operator alone, with the mark of its kind."
  def log_in_upgrade_script(kind, text), do: format_in_upgrade_script(~c"~ts~ts~n", [mark(kind), text])

  defp mark(:error), do: "---> X "
  defp mark(:warning), do: "---> ! "
  defp mark(:info), do: "---> "
  defp mark(_), do: "----> "

  @doc """
  Tells something to the operator: of edeliver, once the upgrade is done, and of relx's and Distillery's scripts, whose nodes are called
  `upgrader_NUMBER`. What does not end its line is progress, for the latter only.
  """
  def format_in_upgrade_script(format, arguments) do
    tell_listener(Process.get(:"$edeliver_listener"), IO.chardata_to_string(:io_lib.format(format, arguments)))

    for node <- Node.list(:connected),
        Atom.to_string(node) =~ ~r/upgrader_\d+/,
        do: :rpc.cast(node, :io, :format, [:user, format, arguments])

    :ok
  end

  # edeliver's agent, which carries the upgrade out.
  defp tell_listener(nil, _text), do: :ok

  defp tell_listener(listener, text) do
    if String.ends_with?(text, "\n"), do: send(listener, {:"$edeliver_told", String.trim(text)})
  end
end
