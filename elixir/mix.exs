defmodule Edeliver.MixProject do
  use Mix.Project

  def project do
    [
      app: :edeliver,
      version: "2.0.0-dev",
      elixir: "~> 1.11",
      # What it has in common with the plugin for rebar3.
      erlc_paths: ["rebar3_edeliver/src/program"],
      test_ignore_filters: ["test/shop.ex"],
      description: "mix edeliver, and relup modifications of edeliver 1.x",
      deps: []
    ]
  end

  # Nothing of it runs in a node by itself.
  def application, do: [extra_applications: [:logger]]
end
