import Config

config :hotapp, greeting: "hello"
config :logger, level: :info
