//! Against a real node, with an epmd of its own.

use super::guarded::Class;
use super::handshake::{Connected, Expected, Handshake, HandshakeError, Identity};
use super::session::{CallId, Event, NoValue, Protocol, Session};
use super::*;
use crate::term::{Term, text};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A child that ends with the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

struct Node {
    epmd_port: u16,
    _node: Killed,
    _epmd: Killed,
}

impl Node {
    fn start() -> Self {
        // Free at this moment; nothing else on the machine asks for ports this fast.
        let epmd_port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let port = epmd_port.to_string();
        let quiet = |command: &mut Command| command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let epmd = Killed(quiet(Command::new("epmd").args(["-port", &port, "-address", "127.0.0.1"])).unwrap());
        let arguments = ["-noinput", "-name", "target@127.0.0.1", "-setcookie", "right", "-kernel", "net_ticktime", "4"];
        let node = Killed(quiet(Command::new("erl").args(arguments).env("ERL_EPMD_PORT", &port)).unwrap());
        Self { epmd_port, _node: node, _epmd: epmd }
    }

    fn ask_epmd(&self, request: &[u8]) -> std::io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.epmd_port))?;
        stream.write_all(request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    }

    /// Waits until the node has told epmd its port.
    fn port(&self) -> u16 {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let answer = self.ask_epmd(&epmd::port_request("target").unwrap());
            if let Some(registration) = answer.ok().and_then(|answer| epmd::parse_port(&answer).ok()) {
                return registration.port;
            }
            assert!(Instant::now() < deadline, "the node does not start");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn connect(&self, identity: &Identity, expected: &str, cookie: &str) -> Result<(TcpStream, Connected), HandshakeError> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let expected = Expected::Node(NodeName::new(expected).unwrap());
        let (mut handshake, hello) = Handshake::start(identity, expected, Cookie::new(cookie), 0x1234_5678);
        stream.write_all(&hello).unwrap();
        let mut buffer = [0; 4096];
        loop {
            let len = stream.read(&mut buffer).unwrap();
            if len == 0 {
                return Err(handshake.closed());
            }
            let progress = handshake.receive(&buffer[..len])?;
            stream.write_all(&progress.send).unwrap();
            if let Some(connected) = progress.connected {
                return Ok((stream, connected));
            }
        }
    }

    fn client(&self) -> Client {
        self.client_by(Protocol::Erpc)
    }

    fn client_by(&self, protocol: Protocol) -> Client {
        let identity = Identity::Named { node: NodeName::new("tool@127.0.0.1").unwrap(), creation: 17 };
        let (stream, connected) = self.connect(&identity, "target@127.0.0.1", "right").unwrap();
        assert_eq!(Protocol::of(connected.peer_flags), Protocol::Erpc, "every OTP since 23 has it");
        Client { stream, session: Session::with(connected, protocol) }
    }
}

struct Client {
    stream: TcpStream,
    session: Session,
}

impl Client {
    fn call(&mut self, module: &'static str, function: &'static str, arguments: &str) -> CallId {
        let arguments = text::parse(arguments).unwrap().as_list().unwrap().to_vec();
        let id = self.session.call(Atom::literal(module), Atom::literal(function), arguments);
        let output = self.session.output();
        self.stream.write_all(&output).unwrap();
        id
    }

    fn events(&mut self) -> Vec<Event> {
        let mut buffer = vec![0; 64 << 10];
        let len = self.stream.read(&mut buffer).unwrap();
        assert!(len > 0, "the node closed the connection");
        let events = self.session.receive(&buffer[..len]).unwrap();
        let output = self.session.output();
        self.stream.write_all(&output).unwrap();
        events
    }

    /// Whether a process has that name. What a forgotten call prints in the meantime is no event.
    fn whereis(&mut self, name: &str) -> bool {
        let (found, printed) = self.ask("erlang", "whereis", &format!("[{name}]"));
        assert_eq!(printed, "");
        !found.unwrap().is_atom("undefined")
    }

    /// Arguments of `erl_eval:exprs/2` for this source.
    fn forms(&mut self, source: &str) -> String {
        let (scanned, _) = self.ask("erl_scan", "string", &Term::list([Term::string(source)]).to_string());
        let tokens = scanned.unwrap().as_tuple().unwrap()[1].clone();
        let (parsed, _) = self.ask("erl_parse", "parse_exprs", &Term::list([tokens]).to_string());
        let forms = parsed.unwrap().as_tuple().unwrap()[1].clone();
        Term::list([forms, Term::list([])]).to_string()
    }

