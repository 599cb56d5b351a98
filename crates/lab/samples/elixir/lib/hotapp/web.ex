defmodule Hotapp.Web do
  @moduledoc """
  Answers every HTTP request with one line that names the version: enough to watch from outside which release serves.
  Listens only when `HOTAPP_PORT` is set.
  """
  use Task, restart: :permanent

  def start_link(port), do: Task.start_link(__MODULE__, :listen, [port])

  @doc false
  def listen(port) do
    {:ok, socket} = :gen_tcp.listen(port, [:binary, packet: :http_bin, active: false, reuseaddr: true])
    serve(socket)
  end

  defp serve(socket) do
    {:ok, client} = :gen_tcp.accept(socket)
    _ = answer(client)
    :gen_tcp.close(client)
    serve(socket)
  end

  # All headers are read first: closing a socket with unread bytes would reset it, and the answer be lost.
  defp answer(client) do
    case :gen_tcp.recv(client, 0, 5_000) do
      {:ok, :http_eoh} ->
        body = Hotapp.describe() <> "\n"
        :gen_tcp.send(client, "HTTP/1.0 200 OK\r\ncontent-length: #{byte_size(body)}\r\n\r\n#{body}")

      {:ok, _request_line_or_header} ->
        answer(client)

      error ->
        error
    end
  end
end
