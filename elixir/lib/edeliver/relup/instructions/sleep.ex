defmodule Edeliver.Relup.Instructions.Sleep do
  @moduledoc "Waits some seconds after the point of no return, 30 without a number, and counts them down."
  use Edeliver.Relup.RunnableInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def arguments(_instructions, _config), do: 30

  @doc "Puts it into the relup with another number of seconds."
  def modify_relup(%Instructions{} = instructions, _config, seconds) do
    call = call_this(seconds)
    instructions |> append_after_point_of_no_return(call) |> ensure_module_loaded_before_instruction(call, __MODULE__)
  end

  @impl Edeliver.Relup.RunnableInstruction
  def run(seconds) when seconds > 0 do
    info("waiting, #{seconds} s to go")
    Process.sleep(1000)
    run(seconds - 1)
  end

  def run(_), do: :ok
end
