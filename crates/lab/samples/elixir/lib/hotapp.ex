defmodule Hotapp do
  @moduledoc """
  A counter that tells which version of its code is running.
  """

  @doc "What this node is, in one line: `hotapp 0.1.0 counts 3, says hello`."
  def describe do
    greeting = Application.fetch_env!(:hotapp, :greeting)
    "hotapp #{Hotapp.Version.marker()} counts #{Hotapp.Counter.read()}, says #{greeting}"
  end

  @doc "Counts one up and returns the new value."
  defdelegate count(), to: Hotapp.Counter
end
