defmodule Edeliver.Relup.Instructions.CheckRanchAcceptors do
  @moduledoc """
  Ends the upgrade before anything has changed if there are no acceptors of ranch.

  The listeners are those below the application's supervisors, as Phoenix has them; where there are none, those of the node: a listener that was
  started by `cowboy:start_clear` stands below ranch itself, and nobody knows any more who did it.
  """
  use Edeliver.Relup.RanchInstruction

  @impl Edeliver.Relup.RunnableInstruction
  def insert_where, do: &insert_before_point_of_no_return/2

  @impl Edeliver.Relup.RunnableInstruction
  def run(application) do
    count = application |> ranch_listener_sups() |> Enum.map(&length(acceptors_of(&1))) |> Enum.sum()
    info("#{count} acceptors of ranch are there")
  end

  @doc "The supervisor of the application's Phoenix endpoint."
  @spec endpoint(atom) :: pid
  def endpoint(application) do
    endpoints = for {module, pid, _, [module]} <- children(top(application)), endpoint?(module), do: pid
    assume [endpoint] = endpoints, "#{application} has not one Phoenix endpoint, but #{length(endpoints)}"
    endpoint
  end

  defp endpoint?(module),
    do: Enum.all?([url: 0, static_url: 0, path: 1, static_path: 1], &(&1 in module.module_info(:exports)))

  @doc "The first of the application's listeners."
  @spec ranch_listener_sup(atom) :: pid
  def ranch_listener_sup(application), do: application |> ranch_listener_sups() |> hd()

  @doc "All of the application's listeners, of which there is at least one."
  @spec ranch_listener_sups(atom) :: [pid, ...]
  def ranch_listener_sups(application) do
    own = application |> top() |> listeners()

    of_node =
      for({app, _, _} <- Application.started_applications(), own == [], do: top(app)) |> Enum.flat_map(&listeners/1)

    assume [_ | _] = found = own ++ of_node, "there is no listener of ranch"
    found
  end

  @doc "The supervisor of a listener's acceptors."
  @spec ranch_acceptors_sup(pid) :: pid
  def ranch_acceptors_sup(listener) do
    found = for {:ranch_acceptors_sup, pid, _, _} when is_pid(pid) <- Supervisor.which_children(listener), do: pid
    assume [supervisor] = found, "a listener of ranch does not accept connections"
    supervisor
  end

  @doc "What the acceptors of a listener are called by their supervisor."
  @spec ranch_acceptors(pid) :: [term, ...]
  def ranch_acceptors(supervisor) do
    ids = for {{:acceptor, _, _} = id, _, _, _} <- Supervisor.which_children(supervisor), do: id
    assume [_ | _] = ids, "a listener of ranch has no acceptors"
    ids
  end

  @doc "The acceptors of a listener, with their supervisor."
  @spec acceptors_of(pid) :: [{pid, term}, ...]
  def acceptors_of(listener) do
    supervisor = ranch_acceptors_sup(listener)
    Enum.map(ranch_acceptors(supervisor), &{supervisor, &1})
  end

  # The supervisor that an application has started, if it runs one.
  defp top(application) do
    with master when is_pid(master) <- :application_controller.get_master(application),
         {top, _} when is_pid(top) <- :application_master.get_child(master),
         do: top
  end

  defp listeners(supervisor) do
    Enum.flat_map(children(supervisor), fn
      {_, pid, _, [:ranch_listener_sup]} when is_pid(pid) -> [pid]
      {_, pid, :supervisor, _} -> listeners(pid)
      _ -> []
    end)
  end

  # Only what really is a supervisor can be asked: a specification may be wrong about it.
  defp children(pid) do
    with true <- is_pid(pid),
         {:dictionary, dictionary} <- Process.info(pid, :dictionary),
         {kind, _, _} when kind in [:supervisor, DynamicSupervisor] <- dictionary[:"$initial_call"] do
      Supervisor.which_children(pid)
    else
      _ -> []
    end
  end

  @impl Edeliver.Relup.RunnableInstruction
  def undo_run(_), do: :ok
end
