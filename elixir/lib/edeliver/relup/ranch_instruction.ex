defmodule Edeliver.Relup.RanchInstruction do
  @moduledoc false
  # What the instructions about ranch's processes have in common: they are called with the name of the application whose listeners are meant.

  defmacro __using__(_options) do
    quote do
      use Edeliver.Relup.RunnableInstruction
      alias Edeliver.Relup.Instructions.{CheckRanchAcceptors, CheckRanchConnections}, warn: false

      @impl Edeliver.Relup.RunnableInstruction
      def arguments(_instructions, config), do: Edeliver.Relup.RanchInstruction.application(config)
      defoverridable arguments: 2
    end
  end

  @doc false
  def application(%{name: name}) when is_atom(name), do: name
  def application(%{name: name}) when is_binary(name), do: String.to_atom(name)
end
