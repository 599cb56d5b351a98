defmodule Mix.Tasks.Edeliver do
  @shortdoc "Builds and deploys releases, and upgrades running nodes"

  @moduledoc """
  Hands over to the program `edeliver`:

      mix edeliver deploy release to staging

  is the same as `edeliver deploy release to staging`: arguments arrive word by word, standard input, terminal and exit status are the
  program's. It is looked for where `EDELIVER_PROGRAM` says, then on the `PATH`. `edeliver help` tells the rest.
  """

  use Mix.Task

  @impl Mix.Task
  def run(args) do
    case :edeliver_program.find() do
      {:ok, program} -> System.halt(:edeliver_program.run(program, args))
      {:error, text} -> Mix.raise(to_string(text))
    end
  end
end
