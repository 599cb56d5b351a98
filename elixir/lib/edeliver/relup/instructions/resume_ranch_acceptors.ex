defmodule Edeliver.Relup.Instructions.ResumeRanchAcceptors do
  @moduledoc "Has connections accepted again after `SuspendRanchAcceptors`."
  use Edeliver.Relup.RanchInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    acceptors =
      application |> CheckRanchAcceptors.ranch_listener_sups() |> Enum.flat_map(&CheckRanchAcceptors.acceptors_of/1)

    assume(true = Enum.all?(acceptors, &runs?/1), "the acceptors of ranch can't be resumed")
    info("#{length(acceptors)} acceptors of ranch are resumed")
  end

  defp runs?({supervisor, id}) do
    case Supervisor.restart_child(supervisor, id) do
      {:error, :running} -> true
      started -> elem(started, 0) == :ok
    end
  end
end
