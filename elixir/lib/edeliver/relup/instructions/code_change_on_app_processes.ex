defmodule Edeliver.Relup.Instructions.CodeChangeOnAppProcesses do
  @moduledoc "Marks in a modification where states are changed. The generated instructions do it, so it changes nothing."
  use Edeliver.Relup.Instruction

  @impl Edeliver.Relup.Instruction
  def modify_relup(instructions, _config), do: instructions
end
