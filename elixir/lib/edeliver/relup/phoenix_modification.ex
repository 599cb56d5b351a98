defmodule Edeliver.Relup.PhoenixModification do
  @moduledoc """
  For Phoenix applications behind cowboy: no connection is accepted, no message of a channel handled and no request begun by new connections
  while code changes. What comes meanwhile waits, and is served by the new code.

  Everything that it needs is looked for before the point of no return; what is missing ends the upgrade, and nothing has changed.
  """
  use Edeliver.Relup.Modification

  alias Edeliver.Relup.Instructions.{
    CheckProcessesRunningOldCode,
    CheckRanchAcceptors,
    CheckRanchConnections,
    CodeChangeOnAppProcesses,
    FinishRunningRequests,
    ReloadModules,
    RerunFailedRequests,
    ResumeAppProcesses,
    ResumeChannels,
    ResumeRanchAcceptors,
    SoftPurge,
    StartSection,
    SuspendAppProcesses,
    SuspendChannels,
    SuspendRanchAcceptors
  }

  @steps [
    {StartSection, [:check]},
    {CheckProcessesRunningOldCode, []},
    {CheckRanchAcceptors, []},
    {CheckRanchConnections, []},
    {StartSection, [:suspend]},
    {SuspendRanchAcceptors, []},
    {SuspendChannels, []},
    {FinishRunningRequests, []},
    {StartSection, [:upgrade]},
    {SoftPurge, []},
    {SuspendAppProcesses, []},
    {ReloadModules, []},
    {CodeChangeOnAppProcesses, []},
    {ResumeAppProcesses, []},
    {StartSection, [:resume]},
    {RerunFailedRequests, []},
    {ResumeChannels, []},
    {ResumeRanchAcceptors, []},
    {StartSection, [:finished]}
  ]

  @impl Edeliver.Relup.Modification
  def modify_relup(%Instructions{} = instructions, config) do
    Enum.reduce(@steps, instructions, fn {step, more}, changed ->
      apply(step, :modify_relup, [changed, config | more])
    end)
  end

  @doc "Whether the release has Phoenix, its HTML, and ranch."
  @impl Edeliver.Relup.Modification
  def usable?(_config), do: Enum.all?([Phoenix, Phoenix.HTML, :ranch], &Code.ensure_loaded?/1)

  @impl Edeliver.Relup.Modification
  def priority, do: priority_default() + 1
end
