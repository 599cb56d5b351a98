//! Upgrades of an application behind cowboy by the mix package's modification for Phoenix, with the ranch and cowboy of Debian's rabbitmq-server.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use edeliver_lab::samples::Sample;

use crate::scene::{COUNTER, RAISES, Scene};

/// Where they are when mix compiles and assembles.
const PATHS: &str = r#"Enum.each(Path.wildcard("/usr/lib/rabbitmq/lib/*/plugins/{ranch,cowboy,cowlib}-*/ebin"), &Code.append_path/1)

defmodule Hotapp.MixProject do"#;

/// `/ws` is a websocket that says which version answers; `/wait` is a request that tells what it has heard when it is let go.
const HANDLER: &str = r#"
defmodule Hotapp.Handler do
  def child do
    dispatch = :cowboy_router.compile([{:_, [{:_, __MODULE__, []}]}])
    listen = %{socket_opts: [port: 0, ip: {127, 0, 0, 1}], num_acceptors: 2}
    :ranch.child_spec(:hotapp_http, :ranch_tcp, listen, :cowboy_clear, %{env: %{dispatch: dispatch}, connection_type: :supervisor})
  end

  def init(%{path: "/ws"} = request, state), do: {:cowboy_websocket, request, state}
  def init(request, state), do: {:ok, :cowboy_req.reply(200, %{}, answer(request.path), request), state}

  defp answer("/wait") do
    Process.register(self(), :waiting)
    await([])
  end
  defp answer(_), do: Hotapp.Version.marker()

  defp await(heard) do
    receive do
      :go_on -> heard |> Enum.reverse() |> Enum.join(" ")
      event -> await([event | heard])
    end
  end

  def websocket_handle({:text, text}, state), do: {[{:text, text <> " " <> Hotapp.Version.marker()}], state}
  def websocket_info(_, state), do: {[], state}
end
"#;

fn build(scene: &Scene, sample: &Sample, version: &str, counter: &[(&str, &str)]) {
    let package = concat!(env!("CARGO_MANIFEST_DIR"), "/../../elixir");
    sample.set_version(version).unwrap();
    for (file, before, after) in [
        ("mix.exs", "defmodule Hotapp.MixProject do", PATHS),
        ("mix.exs", "[:logger]", "[:logger, :cowboy]"),
        ("mix.exs", "defp deps do\n    []", &format!("defp deps do\n    [{{:edeliver, path: {package:?}}}]")),
        ("lib/hotapp/application.ex", "[{Hotapp.Counter, from: 0}]", "[{Hotapp.Counter, from: 0}, Hotapp.Handler.child()]"),
    ] {
        sample.edit(file, before, after).unwrap();
    }
    counter.iter().for_each(|(before, after)| sample.edit("lib/hotapp/counter.ex", before, after).unwrap());
    sample.write("lib/hotapp/handler.ex", HANDLER).unwrap();
    scene.configure("soak = \"1s\"");
    sample.commit("behind cowboy").unwrap();
    scene.ok("build release");
}

/// A connection to the node that has sent a request.
fn ask(scene: &Scene, path: &str, headers: &str) -> BufReader<TcpStream> {
    let port: u16 = scene.eval(":ranch.get_port(:hotapp_http)").parse().unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: hotapp\r\n{headers}\r\n").unwrap();
    BufReader::new(stream)
}

/// The body of its answer.
fn body(reader: &mut BufReader<TcpStream>) -> String {
    let mut length = 0;
    loop {
        let mut line = String::new();
        assert!(reader.read_line(&mut line).unwrap() > 0, "the connection has ended");
        match line.trim_end().strip_prefix("content-length: ") {
            Some(number) => length = number.parse().unwrap(),
            None if line == "\r\n" => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

/// What a websocket answers to `text`.
fn say(websocket: &mut BufReader<TcpStream>, text: &str) -> String {
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(text.as_bytes());
    websocket.get_mut().write_all(&frame).unwrap();
    let mut head = [0; 2];
    websocket.read_exact(&mut head).unwrap();
    let mut answer = vec![0; head[1].into()];
    websocket.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn an_application_behind_cowboy_goes_to_new_code_and_back_without_losing_a_connection_a_websocket_or_a_request() {
    let (scene, sample) = Scene::project("cowboy", "soak = \"1s\"");
    for (version, counter) in [("0.1.0", &[][..]), ("0.2.0", &COUNTER), ("0.2.1", &RAISES)] {
        build(&scene, &sample, version, counter);
        if version != "0.1.0" {
            let mut relup = scene.command(&format!("build upgrade --with=0.1.0 --version={version}"));
            assert!(relup.env("EDELIVER_BUILD_RELUP_MOD", "Edeliver.Relup.PhoenixModification").status().unwrap().success());
        }
    }
    scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
    let life = scene.life();
    let acceptors = || scene.eval(":ranch.procs(:hotapp_http, :acceptors)");
    let upgrade =
        "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    let mut websocket = ask(&scene, "/ws", upgrade);
    body(&mut websocket);
    assert_eq!(say(&mut websocket, "hello"), "hello 0.1.0");
    let mut waiting = ask(&scene, "/wait", "");
    assert!((0..600).any(|_| scene.eval("Process.whereis(:waiting)") != "nil"), "the request did not arrive");
    let serves = |version: &str| assert_eq!(body(&mut ask(&scene, "/", "")), version);
    serves("0.1.0");

    // One that fails is taken back, with all that was suspended for it.
    let before = acceptors();
    let failed = scene.run("deploy upgrade to staging --version=0.2.1");
    assert!(failed.code != 0 && failed.err.contains("no such luck"), "{}{}", failed.out, failed.err);
    assert_ne!(acceptors(), before, "they were suspended");
    serves("0.1.0");
    assert_eq!(say(&mut websocket, "still"), "still 0.1.0");

    for (line, version) in [("deploy upgrade to staging --version=0.2.0", "0.2.0"), ("rollback staging", "0.1.0")] {
        let before = acceptors();
        let done = scene.ok(line);
        assert!(
            !done.err.contains("does not undo") && done.err.contains("---> 2 acceptors of ranch are suspended"),
            "{}",
            done.err
        );
        assert_ne!(acceptors(), before, "they were suspended");
        serves(version);
        assert_eq!(say(&mut websocket, "now"), format!("now {version}"));
    }
    scene.configure("soak = \"1s\"\nengine = \"release_handler\"");
    scene.ok("deploy upgrade to staging --version=0.2.0");
    serves("0.2.0");
    assert_eq!(say(&mut websocket, "at last"), "at last 0.2.0");

    scene.eval("send(:waiting, :go_on)");
    assert_eq!(body(&mut waiting), ["upgrade_started upgrade_finished"; 4].join(" "));
    assert_eq!(scene.life(), life);
}
