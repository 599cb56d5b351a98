# Outside of a transaction and without Ecto's lock, as PostgreSQL wants it for an index that is built beside running queries.
defmodule Shop.Repo.Migrations.Index do
  use Ecto.Migration

  @disable_ddl_transaction true
  @disable_migration_lock true

  def change, do: create(index(:users, [:name], concurrently: true))
end
