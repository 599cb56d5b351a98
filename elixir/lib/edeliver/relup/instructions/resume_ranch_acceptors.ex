defmodule Edeliver.Relup.Instructions.ResumeRanchAcceptors do
  @moduledoc "Has connections accepted again after `SuspendRanchAcceptors`."
  use Edeliver.Relup.RanchInstruction
  alias Edeliver.Relup.Instructions.SuspendRanchAcceptors

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors, SuspendRanchAcceptors]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    acceptors = SuspendRanchAcceptors.acceptors(application)
    assume true = SuspendRanchAcceptors.undo_run(acceptors), "the acceptors of ranch can't be resumed"
    info("#{length(acceptors)} acceptors of ranch are resumed")
  end

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
