import Config

config :shop, Shop.Repo, url: System.fetch_env!("SHOP_DATABASE"), pool_size: 2
config :billing, Billing.Repo, url: System.fetch_env!("BILLING_DATABASE"), pool_size: 2
