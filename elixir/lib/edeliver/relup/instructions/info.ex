defmodule Edeliver.Relup.Instructions.Info do
  @moduledoc "Tells something, one text on the way up and one on the way down."
  use Edeliver.Relup.RunnableInstruction

  @doc "Puts the texts into the relup, where the function says."
  @impl Edeliver.Relup.Instruction
  def modify_relup(%Instructions{} = to, _config, up \\ "", down \\ "", where \\ &append_after_point_of_no_return/2) do
    {up, down} = {call_this(up), call_this(down)}
    to = %{to | up_instructions: where.(to.up_instructions, up), down_instructions: where.(to.down_instructions, down)}

    Enum.reduce(
      [__MODULE__, Edeliver.Relup.RunnableInstruction],
      to,
      &ensure_module_loaded_before_first_runnable_instructions(&2, up, &1)
    )
  end

  @impl Edeliver.Relup.RunnableInstruction
  def run(text) do
    Logger.info(text)
    format_in_upgrade_script(~c"~ts~n", [text])
  end

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
