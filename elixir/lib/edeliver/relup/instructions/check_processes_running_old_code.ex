defmodule Edeliver.Relup.Instructions.CheckProcessesRunningOldCode do
  @moduledoc "Ends the upgrade before anything has changed if old code of a module that is to be replaced is still there."
  use Edeliver.Relup.RunnableInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &insert_before_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def arguments(%Instructions{up_instructions: up}, _config),
    do:
      Enum.flat_map(up, fn instruction ->
        with({:load_object_code, {_, _, modules}} <- instruction, do: modules, else: (_ -> []))
      end)

  @impl Edeliver.Relup.RunnableInstruction
  def run(modules) do
    case Enum.filter(modules, &:erlang.check_old_code/1) do
      [] ->
        :ok

      old ->
        error("old code is still there of: #{inspect(old)}")
        throw({:error, {:running_old_code, old}})
    end
  end

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
