defmodule Billing.Repo.Migrations.Invoices do
  use Ecto.Migration

  def change do
    create table(:invoices) do
      add :amount, :decimal
    end
  end
end
