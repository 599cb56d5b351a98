//! A relup made from what differs between two releases.
//!
//! Both ways have the same form, the one down is the inverse of the one up:
//!
//! 1. Before the point of no return: our agent is loaded, all code is read.
//! 2. The configuration is put in place. New applications that need nothing of what changes are loaded and started.
//! 3. All processes whose modules change are suspended, at once. Code is loaded, so that no call meets a function that is not there
//!    ([`order`]). Consolidated protocols are reloaded. States change: those of workers after loading on the way up, before it on the
//!    way down (only the new code knows both states); those of supervisors after loading, both ways. The processes go on.
//! 4. Other new applications are started, children of changed supervisors are started and ended, applications that are gone are stopped,
//!    and modules that are gone are removed.
//!
//! Where an application ships an appup with an entry for the other version, its instructions take the place of the generated ones
//! ([`appups`]).

mod applications;
mod appups;
mod high;
mod note;
mod order;
mod plan;
mod script;
mod view;

pub use high::appups;
pub use note::{Action, Note, Reason};

use super::{Direction, Relup, Way};
use crate::appup::{AppupError, BadPattern, TranslateError};
use crate::changes::Changes;
use crate::term::{Atom, Term};
use view::View;

/// A relup, and why it is as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Generated {
    /// The relup, with one way up and one way down.
    pub relup: Relup,
    /// What is done on the way up.
    pub up: Vec<Note>,
    /// What is done on the way down.
    pub down: Vec<Note>,
    /// Modules each of which should be loaded before the others: while they are loaded one after the other, calls between them may meet
    /// functions that are not there. Of no concern where they are loaded at once, as our agent does.
    pub circles: Vec<Vec<Atom>>,
}

/// A relup can't be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The appup of an application can't be read.
    #[error("the appup of {app} can't be used")]
    Appup {
        /// Application.
        app: Atom,
        /// Why.
        #[source]
        source: AppupError,
    },
    /// The appup of an application has a pattern of versions that can't be understood.
    #[error("the appup of {app} can't be used")]
    Pattern {
        /// Application.
        app: Atom,
        /// Why.
        #[source]
        source: BadPattern,
    },
    /// The appups' instructions can't be carried out.
    #[error("the instructions of the appups of {} can't be carried out {direction}", names(.apps))]
    Instructions {
        /// Applications.
        apps: Vec<Atom>,
        /// Which way.
        direction: Direction,
        /// Why.
        #[source]
        source: TranslateError,
    },
}

fn names(apps: &[Atom]) -> String {
    apps.iter().map(Atom::as_str).collect::<Vec<_>>().join(", ")
}

/// Makes the relup of a release from what differs between it and one before it.
///
/// It does not judge whether the upgrade is a good idea: that a change needs a restart of the node must have been found out before.
///
/// # Errors
/// An appup that can't be used.
pub fn generate(changes: &Changes) -> Result<Generated, GenerateError> {
    let up = script::way(&View::new(changes, Direction::Up))?;
    let down = script::way(&View::new(changes, Direction::Down))?;
    let way = |script| Way { other: changes.from.clone(), description: Term::List(Vec::new()), script };
    let mut circles = up.circles;
    circles.extend(down.circles.into_iter().filter(|circle| !circles.contains(circle)).collect::<Vec<_>>());
    Ok(Generated {
        relup: Relup { vsn: changes.to.clone(), up: vec![way(up.script)], down: vec![way(down.script)] },
        up: up.notes,
        down: down.notes,
        circles,
    })
}

#[cfg(test)]
mod tests;
