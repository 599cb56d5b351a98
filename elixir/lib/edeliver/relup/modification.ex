defmodule Edeliver.Relup.Modification do
  @moduledoc """
  A module of the project that changes the relup after it was generated.

      defmodule Acme.Relup.Modification do
        use Edeliver.Relup.Modification

        def modify_relup(instructions, config) do
          instructions
          |> Edeliver.Relup.DefaultModification.modify_relup(config)
          |> Edeliver.Relup.Instructions.Sleep.modify_relup(config)
        end
      end

  `config` is an `t:Edeliver.Relup.Config.t/0`.
  """

  alias Edeliver.Relup.{Config, Instructions}

  @doc "Returns the changed instructions."
  @callback modify_relup(Instructions.t(), Config.t()) :: Instructions.t()
  @doc "Of several usable modifications the one with the highest priority is taken."
  @callback priority() :: non_neg_integer
  @doc "Whether it can be used for this release."
  @callback usable?(Config.t()) :: boolean

  defmacro __using__(_options) do
    quote do
      @behaviour Edeliver.Relup.Modification
      alias Edeliver.Relup.Instructions
      import Edeliver.Relup.Modification, only: [priority_none: 0, priority_default: 0, priority_user: 0]
      for name <- [:name, :shortdoc], do: Module.register_attribute(__MODULE__, name, persist: true)

      @impl Edeliver.Relup.Modification
      def priority, do: priority_user()
      @impl Edeliver.Relup.Modification
      def usable?(_config), do: true
      defoverridable priority: 0, usable?: 1
    end
  end

  @doc "Priority of a modification that is taken only where it is named."
  def priority_none, do: 0
  @doc "Priority of those that come with edeliver."
  def priority_default, do: 1
  @doc "Priority of those of a project."
  def priority_user, do: 1000
end
