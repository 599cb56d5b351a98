defmodule Billing.MixProject do
  use Mix.Project

  @libraries System.fetch_env!("ECTO_LIBRARIES")

  def project do
    [app: :billing, version: "0.1.0", elixir: "~> 1.14", deps: [{:ecto_sql, path: Path.join(@libraries, "ecto_sql")}]]
  end

  def application, do: [extra_applications: [:logger]]
end
