//! Getting through all rows in little time: what waits for a node leaves the processors to others.

use std::{
    collections::BTreeMap,
    error::Error,
    path::Path,
    sync::{Mutex, PoisonError},
    thread,
    time::Instant,
};

use super::{
    base::Base,
    choice::Choice,
    row::{Engine, Road, Row, Tool},
    tour::{Alone, Tour},
    trial::Found,
};

/// What came of the rows, by name and engine. All rows of a tool at once have the tool's name.
pub(super) type All = BTreeMap<(String, Engine), Found>;

/// Things done at the same time.
const HANDS: usize = 3;

type Job<'a> = Box<dyn FnOnce() -> Result<(), String> + Send + 'a>;

/// Tries the rows of the choice by themselves, and all that are hot at once with these engines. `each` sees what was found so far.
///
/// # Errors
/// A row that can't be compiled, or a node that does not start.
pub(super) fn all(
    edeliver: &Path,
    rows: &[Row],
    engines: &[Engine],
    choice: &Choice,
    each: &(dyn Fn(&All) + Sync),
) -> Result<All, Box<dyn Error>> {
    let began = Instant::now();
    let found = Mutex::new(All::new());
    let keep = |name: &str, engine: Engine, one: &Found| {
        let word = one.faults.first().map_or("as expected".to_owned(), |fault| format!("WRONG: {fault}"));
        eprintln!("{:>4} s  {:<16} {name}: {word}", began.elapsed().as_secs(), engine.name());
        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
        found.insert((name.to_owned(), engine), one.clone());
        each(&found);
    };
    let keep = &keep;
    let bases = [Tool::Mix, Tool::Relx].map(|tool| rows.iter().any(|row| row.tool == tool).then(|| Base::of(tool)));
    let bases: Vec<Base> = bases.into_iter().flatten().collect::<Result<_, _>>()?;
    let tours = Mutex::new(Vec::new());
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for base in &bases {
        let together: Vec<&Row> = rows.iter().filter(|row| row.tool == base.tool && !row.is_alone()).collect();
        let tours = &tours;
        if !together.is_empty() {
            jobs.push(Box::new(move || {
                let tour = Tour::prepare(edeliver, base, together, choice).map_err(|why| why.to_string())?;
                tours.lock().unwrap_or_else(PoisonError::into_inner).push(tour);
                Ok(())
            }));
        }
    }
    work(jobs)?;
    let tours = tours.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut jobs: Vec<Job<'_>> = Vec::new();
    for (engine, tour) in engines.iter().flat_map(|engine| tours.iter().map(move |tour| (engine, tour))) {
        jobs.push(Box::new(move || {
            let at_once = tour.walk(*engine, &|name, found| keep(name, *engine, found)).map_err(|why| why.to_string())?;
            keep(tour.tool.name(), *engine, &at_once);
            Ok(())
        }));
    }
    let mut rows: Vec<&Row> = rows.iter().filter(|row| row.is_alone()).collect();
    rows.sort_by_key(|row| !takes_long(row.road));
    for row in rows {
        let base = bases.iter().find(|base| base.tool == row.tool).expect("each tool of a row has its base");
        let engines: Vec<Engine> = Engine::ALL.into_iter().filter(|engine| choice.contains(&(row.name.clone(), *engine))).collect();
        if !engines.is_empty() {
            jobs.push(Box::new(move || alone(edeliver, base, row, &engines, keep).map_err(|why| format!("{}: {why}", row.name))));
        }
    }
    work(jobs)?;
    Ok(found.into_inner().unwrap_or_else(PoisonError::into_inner))
}

/// Begun first, so that nobody has to be waited for in the end.
fn takes_long(road: Road) -> bool {
    matches!(road, Road::ClientKilled | Road::NodeKilled | Road::Built)
}

fn alone(
    edeliver: &Path,
    base: &Base,
    row: &Row,
    engines: &[Engine],
    keep: &dyn Fn(&str, Engine, &Found),
) -> Result<(), Box<dyn Error>> {
    let alone = Alone::prepare(edeliver, base, row)?;
    for engine in engines {
        keep(&row.name, *engine, &alone.walk(*engine)?);
    }
    Ok(())
}

/// Does all of this, some at a time.
///
/// # Errors
/// The first that failed; the others are done all the same.
fn work(jobs: Vec<Job<'_>>) -> Result<(), Box<dyn Error>> {
    let jobs = Mutex::new(jobs.into_iter());
    let failed = Mutex::new(Vec::new());
    let hand = || {
        while let Some(job) = { jobs.lock().unwrap_or_else(PoisonError::into_inner).next() } {
            if let Err(why) = job() {
                eprintln!("xtask: {why}");
                failed.lock().unwrap_or_else(PoisonError::into_inner).push(why);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..HANDS {
            scope.spawn(hand);
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().next() {
        None => Ok(()),
        Some(why) => Err(why.into()),
    }
}
