defmodule Edeliver.Shop do
  @moduledoc "An application with a listener of cowboy below its supervisor, as Phoenix has one."
  use Application

  def child(name, port \\ 0),
    do:
      :ranch.child_spec(
        name,
        :ranch_tcp,
        %{socket_opts: [port: port, ip: {127, 0, 0, 1}], num_acceptors: 3},
        :cowboy_clear,
        protocol()
      )

  def protocol, do: %{env: %{dispatch: dispatch()}, connection_type: :supervisor}
  defp dispatch, do: :cowboy_router.compile([{:_, [{:_, __MODULE__.Handler, []}]}])

  @impl true
  def start(_, children), do: Supervisor.start_link(children, strategy: :one_for_one)
end

defmodule Edeliver.Shop.Handler do
  @moduledoc "`/ws` is a websocket that answers what it is told; `/wait` tells the process `:test` about itself, and waits for its word."

  def init(%{path: "/ws"} = request, state), do: {:cowboy_websocket, request, state}
  def init(request, state), do: {:ok, :cowboy_req.reply(200, %{}, answer(request.path), request), state}

  defp answer("/wait") do
    send(:test, {:waits, self()})
    await([])
  end

  defp answer(_), do: "served"

  defp await(events) do
    receive do
      :go_on -> inspect(Enum.reverse(events))
      event -> await([event | events])
    end
  end

  def websocket_handle(frame, state), do: {[frame], state}
  def websocket_info(_, state), do: {[], state}
end
