defmodule Edeliver.Relup.DefaultModification do
  @moduledoc "For applications of all kinds: code is purged softly before it is loaded."
  use Edeliver.Relup.Modification

  @impl Edeliver.Relup.Modification
  def modify_relup(instructions, config), do: Instructions.SoftPurge.modify_relup(instructions, config)

  @impl Edeliver.Relup.Modification
  def priority, do: priority_default()
end
