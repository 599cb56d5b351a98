//! Of this machine.

use super::{Finding, Grade, ROOM};
use crate::{hint::Hint, size::size};

/// What this machine has of what edeliver works with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Here {
    /// Programs, in the order in which they are told.
    pub programs: Vec<Program>,
    /// The nearest folder to the release store's that is there.
    pub store: String,
    /// Whether something can be made in it.
    pub writable: bool,
    /// Bytes that are free there, where that is known.
    pub free: Option<u64>,
}

/// A program of this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Its name.
    pub name: String,
    /// What it says of its version, or why it can't be run.
    pub said: Result<String, String>,
}

/// What is to be said of it.
pub fn here(here: &Here) -> Vec<Finding> {
    here.programs.iter().map(program).chain([store(here)]).collect()
}

fn program(Program { name, said }: &Program) -> Finding {
    match said {
        Ok(version) => Finding::fine(name, version),
        Err(why) => Finding::bad(name, Grade::Trouble, why, Hint::text(format!("install {name} on this machine"))),
    }
}

fn store(Here { store, writable, free, .. }: &Here) -> Finding {
    let elsewhere = |what: &str| Hint::text(format!("{what}, or name another folder in `[store] path`"));
    match free {
        _ if !writable => {
            Finding::bad("store", Grade::Trouble, format!("{store} can't be written"), elsewhere("give yourself the right"))
        }
        Some(free) if *free < ROOM => {
            Finding::bad("store", Grade::Warning, format!("{} are free at {store}", size(*free)), elsewhere("make room there"))
        }
        Some(free) => Finding::fine("store", format!("{store} can be written, {} are free", size(*free))),
        None => Finding::fine("store", format!("{store} can be written")),
    }
}
