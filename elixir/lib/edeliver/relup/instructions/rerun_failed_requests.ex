defmodule Edeliver.Relup.Instructions.RerunFailedRequests do
  @moduledoc """
  Sends `:upgrade_finished` to the requests that are still answered, the counterpart of `FinishRunningRequests`. Whoever can do a request again that
  failed meanwhile does it now; no released Phoenix has learnt that.
  """
  use Edeliver.Relup.RanchInstruction
  alias Edeliver.Relup.Instructions.FinishRunningRequests

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors, CheckRanchConnections, FinishRunningRequests]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    requests = CheckRanchConnections.running_requests(application)
    info("#{length(requests)} requests may be done again")
    FinishRunningRequests.notify_running_requests(requests, :upgrade_finished)
  end

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
