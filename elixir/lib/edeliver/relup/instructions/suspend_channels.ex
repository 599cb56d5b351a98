defmodule Edeliver.Relup.Instructions.SuspendChannels do
  @moduledoc """
  Suspends websockets, so that they handle no message before `ResumeChannels`. What comes meanwhile waits.

  One that does not answer in a second is told, and the upgrade goes on: it is busy with old code, or of a server whose websockets can't be suspended.
  """
  use Edeliver.Relup.RanchInstruction

  @type failures :: {:errors, pos_integer, [{pid, reason :: term}]}

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors, CheckRanchConnections]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application), do: change(application, &bulk_suspend/1, "suspended")

  @doc "Has these websockets go on."
  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(websockets), do: bulk_resume(websockets)

  @doc "Suspends processes at the same time."
  @spec bulk_suspend([pid], timeout) :: :ok | :not_supported | failures
  def bulk_suspend(processes, timeout \\ 1000), do: bulk(processes, &:sys.suspend(&1, timeout))

  @doc "Resumes processes at the same time."
  @spec bulk_resume([pid], timeout) :: :ok | :not_supported | failures
  def bulk_resume(processes, timeout \\ 1000), do: bulk(processes, &:sys.resume(&1, timeout))

  @doc false
  def change(application, change, done) do
    websockets =
      CheckRanchConnections.websocket_channel_connections(application, CheckRanchConnections.connections(application))

    case change.(websockets) do
      :ok -> info("#{length(websockets)} websockets are #{done}")
      :not_supported -> warn("none of #{length(websockets)} websockets can be #{done}")
      {:errors, count, _} -> warn("#{count} of #{length(websockets)} websockets are not #{done}")
    end

    websockets
  end

  defp bulk(processes, change) do
    asked = for pid <- processes, do: {pid, spawn_monitor(fn -> change.(pid) end)}

    case Enum.flat_map(asked, &failure/1) do
      [] -> :ok
      failures when length(failures) == length(processes) -> :not_supported
      failures -> {:errors, length(failures), failures}
    end
  end

  # One that has ended meanwhile needs nothing any more.
  defp failure({pid, {helper, monitor}}) do
    receive do
      {:DOWN, ^monitor, :process, ^helper, reason} ->
        if reason == :normal or not Process.alive?(pid), do: [], else: [{pid, reason}]
    end
  end
end
