//! What epmd knows of a node, and what is known where it does not; and nodes that refuse a connection now and then.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use edeliver::{
    node::{
        find,
        link::{self, LinkError},
    },
    transport::{Local, Transport},
};
use edeliver_core::facts::NodeState;

use crate::{
    bad_days::pid,
    link::{PATIENCE, open},
    release::{Kind, Running},
    shells,
};

pub(crate) fn epmd(port: u16, words: &[&str]) {
    let status = Command::new("epmd").args(["-port", &port.to_string()]).args(words).output().unwrap();
    assert!(status.status.success(), "{status:?}");
}

/// Tells an epmd that a node of this name listens on this port; it forgets that when the stream is closed.
fn register(epmd_port: u16, name: &str, port: u16) -> TcpStream {
    let name_len = u16::try_from(name.len()).unwrap().to_be_bytes();
    let request = [&[120][..], &port.to_be_bytes(), &[77, 0, 0, 6, 0, 6], &name_len, name.as_bytes(), &[0, 0]].concat();
    let deadline = Instant::now() + Duration::from_secs(10);
    let mut stream = loop {
        match TcpStream::connect(("127.0.0.1", epmd_port)) {
            Ok(stream) => break stream,
            Err(error) => assert!(Instant::now() < deadline, "{error}"),
        }
    };
    stream.write_all(&[&u16::try_from(request.len()).unwrap().to_be_bytes()[..], &request].concat()).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(answer[1], 0, "epmd has taken it");
    stream
}

#[tokio::test]
async fn a_node_is_called_without_its_epmd_and_past_a_stale_entry_of_it() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    let port = running.with_an_epmd_of_its_own();
    let node = running.start(&host).await.unwrap();
    epmd(port, &["-kill"]);
    let mut link = open(&running).await.unwrap();
    assert_eq!(pid(&mut *link).await, node.pid.unwrap(), "without epmd");
    link.close().await;

    epmd(port, &["-daemon", "-relaxed_command_check"]);
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    let entry = register(port, running.variable("RELEASE_NODE"), stranger.local_addr().unwrap().port());
    let mut link = open(&running).await.unwrap();
    assert_eq!(pid(&mut *link).await, node.pid.unwrap(), "past the entry");
    drop(entry);
    epmd(port, &["-kill"]);
}

#[tokio::test]
async fn a_node_of_another_user_is_called_with_the_cookie_of_its_command_line() {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can be two users");
        return;
    }
    let running = Running::new(Kind::Mix);
    let node = running.start(&Local::new()).await.unwrap();
    let nobody: Arc<dyn Transport> = Arc::new(shells::user(running.dir()));
    let found = find::find(&*nobody, &running.place).await.unwrap().unwrap();
    assert_eq!((found.uid, found.user.as_deref(), &found.ports.listening), (Some(0), Some("root"), &None));
    let mut link = link::open(&nobody, &running.place, PATIENCE).await.unwrap();
    assert_eq!(pid(&mut *link).await, node.pid.unwrap());
}

#[tokio::test]
async fn a_node_of_another_user_that_epmd_does_not_know_is_not_said_to_be_starting() {
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can be two users");
        return;
    }
    for kind in [Kind::Mix, Kind::Tls] {
        let mut running = Running::new(kind);
        // Where its epmd is stands in its environment, which another user can't read.
        let port = running.with_an_epmd_of_its_own();
        running.start(&Local::new()).await.unwrap();
        let nobody: Arc<dyn Transport> = Arc::new(shells::user(running.dir()));
        assert_eq!(running.state(&*nobody).await.state, NodeState::Unregistered);
        let found = find::find(&*nobody, &running.place).await.unwrap().unwrap();
        for opened in [
            link::open(&nobody, &running.place, PATIENCE).await,
            link::open_scripts(&nobody, &running.place, &found, PATIENCE).await,
        ] {
            let error = opened.err().unwrap();
            assert!(matches!(error, LinkError::Unregistered), "{error}");
        }
        epmd(port, &["-kill"]);
    }
}

