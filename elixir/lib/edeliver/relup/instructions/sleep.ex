defmodule Edeliver.Relup.Instructions.Sleep do
  @moduledoc "Waits some seconds after the point of no return, 30 without a number, and counts them down at the upgrading script."
  use Edeliver.Relup.RunnableInstruction

  @doc "Puts it into the relup with another number of seconds."
  @impl Edeliver.Relup.Instruction
  def modify_relup(%Instructions{} = instructions, _config, seconds \\ 30) do
    call = call_this(max(seconds, 0))
    instructions = insert_where().(instructions, call)

    Enum.reduce(
      [__MODULE__, Edeliver.Relup.RunnableInstruction],
      instructions,
      &ensure_module_loaded_before_instruction(&2, call, &1)
    )
  end

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def run(seconds) do
    Logger.info("waiting #{seconds} s")
    count_down(seconds)
  end

  defp count_down(seconds) when seconds > 0 do
    format_in_upgrade_script(~c"\r---> waiting, ~b s to go  ", [seconds])
    Process.sleep(1000)
    count_down(seconds - 1)
  end

  defp count_down(_), do: format_in_upgrade_script(~c"\r---> waited                ~n", [])

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
