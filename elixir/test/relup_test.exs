defmodule Edeliver.RelupTest do
  use ExUnit.Case, async: true
  @moduletag :capture_log

  alias Edeliver.Relup.{DefaultModification, Instructions}
  alias Edeliver.Relup.Instructions.{CheckProcessesRunningOldCode, Info, Sleep, SoftPurge, StartSection}

  # A modification as projects have them.
  defmodule Drain do
    use Edeliver.Relup.RunnableInstruction

    def insert_where, do: &append_after_point_of_no_return/2
    def arguments(%Instructions{up_version: version}, %{name: name}), do: {name, version}
    def dependencies, do: [Drain.Parts]

    def run({_name, answer}) do
      assume({:ok, _} = answer, "it can't be drained")
      info("drained")
      :drained
    end
  end

  defmodule Modification do
    use Edeliver.Relup.Modification
    def modify_relup(%Instructions{} = instructions, config), do: Drain.modify_relup(instructions, config)
  end

  @config %{name: "demo", version: "2"}

  defp load(module), do: {:load, {module, :brutal_purge, :brutal_purge}}

  defp instructions(modules) do
    read = {:load_object_code, {:demo, ~c"2", modules}}
    list = [read, :point_of_no_return, {:suspend, [:m]} | Enum.map(modules, &load/1)] ++ [{:resume, [:m]}]

    %Instructions{
      up_instructions: list,
      down_instructions: list,
      up_version: "2",
      down_version: "1",
      changed_modules: modules
    }
  end

  test "a user's instruction is called after the point of no return, loaded before it up, and unloaded after it down" do
    read = {:load_object_code, {:demo, ~c"2", [:m, Drain, Drain.Parts]}}
    changed = Modification.modify_relup(instructions([:m, Drain, Drain.Parts]), @config)
    call = {:apply, {Drain, :run, [{"demo", "2"}]}}
    loads = [load(Drain), load(Drain.Parts)]
    rest = [{:suspend, [:m]}, load(:m)]
    assert [^read, :point_of_no_return | tail] = changed.up_instructions
    assert Enum.sort(Enum.take(tail, 2)) == Enum.sort(loads)
    assert Enum.drop(tail, 2) == [call | rest] ++ [{:resume, [:m]}]
    assert changed.down_instructions == [read, :point_of_no_return, call | rest] ++ loads ++ [{:resume, [:m]}]
    assert Modification.priority() == 1000 and Modification.usable?(@config)
  end

  test "an instruction is appended after those that were inserted before" do
    changed = instructions([:m]) |> Sleep.modify_relup(@config, 1) |> Info.modify_relup(@config, "up", "down")
    sleep = {:apply, {Sleep, :run, [1]}}

    assert [_, :point_of_no_return, ^sleep, {:apply, {Info, :run, ["up"]}}, {:suspend, [:m]} | _] =
             changed.up_instructions

    assert [_, :point_of_no_return, ^sleep, {:apply, {Info, :run, ["down"]}}, {:suspend, [:m]} | _] =
             changed.down_instructions

    assert Sleep.run(0) == :ok
  end

  test "what is loaded for an instruction does not come between it and those that are appended behind it" do
    changed = instructions([:m, Drain, Drain.Parts]) |> Drain.modify_relup(@config) |> Sleep.modify_relup(@config, 1)
    drain = {:apply, {Drain, :run, [{"demo", "2"}]}}

    assert [_, :point_of_no_return, {:load, _}, {:load, _}, ^drain, {:apply, {Sleep, :run, [1]}}, {:suspend, _} | _] =
             changed.up_instructions
  end

  test "code is purged softly before, and as it was afterwards" do
    list = [load(:m), {:remove, {:gone, :brutal_purge, :brutal_purge}}, {:apply, {:m, :f, []}}]
    changed = DefaultModification.modify_relup(%Instructions{up_instructions: list, down_instructions: list}, @config)

    soft = [
      {:load, {:m, :soft_purge, :brutal_purge}},
      {:remove, {:gone, :soft_purge, :brutal_purge}},
      {:apply, {:m, :f, []}}
    ]

    assert {changed.up_instructions, changed.down_instructions} == {soft, soft}
    assert SoftPurge.modify_relup(changed, @config) == changed
  end

  test "old code ends an upgrade before anything changes" do
    changed = CheckProcessesRunningOldCode.modify_relup(instructions([:m]), @config)

    assert [_, {:apply, {CheckProcessesRunningOldCode, :run, [[:m]]}}, :point_of_no_return | _] =
             changed.up_instructions

    assert CheckProcessesRunningOldCode.run([__MODULE__]) == :ok
    module = Module.concat(__MODULE__, Old)
    {:module, _, code, _} = Module.create(module, quote(do: def(f, do: 1)), Macro.Env.location(__ENV__))
    {:module, _} = :code.load_binary(module, ~c"old.beam", code)
    assert catch_throw(CheckProcessesRunningOldCode.run([module])) == {:error, {:running_old_code, [module]}}
  end

  test "sections stand where they begin" do
    all = [:check, :suspend, :upgrade, :resume, :finished]
    changed = Enum.reduce(all, instructions([:m]), &StartSection.modify_relup(&2, @config, &1))
    texts = for {:apply, {Info, :run, [text]}} <- changed.up_instructions, do: text |> String.split(" ") |> hd()
    assert texts == ["Checking", "Suspending", "Beginning", "Succeeded:", "Resuming", "Finished:"]
    assert [_, {:apply, _}, :point_of_no_return, {:apply, _}, {:apply, _}, {:suspend, _} | _] = changed.up_instructions
    assert_raise ArgumentError, fn -> StartSection.modify_relup(changed, @config, :lunch) end
  end

  test "what an instruction tells goes to the operator, and progress does not" do
    Process.put(:"$edeliver_listener", self())
    Drain.run({"demo", {:ok, 1}})
    assert_received {:"$edeliver_told", "---> drained"}
    Sleep.run(0)
    assert_received {:"$edeliver_told", "---> waited"}
    refute_received _
  end

  test "what is assumed and not so ends the upgrade with a text" do
    assert Drain.run({"demo", {:ok, 1}}) == :drained
    assert catch_throw(Drain.run({"demo", :error})) == {:error, ~c"it can't be drained"}
  end
end
