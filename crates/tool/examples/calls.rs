//! How long calls to a running node of this machine take: `calls ROOT APP [ROUNDS]`. Prints a name and microseconds a line; medians. And
//! how many atoms the node has more after [`MANY`] calls.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::{
    error::Error,
    sync::Arc,
    time::{Duration, Instant},
};

use edeliver::{
    node::{
        Link, Place, find,
        link::{self, Mfa, Way},
    },
    transport::{Local, Transport},
};
use edeliver_erl::Term;

const PATIENCE: Duration = Duration::from_secs(10);

/// Calls after which the node's atoms are counted, and the links that they are made on.
const MANY: (usize, usize) = (10_000, 10);

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [root, app, rest @ ..] = &words[..] else { return Err("usage: calls ROOT APP [ROUNDS]".into()) };
    let rounds = rest.first().map_or(Ok(9), |rounds| rounds.parse())?;
    let place = Place { root: root.parse()?, app: app.parse()?, node: None };
    let host: Arc<dyn Transport> = Arc::new(Local::new());
    let (mut finds, mut opens, mut calls, mut scripts) = (vec![], vec![], vec![], vec![]);
    for _ in 0..rounds {
        let began = Instant::now();
        let found = find::find(&*host, &place).await?.ok_or("no node serves this root")?;
        finds.push(began.elapsed());
        let began = Instant::now();
        let mut open = link::open_found(&host, &place, &found, PATIENCE).await?;
        opens.push(began.elapsed());
        if open.way() != Way::Distribution {
            return Err("the node can't be spoken with directly".into());
        }
        for _ in 0..100 {
            calls.push(call(&mut *open).await?);
        }
        let mut by_scripts = link::open_scripts(&host, &place, &found, PATIENCE).await?;
        scripts.push(call(&mut *by_scripts).await?);
    }
    for (name, times) in [("find", finds), ("open", opens), ("call", calls), ("script", scripts)] {
        println!("{name} {}", median(times).as_micros());
    }
    println!("atoms {}", atoms_left(&host, &place).await?);
    Ok(())
}

/// Atoms that the node has after many calls and had not before.
async fn atoms_left(host: &Arc<dyn Transport>, place: &Place) -> Result<i64, Box<dyn Error>> {
    let found = find::find(&**host, place).await?.ok_or("no node serves this root")?;
    let before = atoms(&mut *link::open_found(host, place, &found, PATIENCE).await?).await?;
    for _ in 0..MANY.1 {
        let mut link = link::open_found(host, place, &found, PATIENCE).await?;
        for _ in 0..MANY.0 / MANY.1 {
            call(&mut *link).await?;
        }
    }
    Ok(atoms(&mut *link::open_found(host, place, &found, PATIENCE).await?).await? - before)
}

async fn atoms(link: &mut dyn Link) -> Result<i64, Box<dyn Error>> {
    let asked = Mfa::literal("erlang", "system_info", [Term::atom("atom_count")]);
    let count = link.call(&asked, PATIENCE, &mut |_| {}).await?;
    Ok(count.as_i64().ok_or("the node does not count its atoms")?)
}

async fn call(link: &mut dyn Link) -> Result<Duration, Box<dyn Error>> {
    let began = Instant::now();
    link.call(&Mfa::literal("erlang", "node", []), PATIENCE, &mut |_| {}).await?;
    Ok(began.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
