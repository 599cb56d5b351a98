defmodule Hotapp.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    children = [{Hotapp.Counter, from: 0}] ++ web(Application.get_env(:hotapp, :port))
    Supervisor.start_link(children, strategy: :one_for_one, name: Hotapp.Supervisor)
  end

  defp web(nil), do: []
  defp web(port), do: [{Hotapp.Web, port}]
end
