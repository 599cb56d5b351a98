defmodule Edeliver.Relup.Instructions do
  @moduledoc """
  What a relup does, in both directions: low-level instructions of `release_handler`, as they stand in the file.

  `changed_modules` are those of the release's own application whose code is read on the way up.
  """

  defstruct up_instructions: [], down_instructions: [], up_version: "", down_version: "", changed_modules: []

  @type instruction :: :point_of_no_return | tuple
  @type instructions :: [instruction]
  @type t :: %__MODULE__{
          up_instructions: instructions,
          down_instructions: instructions,
          up_version: String.t(),
          down_version: String.t(),
          changed_modules: [module]
        }
end
