defmodule Edeliver.Relup.Instruction do
  @moduledoc "A change of a relup that modifications are put together of."

  alias Edeliver.Relup.{Config, Instructions}

  @typedoc "Puts instructions into a relup, or into one of its directions: a function of `Edeliver.Relup.InsertInstruction`."
  @type insert_fun ::
          (Instructions.t() | Instructions.instructions(), Instructions.instruction() | Instructions.instructions() ->
             Instructions.t() | Instructions.instructions())

  @doc "Returns the changed instructions."
  @callback modify_relup(Instructions.t(), Config.t()) :: Instructions.t()

  defmacro __using__(_options) do
    quote do
      @behaviour Edeliver.Relup.Instruction
      alias Edeliver.Relup.Instructions
      import Edeliver.Relup.InsertInstruction
      import Edeliver.Relup.ShiftInstruction
    end
  end
end
