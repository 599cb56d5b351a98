defmodule Shop.Repo.Migrations.Risky do
  use Ecto.Migration

  def up do
    execute("ALTER TABLE users ADD COLUMN risk integer")
    if System.get_env("RISKY"), do: execute("SELECT no_such_column FROM users")
  end

  def down, do: execute("ALTER TABLE users DROP COLUMN risk")
end