    /// What the call returns, and what it prints before.
    fn ask(&mut self, module: &'static str, function: &'static str, arguments: &str) -> (Result<Term, NoValue>, String) {
        let id = self.call(module, function, arguments);
        let mut printed = String::new();
        loop {
            for event in self.events() {
                match event {
                    Event::Returned { call, result } if call == id => return (result, printed),
                    Event::Printed { call, text } if call == id => printed.push_str(&text),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}

#[test]
fn node_names_have_two_parts() {
    let node = NodeName::new("app@host.example").unwrap();
    assert_eq!((node.name(), node.host()), ("app", "host.example"));
    for text in ["app", "@host", "app@", "a@b@c", "a b@c", ""] {
        assert!(NodeName::new(text).is_err(), "{text}");
    }
}

#[test]
fn a_cookie_is_not_printed() {
    assert_eq!(format!("{:?}", Cookie::new("secret")), "Cookie(…)");
}

#[test]
fn a_real_node_is_called_by_either_protocol() {
    let node = Node::start();
    for protocol in [Protocol::Erpc, Protocol::Rex] {
        conform(&mut node.client_by(protocol));
    }
}

fn conform(client: &mut Client) {
    let (version, _) = client.ask("erlang", "system_info", "[otp_release]");
    assert!(version.unwrap().to_text().unwrap().parse::<u32>().unwrap() >= 25);
    assert_eq!(client.ask("erlang", "nodes", "[]").0.unwrap(), Term::List(vec![]), "we are hidden");
    assert_eq!(client.ask("erlang", "nodes", "[hidden]").0.unwrap().to_string(), "['tool@127.0.0.1']");
    let map = "[#{key => [1.5, <<\"é\"/utf8>>, 'é✓', 36893488147419103232, \"text\", <<5:3>>, fun lists:map/2]}]";
    assert_eq!(client.ask("lists", "last", &format!("[{map}]")).0.unwrap(), text::parse(map).unwrap().as_list().unwrap()[0]);

    let (result, printed) = client.ask("io", "format", r#"["~ts and ~p~n", [<<"wörld ✓"/utf8>>, [1,2]]]"#);
    assert_eq!((result.unwrap().to_string().as_str(), printed.as_str()), ("ok", "wörld ✓ and [1,2]\n"));
    let (_, printed) = client.ask("io", "put_chars", r#"[["plain", <<" ✓"/utf8>>, $\n]]"#);
    assert_eq!(printed, "plain ✓\n");
    assert_eq!(client.ask("io", "get_line", "[\"? \"]").0.unwrap(), Term::atom("eof"));
    assert_eq!(client.ask("io", "columns", "[]").0.unwrap().to_string(), "{error,enotsup}");

    ends_are_told_apart(client);
    what_is_too_large_is_dropped(client);
    let big = client.ask("binary", "copy", "[<<120>>, 50000000]").0.unwrap();
    assert_eq!(big.as_binary().unwrap().len(), 50_000_000);
}

fn ends_are_told_apart(client: &mut Client) {
    let mut outcome = |module: &'static str, function: &'static str, arguments: &str| {
        let (result, _) = client.ask(module, function, arguments);
        result.map_err(|error| match error {
            NoValue::Raised(raised) => {
                let undefined = raised.is_undefined(&Atom::literal(module), &Atom::literal(function));
                (raised.class, raised.reason.to_string(), undefined)
            }
            NoValue::TooLarge { len } => panic!("{len} bytes"),
        })
    };
    assert_eq!(outcome("lists", "sum", "[[1, 2]]"), Ok(Term::from(3)));
    assert_eq!(outcome("lists", "last", "[[{badrpc, value}]]").unwrap().to_string(), "{badrpc,value}");
    assert_eq!(outcome("erlang", "throw", "[x]"), Err((Class::Throw, "x".into(), false)));
    assert_eq!(outcome("erlang", "exit", "[x]"), Err((Class::Exit, "x".into(), false)));
    assert_eq!(outcome("erlang", "error", "[x]"), Err((Class::Error, "x".into(), false)));
    assert_eq!(outcome("no_such", "function", "[]"), Err((Class::Error, "undef".into(), true)));
    assert_eq!(outcome("lists", "map", "[fun no_such:function/1, [1]]"), Err((Class::Error, "undef".into(), false)));
}

/// Neither kind of too much ends the connection: many bytes, and few bytes that are many terms.
fn what_is_too_large_is_dropped(client: &mut Client) {
    for (module, function, arguments) in
        [("binary", "copy", "[<<120>>, 70000000]"), ("lists", "seq", "[1, 3000000]"), ("lists", "duplicate", "[3000000, []]")]
    {
        let (result, _) = client.ask(module, function, arguments);
        let Err(NoValue::TooLarge { len }) = result else { panic!("{module}:{function} was taken") };
        assert!(len > 3_000_000, "{len}");
        assert_eq!(client.ask("erlang", "abs", "[-7]").0, Ok(Term::from(7)), "the connection is of use");
    }
    let arguments = client.forms("io:put_chars(binary:copy(<<120>>, 70000000)).");
    let (result, printed) = client.ask("erl_eval", "exprs", &arguments);
    assert_eq!(result.unwrap().to_string(), "{value,ok,[]}", "the function goes on");
    assert!(printed.ends_with(" bytes at once, which are not shown]\n"), "{printed:?}");
}

#[test]
fn calls_under_way_do_not_wait_for_each_other() {
    let node = Node::start();
    let mut client = node.client();
    let slow = client.call("timer", "sleep", "[300]");
    let quick = client.call("erlang", "node", "[]");
    let mut order = Vec::new();
    while order.len() < 2 {
        order.extend(client.events().into_iter().map(|event| match event {
            Event::Returned { call, .. } => call,
            other => panic!("{other:?}"),
        }));
    }
    assert_eq!(order, [quick, slow]);
}

/// With a `net_ticktime` of 4 s the node drops us after 5 s at most, unless its ticks are answered.
#[test]
fn ticks_keep_the_connection() {
    let node = Node::start();
    let mut client = node.client();
    let (result, _) = client.ask("timer", "sleep", "[7000]");
    assert_eq!(result.unwrap(), Term::atom("ok"));
}

#[test]
fn a_real_node_refuses_what_it_should() {
    let node = Node::start();
    let identity = Identity::Named { node: NodeName::new("tool@127.0.0.1").unwrap(), creation: 17 };
    assert_eq!(node.connect(&identity, "target@127.0.0.1", "wrong").unwrap_err(), HandshakeError::Cookie);
    let other = HandshakeError::OtherNode(NodeName::new("target@127.0.0.1").unwrap());
    assert_eq!(node.connect(&identity, "other@127.0.0.1", "right").unwrap_err(), other);
    let (_, connected) = node.connect(&Identity::Nameless { host: "127.0.0.1".into() }, "target@127.0.0.1", "right").unwrap();
    assert_eq!(connected.local.host(), "127.0.0.1");
    assert_ne!(connected.peer_creation, 0);

    let unknown = node.ask_epmd(&epmd::port_request("nobody").unwrap()).unwrap();
    assert_eq!(epmd::parse_port(&unknown), Err(epmd::EpmdError::Unknown));
    let names = epmd::parse_names(&node.ask_epmd(&epmd::names_request()).unwrap()).unwrap();
    assert_eq!(names, [epmd::Registration { name: "target".into(), port: node.port() }]);
}

#[test]
fn a_called_process_that_is_killed_has_exited() {
    let node = Node::start();
    let mut client = node.client();
    let (sleeps, kills) =
        (client.forms("register(sleeper, self()), receive never -> ok end."), client.forms("exit(whereis(sleeper), kill)."));
    let sleeping = client.call("erl_eval", "exprs", &sleeps);
    while !client.whereis("sleeper") {}
    client.call("erl_eval", "exprs", &kills);
    loop {
        for event in client.events() {
            if let Event::Returned { call, result } = event
                && call == sleeping
            {
                let Err(NoValue::Raised(raised)) = result else { panic!("{result:?}") };
                assert_eq!((raised.class, raised.reason), (Class::Exit, Term::atom("killed")));
                return;
            }
        }
    }
}

/// As on a terminal that was closed: what prints without an end comes to an end.
#[test]
fn a_forgotten_call_ends_when_it_prints() {
    let node = Node::start();
    let mut client = node.client();
    let prints = client.forms(r#"register(printer, self()), (fun Print() -> io:put_chars("on and on"), Print() end)()."#);
    let call = client.call("erl_eval", "exprs", &prints);
    while !client.events().iter().any(|event| matches!(event, Event::Printed { call: id, .. } if *id == call)) {}
    client.session.forget(call);
    let deadline = Instant::now() + Duration::from_secs(20);
    while client.whereis("printer") {
        assert!(Instant::now() < deadline, "it prints on and on");
    }
}
