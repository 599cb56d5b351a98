defmodule Edeliver.Relup.Instructions.CheckRanchConnections do
  @moduledoc """
  Ends the upgrade before anything has changed if the connections of ranch can't be found. That there are none at the moment is no reason.

  Which of them are websockets is seen by what they do, so it does not matter which version of Phoenix they belong to, or whether to any.
  """
  use Edeliver.Relup.RanchInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &insert_before_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def dependencies, do: [CheckRanchAcceptors]

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    connections = connections(application)
    websockets = websocket_channel_connections(application, connections)
    info("#{length(connections)} connections of ranch are there, #{length(websockets)} of them are websockets")
  end

  @doc "The connections of all of the application's listeners."
  @spec connections(atom) :: [pid]
  def connections(application) do
    application
    |> CheckRanchAcceptors.ranch_listener_sups()
    |> Enum.flat_map(&(&1 |> ranch_connections_sup() |> ranch_connections()))
  end

  @doc "The supervisor of a listener's connections. Since ranch 2 it has supervisors below it that have the connections."
  @spec ranch_connections_sup(pid) :: pid
  def ranch_connections_sup(listener) do
    children = Supervisor.which_children(listener)
    found = for {name, pid, _, _} when name in [:ranch_conns_sup, :ranch_conns_sup_sup] <- children, do: pid
    assume [supervisor] = found, "a listener of ranch has no supervisor of its connections"
    supervisor
  end

  @doc "The connections below such a supervisor."
  @spec ranch_connections(pid) :: [pid]
  def ranch_connections(supervisor) do
    Enum.flat_map(Supervisor.which_children(supervisor), fn
      {_, pid, _, [:ranch_conns_sup]} -> ranch_connections(pid)
      {_, pid, _, _} when is_pid(pid) -> [pid]
      _ -> []
    end)
  end

  @doc "Those that are websockets."
  @spec websocket_channel_connections(atom, [pid]) :: [pid]
  def websocket_channel_connections(_application, connections), do: Enum.filter(connections, &websocket?/1)

  # A connection that is suspended, or hibernates, is one too: cowboy has its other connections do neither.
  defp websocket?(connection) do
    case Process.info(connection, :current_stacktrace) do
      {:current_stacktrace, [{:erlang, :hibernate, _, _} | _]} ->
        true

      {:current_stacktrace, frames} ->
        Enum.any?(frames, fn {module, _, _, _} -> module in [:cowboy_websocket, :sys] end)

      nil ->
        false
    end
  end

  @doc "The processes of requests that are answered at the moment."
  @spec running_requests(atom) :: [pid]
  def running_requests(application) do
    connections = connections(application)
    (connections -- websocket_channel_connections(application, connections)) |> Enum.flat_map(&requests/1)
  end

  # Since cowboy 2 a request has a process of its own below the connection, which waits for the next one in between.
  defp requests(connection) do
    with {:dictionary, dictionary} <- Process.info(connection, :dictionary),
         {:links, links} <- Process.info(connection, :links) do
      case dictionary[:"$initial_call"] do
        {module, _, _} when module in [:cowboy_clear, :cowboy_tls] -> Enum.filter(links, &parent?(connection, &1))
        _ -> [connection]
      end
    else
      nil -> []
    end
  end

  defp parent?(parent, process) do
    with true <- is_pid(process),
         {:dictionary, dictionary} <- Process.info(process, :dictionary),
         do: match?([^parent | _], dictionary[:"$ancestors"]),
         else: (_ -> false)
  end

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
