defmodule Edeliver.Relup.Instructions.Info do
  @moduledoc "Tells something, one text on the way up and one on the way down."
  use Edeliver.Relup.RunnableInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @doc "Puts the texts into the relup, where the function says."
  def modify_relup(%Instructions{} = instructions, _config, up, down, where \\ &append_after_point_of_no_return/2) do
    changed = where.(instructions.up_instructions, call_this(up))
    back = where.(instructions.down_instructions, call_this(down))
    instructions = %{instructions | up_instructions: changed, down_instructions: back}
    ensure_module_loaded_before_first_runnable_instructions(instructions, __MODULE__)
  end

  @impl Edeliver.Relup.RunnableInstruction
  def run(text) when is_binary(text), do: info(text)
  def run(_), do: :ok
end