/// A door before a node that closes the first connections instead of handing on the proof of the cookie, each after this time.
struct Door {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Door {
    fn to(node: u16, refusals: usize, after: Duration) -> Self {
        // As a node does it, on all addresses: the machine's own name often leads to 127.0.1.1.
        let listener = TcpListener::bind("0.0.0.0:0").unwrap();
        let door = Self { port: listener.local_addr().unwrap().port(), connections: Arc::default() };
        let connections = door.connections.clone();
        thread::spawn(move || {
            for client in listener.incoming() {
                let refuses = connections.fetch_add(1, Ordering::SeqCst) < refusals;
                let (client, node) = (client.unwrap(), TcpStream::connect(("127.0.0.1", node)).unwrap());
                let (from_node, to_client) = (node.try_clone().unwrap(), client.try_clone().unwrap());
                thread::spawn(move || hand_on(from_node, to_client, usize::MAX));
                thread::spawn(move || {
                    // The name is the first thing that it says, and the proof the second.
                    hand_on(client.try_clone().unwrap(), node.try_clone().unwrap(), if refuses { 1 } else { usize::MAX });
                    thread::sleep(after);
                    for stream in [client, node] {
                        let _ = stream.shutdown(Shutdown::Both);
                    }
                });
            }
        });
        door
    }
}

/// Hands on what is said at most so many times, and waits for what is said after it.
fn hand_on(mut from: TcpStream, mut to: TcpStream, times: usize) {
    let mut buffer = [0; 65536];
    for count in 0.. {
        match from.read(&mut buffer) {
            Ok(len) if len > 0 && count < times && to.write_all(&buffer[..len]).is_ok() => {}
            _ => return,
        }
    }
}

/// Opens a link by a door of which the first connection is closed after this time; and how many connections it took.
async fn past(refused_after: Duration) -> (Result<(), LinkError>, usize) {
    let (running, host) = (Running::new(Kind::Mix), Arc::new(Local::new()) as Arc<dyn Transport>);
    running.start(&*host).await.unwrap();
    let mut found = find::find(&*host, &running.place).await.unwrap().unwrap();
    let door = Door::to(found.ports.candidates()[0], 1, refused_after);
    (found.ports.registered, found.ports.listening) = (Some(door.port), None);
    let opened = link::open_found(&host, &running.place, &found, PATIENCE).await;
    (opened.map(drop), door.connections.load(Ordering::SeqCst))
}

#[tokio::test]
async fn a_cookie_refused_after_a_slow_handshake_is_tried_once_more_and_one_refused_at_once_is_not() {
    let (opened, connections) = past(Duration::from_millis(2200)).await;
    assert!(opened.is_ok() && connections == 2, "{:?} after {connections}", opened.err());
    let (opened, connections) = past(Duration::ZERO).await;
    assert!(matches!(opened, Err(LinkError::WrongCookie)) && connections == 1, "{:?} after {connections}", opened.err());
}

#[tokio::test]
async fn a_node_that_could_not_be_asked_the_first_time_is_asked_once_more() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    let port = running.with_an_epmd_of_its_own();
    running.start(&host).await.unwrap();
    let listens = find::find(&host, &running.place).await.unwrap().unwrap().ports.candidates()[0];
    epmd(port, &["-kill"]);
    epmd(port, &["-daemon", "-relaxed_command_check"]);
    // Asked by its address and by its name, which is two connections a time.
    for (refusals, state) in [(2, NodeState::Running), (4, NodeState::WrongCookie)] {
        let door = Door::to(listens, refusals, Duration::ZERO);
        let entry = register(port, running.variable("RELEASE_NODE"), door.port);
        assert_eq!(running.state(&host).await.state, state, "after {refusals} refusals");
        drop(entry);
    }
    epmd(port, &["-kill"]);
}
