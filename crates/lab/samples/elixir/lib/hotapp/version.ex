defmodule Hotapp.Version do
  @moduledoc """
  The one module that differs between two versions of this sample.
  """

  @doc "The version this code was written as."
  def marker, do: "@VERSION@"
end
