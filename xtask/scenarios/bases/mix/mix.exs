defmodule Scene.MixProject do
  use Mix.Project

  def project do
    [
      app: :scene,
      version: "0.0.0",
      elixir: "~> 1.14",
      start_permanent: true,
      releases: [scene: [include_executables_for: [:unix], cookie: "scenes"]]
    ]
  end

  def application do
    [mod: {Scene.Application, []}, extra_applications: [:logger]]
  end
end
