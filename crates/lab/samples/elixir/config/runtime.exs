import Config

# Read when the node boots, from the environment it is started with.
if greeting = System.get_env("HOTAPP_GREETING") do
  config :hotapp, greeting: greeting
end

if port = System.get_env("HOTAPP_PORT") do
  config :hotapp, port: String.to_integer(port)
end
