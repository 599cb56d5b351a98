defmodule Edeliver.Relup.Instructions.ResumeChannels do
  @moduledoc "Has websockets go on after `SuspendChannels`. Belongs before `ResumeRanchAcceptors`: what is accepted after it was never suspended."
  use Edeliver.Relup.RanchInstruction
  alias Edeliver.Relup.Instructions.SuspendChannels

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors, CheckRanchConnections, SuspendChannels]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application), do: SuspendChannels.change(application, &bulk_resume/1, "resumed")

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok

  @doc "Resumes processes at the same time."
  @spec bulk_resume([pid], timeout) :: :ok | :not_supported | SuspendChannels.failures()
  defdelegate bulk_resume(processes, timeout \\ 1000), to: SuspendChannels
end
