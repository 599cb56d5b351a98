defmodule Edeliver.Relup.Instructions.ReloadModules do
  @moduledoc "Marks in a modification where modules are reloaded. The generated instructions do it, so it changes nothing."
  use Edeliver.Relup.Instruction

  @impl Edeliver.Relup.Instruction
  def modify_relup(instructions, _config), do: instructions
end
