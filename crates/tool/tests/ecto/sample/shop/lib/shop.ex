defmodule Shop.Repo do
  use Ecto.Repo, otp_app: :shop, adapter: Ecto.Adapters.Postgres
end

defmodule Shop.Application do
  use Application

  def start(_, _), do: Supervisor.start_link([Shop.Repo, Billing.Repo], strategy: :one_for_one, name: Shop.Supervisor)
end
