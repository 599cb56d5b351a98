defmodule Scene.Application do
  @moduledoc false
  use Application

  @impl true
  def start(_type, _args) do
    children = [
      %{id: :scene_web, start: {:scene_web, :start_link, []}},
      # more
    ]

    Supervisor.start_link(children, strategy: :one_for_one, name: Scene.Supervisor)
  end

  @impl true
  def config_change(changed, new, removed) do
    :persistent_term.put(:scene_config_change, {changed, new, removed})
  end
end
