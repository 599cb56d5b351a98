defmodule Edeliver.Relup.ShiftInstruction do
  @moduledoc """
  Moves instructions in a relup, so that a module that is called by it is there when it is called.

  Given `Edeliver.Relup.Instructions`, a function changes the way up, and does the opposite on the way down.
  """

  alias Edeliver.Relup.Instructions

  @doc "Moves the load of a module before an instruction. Without such a load nothing changes."
  def ensure_module_loaded_before_instruction(to, instruction, module)

  def ensure_module_loaded_before_instruction(%Instructions{} = to, instruction, module) do
    up = ensure_module_loaded_before_instruction(to.up_instructions, instruction, module)
    down = ensure_module_unloaded_after_instruction(to.down_instructions, instruction, module)
    %{to | up_instructions: up, down_instructions: down}
  end

  def ensure_module_loaded_before_instruction(list, instruction, module) when is_list(list),
    do: load_before(list, &(&1 == instruction), module)

  @doc "Moves whatever loads, removes or purges a module behind an instruction."
  def ensure_module_unloaded_after_instruction(to, instruction, module)

  def ensure_module_unloaded_after_instruction(%Instructions{} = to, instruction, module) do
    up = ensure_module_unloaded_after_instruction(to.up_instructions, instruction, module)
    down = ensure_module_loaded_before_instruction(to.down_instructions, instruction, module)
    %{to | up_instructions: up, down_instructions: down}
  end

  def ensure_module_unloaded_after_instruction(list, instruction, module) when is_list(list),
    do: unload_after(list, &(&1 == instruction), module)

  @doc "Moves the load of a module before the first call of its `run/1`."
  def ensure_module_loaded_before_first_runnable_instructions(to, module)

  def ensure_module_loaded_before_first_runnable_instructions(%Instructions{} = to, module) do
    up = ensure_module_loaded_before_first_runnable_instructions(to.up_instructions, module)
    down = ensure_module_unloaded_after_last_runnable_instruction(to.down_instructions, module)
    %{to | up_instructions: up, down_instructions: down}
  end

  def ensure_module_loaded_before_first_runnable_instructions(list, module) when is_list(list),
    do: load_before(list, &runs?(&1, module), module)

  @doc "Moves whatever loads, removes or purges a module behind the last call of its `run/1`."
  def ensure_module_unloaded_after_last_runnable_instruction(to, module)

  def ensure_module_unloaded_after_last_runnable_instruction(%Instructions{} = to, module) do
    up = ensure_module_unloaded_after_last_runnable_instruction(to.up_instructions, module)
    down = ensure_module_loaded_before_first_runnable_instructions(to.down_instructions, module)
    %{to | up_instructions: up, down_instructions: down}
  end

  def ensure_module_unloaded_after_last_runnable_instruction(list, module) when is_list(list),
    do: unload_after(list, &runs?(&1, module), module)

  defp runs?(instruction, module), do: match?({:apply, {^module, :run, _}}, instruction)

  defp load_before(list, wanted, module) do
    {before, rest} = Enum.split_while(list, &(not wanted.(&1)))
    {loads, rest} = if rest == [], do: {[], []}, else: Enum.split_with(rest, &match?({:load, {^module, _, _}}, &1))
    before ++ loads ++ rest
  end

  defp unload_after(list, wanted, module) do
    {rest, before} = list |> Enum.reverse() |> Enum.split_while(&(not wanted.(&1)))
    {rest, before} = {Enum.reverse(rest), Enum.reverse(before)}
    {moved, before} = Enum.split_with(before, &unloads?(&1, module))
    before ++ moved ++ rest
  end

  defp unloads?({kind, {module, _, _}}, module) when kind in [:load, :remove], do: true
  defp unloads?({kind, [module]}, module) when kind in [:purge, :delete_module], do: true
  defp unloads?({:delete_module, module}, module), do: true
  defp unloads?(_, _), do: false
end
