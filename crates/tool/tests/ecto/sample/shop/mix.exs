defmodule Shop.MixProject do
  use Mix.Project

  @libraries System.fetch_env!("ECTO_LIBRARIES")

  def project do
    [app: :shop, version: "0.1.0", elixir: "~> 1.14", deps: deps(), releases: [shop: [cookie: "cookie-of-shop"]]]
  end

  def application, do: [extra_applications: [:logger], mod: {Shop.Application, []}]

  # What the libraries themselves would fetch from hex.pm is overridden by folders.
  defp deps do
    names = ~w(ecto ecto_sql postgrex db_connection decimal telemetry)a
    libraries = for name <- names, do: {name, path: Path.join(@libraries, to_string(name)), override: true}
    [{:billing, path: "../billing"} | libraries]
  end
end
