defmodule Edeliver.Relup.Config do
  @moduledoc "What is known about the release whose relup is modified."

  @typedoc "At least its `name` and its `version`. Up to 1.9 it was a struct of Distillery's with more in it."
  @type t :: %{required(:name) => atom, required(:version) => String.t(), optional(atom) => term}
end
