defmodule Edeliver.Relup.Instructions.SuspendRanchAcceptors do
  @moduledoc """
  Has no connection accepted any more. Those that come meanwhile wait in the queue of the socket, which stays open.

  An acceptor can't be suspended, so it is ended, and its supervisor knows it for `ResumeRanchAcceptors`.
  """
  use Edeliver.Relup.RanchInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &append_after_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    acceptors =
      application |> CheckRanchAcceptors.ranch_listener_sups() |> Enum.flat_map(&CheckRanchAcceptors.acceptors_of/1)

    ended = Enum.map(acceptors, fn {supervisor, id} -> Supervisor.terminate_child(supervisor, id) end)
    assume(true = Enum.all?(ended, &(&1 == :ok)), "the acceptors of ranch can't be suspended")
    info("#{length(acceptors)} acceptors of ranch are suspended")
  end
end
