defmodule Edeliver.Relup.RunnableInstruction do
  @moduledoc """
  An instruction that runs code of the project while a node is upgraded or downgraded: `run/1` of the module is called.

  The module must be loaded where it runs, so its own load, and those of its `dependencies/0`, are moved before the call on the way up,
  and behind it on the way down. What is raised before the point of no return ends the upgrade and changes nothing; what is raised after
  it makes `release_handler` restart the node.
  """

  alias Edeliver.Relup.{Instructions, ShiftInstruction}

  @doc "Is called on the node with the arguments."
  @callback run(argument :: term) :: term
  @doc "Where the call is put: a function of `Edeliver.Relup.InsertInstruction`."
  @callback insert_where() :: (Instructions.t(), Instructions.instruction() -> Instructions.t())
  @doc "What `run/1` is called with."
  @callback arguments(Instructions.t(), config :: map) :: term
  @doc "Runnable instructions that it calls."
  @callback dependencies() :: [module]

  defmacro __using__(_options) do
    quote do
      use Edeliver.Relup.Instruction
      @behaviour Edeliver.Relup.RunnableInstruction
      import Edeliver.Relup.RunnableInstruction,
        only: [assume: 2, info: 1, warn: 1, error: 1, debug: 1, call_this: 0, call_this: 1]

      @impl Edeliver.Relup.Instruction
      def modify_relup(instructions, config),
        do: Edeliver.Relup.RunnableInstruction.insert(instructions, config, __MODULE__)

      @impl Edeliver.Relup.RunnableInstruction
      def insert_where, do: &append/2
      @impl Edeliver.Relup.RunnableInstruction
      def arguments(_instructions, _config), do: []
      @impl Edeliver.Relup.RunnableInstruction
      def dependencies, do: []
      defoverridable modify_relup: 2, insert_where: 0, arguments: 2, dependencies: 0
    end
  end

  @doc "Puts the call of a runnable instruction into a relup, both ways, and what it needs before it."
  @spec insert(Instructions.t(), map, module) :: Instructions.t()
  def insert(%Instructions{} = instructions, config, module) do
    call = {:apply, {module, :run, [module.arguments(instructions, config)]}}
    instructions = module.insert_where().(instructions, call)

    Enum.reduce(
      [module | module.dependencies()],
      instructions,
      &ShiftInstruction.ensure_module_loaded_before_instruction(&2, call, &1)
    )
  end

  @doc "The call of this module's `run/1`."
  defmacro call_this(arguments \\ []), do: quote(do: {:apply, {__MODULE__, :run, [unquote(arguments)]}})

  @doc """
  Ends the upgrade with this text unless the value matches:

      assume {:ok, _} = start(), "it can't be started"
  """
  defmacro assume({:=, _, [pattern, value]}, text) do
    quote generated: true do
      case unquote(value) do
        unquote(pattern) = value -> value
        _ -> Edeliver.Relup.RunnableInstruction.fail(unquote(text))
      end
    end
  end

  @doc false
  @spec fail(String.t()) :: no_return
  def fail(text) do
    error(text)
    throw({:error, String.to_charlist(text)})
  end

  require Logger

  @doc "Tells of an error, in the log of the node and at the upgrading script."
  def error(text), do: tell(:error, "---> X ", text)
  @doc "Tells of something that the operator should know."
  def warn(text), do: tell(:warning, "---> ! ", text)
  @doc "Tells what is done."
  def info(text), do: tell(:info, "---> ", text)
  @doc "Tells details."
  def debug(text), do: tell(:debug, "----> ", text)

  defp tell(level, mark, text) do
    text = IO.iodata_to_binary(text)
    Logger.bare_log(level, text)

    upgraders =
      for node <- Node.list(:hidden) ++ Node.list(), String.starts_with?(Atom.to_string(node), "upgrader_"), do: node

    Enum.each(upgraders, &:rpc.cast(&1, :io, :format, [:user, '~ts~n', [mark <> text]]))
  end
end
