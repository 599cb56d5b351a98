defmodule Edeliver.Relup.Instructions.SoftPurge do
  @moduledoc """
  Purges old code softly before it is replaced or removed: where a process still runs it, the upgrade ends, and the process lives.
  """
  use Edeliver.Relup.Instruction

  @impl Edeliver.Relup.Instruction
  def modify_relup(%Instructions{up_instructions: up, down_instructions: down} = instructions, _config),
    do: %{instructions | up_instructions: Enum.map(up, &soft/1), down_instructions: Enum.map(down, &soft/1)}

  defp soft({kind, {module, :brutal_purge, post}}) when kind in [:load, :remove],
    do: {kind, {module, :soft_purge, post}}

  defp soft(instruction), do: instruction
end
