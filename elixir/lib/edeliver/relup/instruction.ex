defmodule Edeliver.Relup.Instruction do
  @moduledoc "A change of a relup that modifications are put together of."

  @doc "Returns the changed instructions."
  @callback modify_relup(Edeliver.Relup.Instructions.t(), config :: map) :: Edeliver.Relup.Instructions.t()

  defmacro __using__(_options) do
    quote do
      @behaviour Edeliver.Relup.Instruction
      alias Edeliver.Relup.Instructions
      import Edeliver.Relup.InsertInstruction
      import Edeliver.Relup.ShiftInstruction
    end
  end
end
