//! Clients that ask a node all the time: a thousand requests a second together.

use std::{
    io::BufReader,
    net::{Ipv4Addr, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU16, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// How many ask, and how often each does.
const CLIENTS: u32 = 4;
const PACE: Duration = Duration::from_millis(4);

/// How long an answer may take; also what a request that found nobody costs.
const PATIENCE: Duration = Duration::from_secs(10);
const PAUSE: Duration = Duration::from_millis(20);

/// What they ask.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    /// Puts it with this number on an open connection; whether the answer came, and is one to it.
    pub(crate) ask: fn(&mut BufReader<TcpStream>, u64) -> bool,
    /// Requests on a connection, after which another one is made.
    pub(crate) on_one: u32,
}

/// What has been counted.
#[derive(Debug, Default)]
struct Counts {
    port: AtomicU16,
    stop: AtomicBool,
    asked: AtomicU64,
    lost: AtomicU64,
    /// Microseconds since [`Load::mark`].
    slowest: AtomicU64,
}

/// The clients; they end when it is dropped.
pub(crate) struct Load {
    counts: Arc<Counts>,
    clients: Vec<JoinHandle<()>>,
}

/// What became of requests since a mark.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Served {
    pub(crate) asked: u64,
    pub(crate) lost: u64,
    /// The longest that one waited.
    pub(crate) slowest: Duration,
}

/// When one began to count.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    asked: u64,
    lost: u64,
}

impl Load {
    pub(crate) fn start(question: Question) -> Self {
        let counts = Arc::new(Counts::default());
        let client = |_| {
            let counts = Arc::clone(&counts);
            thread::spawn(move || client(&counts, question))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { counts, clients }
    }
    /// Which port of this machine is asked; 0 is none.
    pub(crate) fn aim(&self, port: u16) {
        self.counts.port.store(port, Relaxed);
    }
    pub(crate) fn mark(&self) -> Mark {
        self.counts.slowest.store(0, Relaxed);
        Mark { asked: self.counts.asked.load(Relaxed), lost: self.counts.lost.load(Relaxed) }
    }
    pub(crate) fn since(&self, mark: Mark) -> Served {
        let counts = &self.counts;
        Served {
            asked: counts.asked.load(Relaxed) - mark.asked,
            lost: counts.lost.load(Relaxed) - mark.lost,
            slowest: Duration::from_micros(counts.slowest.load(Relaxed)),
        }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.counts.stop.store(true, Relaxed);
        for client in self.clients.drain(..) {
            let _ = client.join();
        }
    }
}

fn client(counts: &Counts, question: Question) {
    let mut connection: Option<(u16, BufReader<TcpStream>, u32)> = None;
    let (mut number, mut due) = (0_u64, Instant::now());
    while !counts.stop.load(Relaxed) {
        let port = counts.port.load(Relaxed);
        if port == 0 {
            connection = None;
            thread::sleep(PAUSE);
            continue;
        }
        let began = Instant::now();
        number += 1;
        let usable = connection.take().filter(|(to, _, used)| *to == port && *used < question.on_one);
        let stream = usable.or_else(|| Some((port, connect(port)?, 0)));
        let served =
            stream.and_then(|(to, mut stream, used)| (question.ask)(&mut stream, number).then_some((to, stream, used + 1)));
        // Who was told to ask elsewhere meanwhile has lost nothing.
        if counts.port.load(Relaxed) == port {
            counts.asked.fetch_add(1, Relaxed);
            counts.lost.fetch_add(u64::from(served.is_none()), Relaxed);
            counts.slowest.fetch_max(u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX), Relaxed);
        }
        if served.is_none() {
            thread::sleep(PAUSE);
        }
        connection = served;
        // A sleep that is a little too long makes the next request no later; one that was waited for is not made up for.
        due = (due + PACE).max(began);
        thread::sleep(due.saturating_duration_since(Instant::now()));
    }
}

fn connect(port: u16) -> Option<BufReader<TcpStream>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_nodelay(true).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(BufReader::new(stream))
}
