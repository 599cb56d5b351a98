Code.require_file("shop.ex", __DIR__)

defmodule Edeliver.RanchTest do
  # The listeners of ranch are those of the whole node.
  use ExUnit.Case, async: false
  @moduletag :cowboy
  @moduletag :capture_log

  alias Edeliver.Relup.{Instructions, PhoenixModification}

  alias Edeliver.Relup.Instructions.{
    CheckRanchAcceptors,
    CheckRanchConnections,
    FinishRunningRequests,
    RerunFailedRequests,
    ResumeChannels,
    ResumeRanchAcceptors,
    SuspendChannels,
    SuspendRanchAcceptors
  }

  alias Edeliver.Shop

  setup context do
    Process.register(self(), :test)
    {:ok, _} = Application.ensure_all_started(:cowboy)
    start(:shop, if(context[:bare], do: [], else: [Shop.child(:shop_http)]))
  end

  defp start(app, children) do
    spec = [mod: {Shop, children}, vsn: ~c"1", applications: [:kernel, :stdlib, :elixir, :cowboy]]
    :ok = :application.load({:application, app, spec})
    :ok = Application.start(app)

    on_exit(fn ->
      Application.stop(app)
      Application.unload(app)
    end)
  end

  defp connect(listener \\ :shop_http) do
    {:ok, socket} = :gen_tcp.connect({127, 0, 0, 1}, :ranch.get_port(listener), [:binary, active: false])
    socket
  end

  defp ask(socket, path, headers \\ ""),
    do: :ok = :gen_tcp.send(socket, "GET #{path} HTTP/1.1\r\nhost: shop\r\n#{headers}\r\n")

  defp answer(socket, text, found \\ "") do
    if found =~ text do
      found
    else
      {:ok, more} = :gen_tcp.recv(socket, 0, 30_000)
      answer(socket, text, found <> more)
    end
  end

  # It has come to no answer: a look at the socket that does not wait for one.
  defp assert_silence(socket), do: assert(:gen_tcp.recv(socket, 0, 200) == {:error, :timeout})

  defp waiting_request do
    socket = connect()
    ask(socket, "/wait")
    assert_receive {:waits, request}, 30_000
    {socket, request}
  end

  defp websocket do
    socket = connect()

    ask(
      socket,
      "/ws",
      "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    )

    answer(socket, "\r\n\r\n")
    say(socket, "hi")
    answer(socket, "hi")
    socket
  end

  # A text frame, masked with zeros.
  defp say(socket, text), do: :ok = :gen_tcp.send(socket, <<0x81, 0x80 + byte_size(text), 0::32, text::binary>>)

  test "connections that come while acceptors are suspended wait, and are served afterwards" do
    assert CheckRanchAcceptors.run(:shop) == :ok
    assert [_, _, _] = SuspendRanchAcceptors.run(:shop)
    socket = connect()
    ask(socket, "/")
    assert_silence(socket)
    assert ResumeRanchAcceptors.run(:shop) == :ok
    assert answer(socket, "served") =~ "200 OK"
    assert ResumeRanchAcceptors.run(:shop) == :ok, "those that run are no failure"
  end

  test "what an upgrade has suspended that is taken back goes on" do
    {acceptors, {request, waits}} = {SuspendRanchAcceptors.run(:shop), {connect(), connect()}}
    ask(request, "/")
    assert_silence(request)
    assert SuspendRanchAcceptors.undo_run(acceptors)
    assert answer(request, "served")
    socket = websocket()
    websockets = SuspendChannels.run(:shop)
    say(socket, "meanwhile")
    assert_silence(socket)
    SuspendChannels.undo_run(websockets)
    assert answer(socket, "meanwhile")
    ask(waits, "/wait")
    assert_receive {:waits, process}, 30_000
    FinishRunningRequests.undo_run(FinishRunningRequests.run({:shop, 1}))
    send(process, :go_on)
    assert answer(waits, "]") =~ "[:upgrade_started, :upgrade_finished]"
  end

  test "a websocket hears nothing while channels are suspended, and everything afterwards" do
    socket = websocket()
    assert [_] = SuspendChannels.run(:shop)
    say(socket, "meanwhile")
    assert_silence(socket)
    ResumeChannels.run(:shop)
    assert answer(socket, "meanwhile")
  end

  test "connections are told from each other: websockets, running requests, and those that wait for the next request" do
    websocket()
    idle = connect()
    ask(idle, "/")
    answer(idle, "served")
    {_, request} = waiting_request()
    connections = CheckRanchConnections.connections(:shop)
    assert length(connections) == 3
    assert [_] = CheckRanchConnections.websocket_channel_connections(:shop, connections)
    # The one that is answered may not have ended yet.
    others = CheckRanchConnections.running_requests(:shop) -- [request]
    assert FinishRunningRequests.bulk_wait_for_termination(others, 60_000) == []
    assert CheckRanchConnections.running_requests(:shop) == [request]
    assert CheckRanchConnections.run(:shop) == :ok
  end

  test "a running request is told that an upgrade begins and has ended, and lives" do
    {socket, request} = waiting_request()
    assert FinishRunningRequests.run({:shop, 1}) == [request]
    assert RerunFailedRequests.run(:shop) == :ok
    send(request, :go_on)
    assert answer(socket, "]") =~ "[:upgrade_started, :upgrade_finished]"
  end

  test "requests are waited for no longer than they take" do
    {socket, request} = waiting_request()
    spawn(fn -> send(request, :go_on) end)
    assert FinishRunningRequests.bulk_wait_for_termination([request], :timer.hours(1)) == []
    assert answer(socket, "]") =~ "[]"
  end

  test "processes that can't be suspended are told, and those that have ended are not" do
    deaf = spawn(fn -> Process.sleep(:infinity) end)
    {gone, monitor} = spawn_monitor(fn -> :ok end)
    assert_receive {:DOWN, ^monitor, _, _, _}
    assert SuspendChannels.bulk_suspend([deaf], 1) == :not_supported
    assert {:errors, 1, [{^deaf, _}]} = ResumeChannels.bulk_resume([deaf, gone], 1)
    assert SuspendChannels.bulk_suspend([gone], 1) == :ok
  end

  @tag :bare
  test "a listener that stands below ranch itself is found too, and without one the upgrade ends" do
    assert catch_throw(CheckRanchAcceptors.run(:shop)) == {:error, ~c"there is no listener of ranch"}
    assert catch_throw(CheckRanchConnections.run(:shop)) == {:error, ~c"there is no listener of ranch"}
    {:ok, _} = :cowboy.start_clear(:below_ranch, [port: 0, ip: {127, 0, 0, 1}], Shop.protocol())
    on_exit(fn -> :cowboy.stop_listener(:below_ranch) end)
    SuspendRanchAcceptors.run(:shop)
    socket = connect(:below_ranch)
    ask(socket, "/")
    assert_silence(socket)
    assert ResumeRanchAcceptors.run(:shop) == :ok
    assert answer(socket, "served")
  end

  test "a listener that its operator has suspended ends the upgrade" do
    :ok = :ranch.suspend_listener(:shop_http)
    assert catch_throw(CheckRanchAcceptors.run(:shop)) == {:error, ~c"a listener of ranch does not accept connections"}
  end

  test "the listeners of another application are left alone" do
    start(:bakery, [Shop.child(:bakery_http)])
    SuspendRanchAcceptors.run(:shop)
    socket = connect(:bakery_http)
    ask(socket, "/")
    assert answer(socket, "served")
  end

  test "the modification for Phoenix checks, suspends, upgrades and resumes in this order, with names as text too" do
    generated = [
      {:load_object_code, {:shop, ~c"2", [:m]}},
      :point_of_no_return,
      {:suspend, [:m]},
      {:load, {:m, :brutal_purge, :brutal_purge}}
    ]

    generated = generated ++ [{:resume, [:m]}]
    given = %Instructions{up_instructions: generated, down_instructions: generated, up_version: "2", down_version: "1"}
    changed = PhoenixModification.modify_relup(given, %{name: "shop", version: "2"})
    assert changed == PhoenixModification.modify_relup(given, %{name: :shop, version: "2"})
    assert {:load, {:m, :soft_purge, :brutal_purge}} in changed.up_instructions

    short = fn
      {:apply, {module, :run, _}} -> module |> Module.split() |> List.last()
      instruction when is_tuple(instruction) -> elem(instruction, 0)
      instruction -> instruction
    end

    order =
      ~w(load_object_code Info CheckProcessesRunningOldCode CheckRanchAcceptors CheckRanchConnections point_of_no_return) ++
        ~w(Info SuspendRanchAcceptors SuspendChannels FinishRunningRequests Info suspend load resume) ++
        ~w(Info Info RerunFailedRequests ResumeChannels ResumeRanchAcceptors Info)

    for list <- [changed.up_instructions, changed.down_instructions],
        do: assert(Enum.map(list, &to_string(short.(&1))) == order)

    refute PhoenixModification.usable?(%{name: :shop, version: "2"}), "there is no Phoenix"
    assert PhoenixModification.priority() == 2
  end
end
