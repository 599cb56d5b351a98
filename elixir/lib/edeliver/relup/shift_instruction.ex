defmodule Edeliver.Relup.ShiftInstruction do
  @moduledoc """
  Moves instructions in a relup, so that a module that is called by it is there when it is called.

  Given `Edeliver.Relup.Instructions`, a function changes the way up, and does the opposite on the way down.
  """

  alias Edeliver.Relup.Instructions

  @doc "Moves the load of a module before an instruction. Without such a load nothing changes."
  def ensure_module_loaded_before_instruction(to, instruction, module),
    do: change(to, {&load_before/3, &unload_after/3}, &(&1 == instruction), module)

  @doc "Moves whatever loads, removes or purges a module behind an instruction."
  def ensure_module_unloaded_after_instruction(to, instruction, module),
    do: change(to, {&unload_after/3, &load_before/3}, &(&1 == instruction), module)

  @doc "Moves the load of the module that is called before its first call, whatever it is called with."
  def ensure_module_loaded_before_first_runnable_instructions(to, {:apply, {module, :run, _}} = call),
    do: ensure_module_loaded_before_first_runnable_instructions(to, call, module)

  @doc "The same with the load of another module."
  def ensure_module_loaded_before_first_runnable_instructions(to, {:apply, {called, :run, _}}, module),
    do: change(to, {&load_before/3, &unload_after/3}, &runs?(&1, called), module)

  @doc "Moves whatever loads, removes or purges the module that is called behind its last call, whatever it is called with."
  def ensure_module_unloaded_after_last_runnable_instruction(to, {:apply, {module, :run, _}} = call),
    do: ensure_module_unloaded_after_last_runnable_instruction(to, call, module)

  @doc "The same with another module."
  def ensure_module_unloaded_after_last_runnable_instruction(to, {:apply, {called, :run, _}}, module),
    do: change(to, {&unload_after/3, &load_before/3}, &runs?(&1, called), module)

  @doc "The first call of a module's `run/1`, or `:not_found`."
  def first_runnable_instruction(list, module), do: Enum.find(list, :not_found, &runs?(&1, module))

  defp change(%Instructions{up_instructions: up, down_instructions: down} = to, {forth, back}, wanted, module),
    do: %{to | up_instructions: forth.(up, wanted, module), down_instructions: back.(down, wanted, module)}

  defp change(list, {forth, _}, wanted, module) when is_list(list), do: forth.(list, wanted, module)

  defp runs?(instruction, module), do: match?({:apply, {^module, :run, _}}, instruction)

  defp load_before(list, wanted, module) do
    {before, rest} = Enum.split_while(list, &(not wanted.(&1)))

    {loads, rest} =
      if rest == [], do: {[], []}, else: Enum.split_with(rest, &does?(&1, [:load, :load_module, :add_module], module))

    before ++ loads ++ rest
  end

  @unloading [:load, :load_module, :add_module, :remove, :delete_module, :purge]

  defp unload_after(list, wanted, module) do
    {rest, before} = list |> Enum.reverse() |> Enum.split_while(&(not wanted.(&1)))
    {rest, before} = {Enum.reverse(rest), Enum.reverse(before)}
    {moved, before} = Enum.split_with(before, &does?(&1, @unloading, module))
    before ++ moved ++ rest
  end

  # Whether an instruction is of one of these kinds, and about this module alone.
  defp does?(instruction, kinds, module) when is_tuple(instruction) do
    elem(instruction, 0) in kinds and
      case elem(instruction, 1) do
        {of, _, _} -> of == module
        of -> of in [module, [module]]
      end
  end

  defp does?(_, _, _), do: false
end
