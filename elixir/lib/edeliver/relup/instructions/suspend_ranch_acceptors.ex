defmodule Edeliver.Relup.Instructions.SuspendRanchAcceptors do
  @moduledoc """
  Has no connection accepted any more. Those that come meanwhile wait in the queue of the socket, which stays open.

  An acceptor can't be suspended, so it is ended, and its supervisor knows it for `ResumeRanchAcceptors`.
  """
  use Edeliver.Relup.RanchInstruction

  @type acceptors :: [{supervisor :: pid, id :: term}]

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    acceptors = acceptors(application)
    Enum.each(acceptors, fn {supervisor, id} -> :ok = Supervisor.terminate_child(supervisor, id) end)
    info("#{length(acceptors)} acceptors of ranch are suspended")
    acceptors
  end

  @doc "Has these acceptors accept connections again; whether they do."
  @spec undo_run(acceptors) :: boolean
  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(acceptors), do: acceptors |> Enum.map(&restart/1) |> Enum.all?()

  defp restart({supervisor, id}) do
    case Supervisor.restart_child(supervisor, id) do
      {:error, :running} -> true
      started -> elem(started, 0) == :ok
    end
  end

  @doc "The acceptors of all of the application's listeners."
  @spec acceptors(atom) :: acceptors
  def acceptors(application),
    do: application |> CheckRanchAcceptors.ranch_listener_sups() |> Enum.flat_map(&CheckRanchAcceptors.acceptors_of/1)
end
