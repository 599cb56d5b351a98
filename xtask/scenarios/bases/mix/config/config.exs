import Config

config :logger, level: :error
