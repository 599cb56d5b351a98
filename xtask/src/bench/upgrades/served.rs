//! Requests meanwhile: a thousand a second, each over a connection of its own, while the node is upgraded and while it goes back.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, TcpStream},
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use super::{ENGINES, place::Place};

/// Who asks, and how often each does: a thousand requests a second together.
const CLIENTS: u32 = 10;
const PACE: Duration = Duration::from_millis(10);

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of requests.
#[derive(Debug, Default, Clone, Copy)]
struct Served {
    asked: u32,
    failed: u32,
    slowest: Duration,
    took: Duration,
}

pub(super) fn table(place: &Place) -> Result<String, Box<dyn Error>> {
    let mut out = String::from(
        "\n## Requests meanwhile\n\nA `gen_tcp` acceptor that is asked a thousand times a second over HTTP, each time over a new connection, while \
         `edeliver deploy upgrade` and then `edeliver rollback` are at work.\n\n\
         | engine | command | requests | a second | failed or lost | slowest |\n|--|--|--:|--:|--:|--:|\n",
    );
    for engine in ENGINES {
        place.begin(engine)?;
        for words in [&["deploy", "upgrade", "to", "staging", "--version=0.2.0", "--yes"][..], &["rollback", "staging", "--yes"]] {
            eprintln!("xtask: requests during {}, {engine}", words[0]);
            let (done, served) = under_load(place.port, || place.done(words));
            done?;
            let (rate, slowest) = (f64::from(served.asked) / served.took.as_secs_f64(), served.slowest.as_secs_f64() * 1000.0);
            let (asked, failed) = (served.asked, served.failed);
            let _ = writeln!(
                out,
                "| {engine} | {} | {asked} | {rate:.0} | {failed} | {slowest:.1} ms |",
                words[..words.len() - 1].join(" ")
            );
        }
    }
    Ok(out)
}

/// Does this while requests come in.
fn under_load<T>(port: u16, work: impl FnOnce() -> T) -> (T, Served) {
    let (over, began) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(|| client(port, &over))).collect();
        let result = work();
        over.store(true, Relaxed);
        let counts = clients.into_iter().map(|client| client.join().expect("a client only counts"));
        let served = counts.fold(Served { took: began.elapsed(), ..Served::default() }, |all, one| Served {
            asked: all.asked + one.asked,
            failed: all.failed + one.failed,
            slowest: all.slowest.max(one.slowest),
            took: all.took,
        });
        (result, served)
    })
}

/// Asks at fixed times; one that comes late makes the next ones no later.
fn client(port: u16, over: &AtomicBool) -> Served {
    let (mut served, began) = (Served::default(), Instant::now());
    while !over.load(Relaxed) {
        thread::sleep((PACE * served.asked).saturating_sub(began.elapsed()));
        let asked = Instant::now();
        let answered = ask(port).is_ok_and(|answer| answer.starts_with("HTTP/1.0 200 ") && answer.ends_with('\n'));
        served.asked += 1;
        served.failed += u32::from(!answered);
        served.slowest = served.slowest.max(asked.elapsed());
    }
    served
}

fn ask(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map(|_| answer)
}
