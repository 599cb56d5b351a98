import Config
config :shop, ecto_repos: [Shop.Repo]
config :billing, ecto_repos: [Billing.Repo]
