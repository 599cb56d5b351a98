//! Requests meanwhile: a thousand a second, each over a connection of its own, while the node is upgraded and while it goes back.

use std::{
    error::Error,
    fmt::Write as _,
    io::{BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Instant,
};

use super::{ENGINES, place::Place};
use crate::load::{Load, Question, Served};

/// Each over a connection of its own.
const QUESTION: Question = Question { ask, on_one: 1 };

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
            let load = Load::start(QUESTION);
            let (mark, began) = (load.mark(), Instant::now());
            load.aim(place.port);
            place.done(words)?;
            let (Served { asked, lost, slowest }, took) = (load.since(mark), began.elapsed());
            let (rate, slowest) = (asked as f64 / took.as_secs_f64(), slowest.as_secs_f64() * 1000.0);
            let _ = writeln!(
                out,
                "| {engine} | {} | {asked} | {rate:.0} | {lost} | {slowest:.1} ms |",
                words[..words.len() - 1].join(" ")
            );
        }
    }
    Ok(out)
}

fn ask(stream: &mut BufReader<TcpStream>, _: u64) -> bool {
    let mut answer = String::new();
    let asked = stream.get_mut().write_all(b"GET / HTTP/1.0\r\n\r\n").and_then(|()| stream.read_to_string(&mut answer));
    asked.is_ok() && answer.starts_with("HTTP/1.0 200 ") && answer.ends_with('\n')
}
