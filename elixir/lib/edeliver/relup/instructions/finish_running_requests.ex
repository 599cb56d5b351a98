defmodule Edeliver.Relup.Instructions.FinishRunningRequests do
  @moduledoc """
  Gives requests that are answered at the moment half a second to end. The others get the message `:upgrade_started`, and are left alone.

  Belongs after `SuspendRanchAcceptors`.
  """
  use Edeliver.Relup.RanchInstruction

  @patience 500

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def arguments(_instructions, config), do: {Edeliver.Relup.RanchInstruction.application(config), @patience}

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors, CheckRanchConnections]

  @impl Edeliver.Relup.RunnableInstruction
  def run({application, patience}) do
    requests = CheckRanchConnections.running_requests(application)
    remaining = bulk_wait_for_termination(requests, patience)
    info("#{length(requests) - length(remaining)} of #{length(requests)} running requests have ended")
    notify_running_requests(remaining, :upgrade_started)
    remaining
  end

  @doc "Tells these requests that the upgrade is over."
  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(remaining), do: notify_running_requests(remaining, :upgrade_finished)

  @doc "Waits some milliseconds for the end of processes, not longer than they take; those that are left."
  @spec bulk_wait_for_termination([pid], non_neg_integer) :: [pid]
  def bulk_wait_for_termination(processes, timeout) do
    watched = for pid <- processes, do: {pid, Process.monitor(pid)}
    until = System.monotonic_time(:millisecond) + timeout
    Enum.reject(watched, &ended?(&1, until)) |> Enum.map(&elem(&1, 0))
  end

  defp ended?({pid, monitor}, until) do
    receive do
      {:DOWN, ^monitor, :process, ^pid, _} -> true
    after
      max(0, until - System.monotonic_time(:millisecond)) -> not Process.demonitor(monitor, [:flush, :info])
    end
  end

  @doc "Sends a message to processes."
  @spec notify_running_requests([pid], term) :: :ok
  def notify_running_requests(processes, event), do: Enum.each(processes, &send(&1, event))
end
