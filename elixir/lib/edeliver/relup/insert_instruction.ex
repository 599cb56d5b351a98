defmodule Edeliver.Relup.InsertInstruction do
  @moduledoc """
  Puts instructions into a relup.

  Each function takes the instructions of a direction, or `Edeliver.Relup.Instructions`, whose both directions it changes; and one new
  instruction, or a list of them.
  """

  alias Edeliver.Relup.Instructions

  @doc "Directly before the point of no return; at the end where there is none."
  def insert_before_point_of_no_return(%Instructions{} = to, new),
    do: both(to, &insert_before_point_of_no_return(&1, new))

  def insert_before_point_of_no_return(list, new) when is_list(list) do
    {before, rest} = Enum.split_while(list, &(&1 != :point_of_no_return))
    before ++ List.wrap(new) ++ rest
  end

  @doc "Directly after the point of no return; at the end where there is none."
  def insert_after_point_of_no_return(%Instructions{} = to, new),
    do: both(to, &insert_after_point_of_no_return(&1, new))

  def insert_after_point_of_no_return(list, new) when is_list(list) do
    {before, rest} = Enum.split_while(list, &(&1 != :point_of_no_return))
    {point, rest} = Enum.split(rest, 1)
    before ++ point ++ List.wrap(new) ++ rest
  end

  @doc """
  After the point of no return and the calls behind it, before the first instruction that touches code, processes or applications.
  Modules that are loaded for one of these calls do not count.
  """
  def append_after_point_of_no_return(%Instructions{} = to, new),
    do: both(to, &append_after_point_of_no_return(&1, new))

  def append_after_point_of_no_return(list, new) when is_list(list) do
    {before, rest} = Enum.split_while(list, &(&1 != :point_of_no_return))
    {point, rest} = Enum.split(rest, 1)
    {calls, rest} = calls(rest, [])
    before ++ point ++ calls ++ List.wrap(new) ++ rest
  end

  defp calls(list, found) do
    case Enum.split_while(list, &match?({:load, _}, &1)) do
      {[], [{:apply, {module, _, _}} = call | rest]} when module != :application -> calls(rest, found ++ [call])
      {[_ | _] = loads, [{:apply, {_, :run, _}} = call | rest]} -> calls(rest, found ++ loads ++ [call])
      _ -> {found, list}
    end
  end

  @doc "After the last `load_object_code`; at the end where there is none."
  def insert_after_load_object_code(%Instructions{} = to, new), do: both(to, &insert_after_load_object_code(&1, new))

  def insert_after_load_object_code(list, new) when is_list(list) do
    {rest, before} = list |> Enum.reverse() |> Enum.split_while(&(not match?({:load_object_code, _}, &1)))

    case before do
      [] -> list ++ List.wrap(new)
      _ -> Enum.reverse(before) ++ List.wrap(new) ++ Enum.reverse(rest)
    end
  end

  @doc "At the end."
  def append(%Instructions{} = to, new), do: both(to, &append(&1, new))
  def append(list, new) when is_list(list), do: list ++ List.wrap(new)

  @doc "Before another instruction; on the way down after it. At the end where it is missing."
  def insert_before_instruction(%Instructions{} = to, new, other) do
    up = insert_before_instruction(to.up_instructions, new, other)
    %{to | up_instructions: up, down_instructions: insert_after_instruction(to.down_instructions, new, other)}
  end

  def insert_before_instruction(list, new, other) when is_list(list) do
    {before, rest} = Enum.split_while(list, &(&1 != other))
    before ++ List.wrap(new) ++ rest
  end

  @doc "After another instruction; on the way down before it. At the end where it is missing."
  def insert_after_instruction(%Instructions{} = to, new, other) do
    up = insert_after_instruction(to.up_instructions, new, other)
    %{to | up_instructions: up, down_instructions: insert_before_instruction(to.down_instructions, new, other)}
  end

  def insert_after_instruction(list, new, other) when is_list(list) do
    {before, rest} = Enum.split_while(list, &(&1 != other))
    {found, rest} = Enum.split(rest, 1)
    before ++ found ++ List.wrap(new) ++ rest
  end

  @doc "Whether it starts, stops or restarts an application or the emulator."
  def modifies_applications?({:apply, {:application, _, _}}), do: true

  def modifies_applications?(instruction),
    do:
      kind(instruction) in [
        :add_application,
        :remove_application,
        :restart_application,
        :restart_new_emulator,
        :restart_emulator
      ]

  @doc "Whether it loads, removes or purges code."
  def modifies_code?(instruction),
    do: kind(instruction) in [:load_module, :add_module, :delete_module, :load, :remove, :purge]

  @doc "Whether it changes the state of processes, or starts or stops some."
  def modifies_processes?(instruction), do: kind(instruction) in [:update, :code_change, :start, :stop]

  defp kind(instruction) when is_tuple(instruction), do: elem(instruction, 0)
  defp kind(instruction), do: instruction

  defp both(%Instructions{up_instructions: up, down_instructions: down} = to, change),
    do: %{to | up_instructions: change.(up), down_instructions: change.(down)}
end
