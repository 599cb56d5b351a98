defmodule EctoSQL.MixProject do
  use Mix.Project
  def project, do: [app: :ecto_sql, version: "3.99.0", elixir: "~> 1.14"]
  def application, do: [extra_applications: [:logger]]
end
