defmodule Hotapp.Counter do
  @moduledoc """
  State worth keeping: a number that only grows while the process lives.
  """
  use GenServer

  @vsn "1"

  def start_link(options) do
    GenServer.start_link(__MODULE__, options, name: __MODULE__)
  end

  @doc "Counts one up and returns the new value."
  def count, do: GenServer.call(__MODULE__, :count)

  @doc "The present value."
  def read, do: GenServer.call(__MODULE__, :read)

  @impl true
  def init(options), do: {:ok, %{n: Keyword.get(options, :from, 0)}}

  @impl true
  def handle_call(:count, _from, %{n: n} = state), do: {:reply, n + 1, %{state | n: n + 1}}
  def handle_call(:read, _from, %{n: n} = state), do: {:reply, n, state}

  @impl true
  def code_change(_vsn, state, _extra), do: {:ok, state}
end
