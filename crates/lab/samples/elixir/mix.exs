defmodule Hotapp.MixProject do
  use Mix.Project

  def project do
    [
      app: :hotapp,
      version: "@VERSION@",
      elixir: "~> 1.14",
      start_permanent: Mix.env() == :prod,
      releases: releases(),
      deps: deps()
    ]
  end

  def application do
    [mod: {Hotapp.Application, []}, extra_applications: [:logger]]
  end

  # A fixed cookie: mix's default is another one after every clean build.
  defp releases do
    [
      hotapp: [
        include_executables_for: [:unix],
        cookie: "hotapp-sample-cookie"
      ]
    ]
  end

  defp deps do
    []
  end
end
