defmodule Scene.Application do
  @moduledoc false
  use Application

  # Every version of a scenario has its own text of this module.
  @impl true
  def start(_type, _args), do: Supervisor.start_link([], strategy: :one_for_one)
end
