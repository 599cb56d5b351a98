defmodule Edeliver.Relup.Instructions.StartSection do
  @moduledoc "Tells which part of the upgrade begins: `:check`, `:suspend`, `:upgrade`, `:resume` or `:finished`."
  use Edeliver.Relup.Instruction
  alias Edeliver.Relup.Instructions.Info

  @impl Edeliver.Relup.Instruction
  def modify_relup(instructions, config), do: modify_relup(instructions, config, :upgrade)

  def modify_relup(instructions, config, section) do
    texts(section, instructions)
    |> Enum.reduce(instructions, fn {up, down}, changed ->
      Info.modify_relup(changed, config, up, down, where(section))
    end)
  end

  defp where(:check), do: &insert_after_load_object_code/2
  defp where(:suspend), do: &insert_after_point_of_no_return/2
  defp where(:upgrade), do: &append_after_point_of_no_return/2
  defp where(section) when section in [:resume, :finished], do: &append/2

  defp texts(:check, to), do: [both("Checking whether %1 can be done", to)]
  defp texts(:suspend, to), do: [both("Suspending processes for %1", to)]
  defp texts(:upgrade, to), do: [both("Beginning %1", to)]
  defp texts(:resume, to), do: [both("Succeeded: %1", to), both("Resuming processes after %1", to)]
  defp texts(:finished, to), do: [both("Finished: %1", to)]
  defp texts(section, _), do: raise(ArgumentError, "there is no section #{inspect(section)} of an upgrade")

  defp both(text, %Instructions{up_version: up, down_version: down}) do
    say = fn way, from, to -> String.replace(text, "%1", "the #{way} from #{from} to #{to}") end
    {say.("upgrade", down, up), say.("downgrade", up, down)}
  end
end
