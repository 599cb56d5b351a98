# Three versions of one application, for the agent's tests; `vsn` says which.
vsn = Application.fetch_env!(:lab, :vsn)

defmodule Lab.Counter do
  use GenServer
  @vsn vsn

  def start_link(opts), do: GenServer.start_link(__MODULE__, opts, opts)

  if vsn == "1" do
    def init(_), do: {:ok, %{n: 0}}
  else
    def init(_), do: {:ok, %{count: 0, from: nil}}
    def code_change({:down, "1"}, %{count: n}, _), do: {:ok, %{n: n}}
    def code_change(_, %{n: 13}, _), do: raise("thirteen")
    def code_change(from, %{n: n}, _), do: {:ok, %{count: n, from: from}}
    def code_change(_, state, _), do: {:ok, state}
  end

  def handle_call(:add, _, %{n: n} = state), do: {:reply, n + 1, %{state | n: n + 1}}
  def handle_call(:add, _, %{count: n} = state), do: {:reply, n + 1, %{state | count: n + 1}}
  def handle_call(:get, _, state), do: {:reply, {unquote(vsn), state}, state}
end

defmodule Lab.Ticker do
  use GenServer
  def start_link(arg), do: GenServer.start_link(__MODULE__, arg, name: __MODULE__)
  def init(arg), do: {:ok, arg}
  def handle_call(:get, _, state), do: {:reply, state, state}
end

defprotocol Lab.Describe do
  @fallback_to_any true
  def describe(x)
end

defimpl Lab.Describe, for: Any do
  def describe(_), do: "any"
end

defimpl Lab.Describe, for: Integer do
  def describe(_), do: "integer " <> unquote(vsn)
end

if vsn != "1" do
  defimpl Lab.Describe, for: BitString do
    def describe(_), do: "text"
  end
end

defmodule Lab.Application do
  use Application

  def start(_type, _args) do
    always = [
      {Lab.Counter, [name: Lab.Counter]},
      {Registry, keys: :unique, name: Lab.Registry},
      {DynamicSupervisor, name: Lab.Dynamic, strategy: :one_for_one},
      {Task.Supervisor, name: Lab.Tasks},
      Supervisor.child_spec({Agent, fn -> :kept end}, id: :keeper)
    ]

    more =
      case unquote(vsn) do
        "1" -> [Supervisor.child_spec({Agent, fn -> :old end}, id: :old)]
        "2" -> [{Lab.Ticker, :two}]
        "3" -> []
      end

    Supervisor.start_link(always ++ more, strategy: :one_for_one, name: Lab.Supervisor)
  end
end
