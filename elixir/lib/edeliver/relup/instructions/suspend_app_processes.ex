defmodule Edeliver.Relup.Instructions.SuspendAppProcesses do
  @moduledoc "Marks in a modification where processes are suspended. The generated instructions do it, so it changes nothing."
  use Edeliver.Relup.Instruction

  @impl Edeliver.Relup.Instruction
  def modify_relup(instructions, _config), do: instructions
end
