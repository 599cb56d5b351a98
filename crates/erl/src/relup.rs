//! `releases/VSN/relup`: how a running node gets from one release to another and back, in the low-level instructions that
//! `release_handler` carries out (sasl reference manual, "relup" and "appup").
//!
//! [`Relup::parse`] reads what people and `systools` write, [`Relup::to_file`] writes text to be read and edited, one instruction
//! a line, and [`Relup::check`] finds what would only be noticed in the middle of an upgrade.

mod check;
pub mod generate;
pub mod hooks;
mod instruction;
mod print;
pub(crate) mod read;

pub use check::{Finding, Problem, check_script};
pub use instruction::{Instruction, Mfa, Nodes, Purge, Suspend, Timeout};

use crate::rel::ResourceError;
use crate::resource::{list, shape, vsn};
use crate::term::text::NotConsultable;
use crate::term::{Term, text as source};
use crate::vsn::Vsn;
use std::fmt;

/// A relup file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relup {
    /// Version of the release it belongs to.
    pub vsn: Vsn,
    /// Ways to that release, each from another one.
    pub up: Vec<Way>,
    /// Ways from that release back to another one.
    pub down: Vec<Way>,
}

/// The way between the relup's release and another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Version of the other release: where a way up begins, where a way down ends.
    pub other: Vsn,
    /// What `release_handler` returns from an installation as description; any term, `[]` usually.
    pub description: Term,
    /// What is done, in order.
    pub script: Vec<Instruction>,
}

/// Which way a release goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// To the release that brings the relup.
    Up,
    /// From it to one before it.
    Down,
}

impl Direction {
    /// OTP's word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A place in a relup: `up from 0.1.0, instruction 3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Up or down.
    pub direction: Direction,
    /// Version of the other release, as written.
    pub other: String,
    /// Number of the instruction, from 1; none if it is about the script as a whole.
    pub instruction: Option<usize>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = if self.direction == Direction::Up { "from" } else { "to" };
        write!(f, "{} {word} {}", self.direction, self.other)?;
        self.instruction.map_or(Ok(()), |number| write!(f, ", instruction {number}"))
    }
}

/// A file is not a relup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RelupError {
    /// Not one term, or not of a relup's form.
    #[error("not a relup")]
    Form(#[from] ResourceError),
    /// An instruction that OTP does not know, or that is written in another way.
    #[error("{at} can't be read")]
    Instruction {
        /// Where.
        at: Place,
        /// What is wrong with it.
        #[source]
        source: ResourceError,
    },
}

impl Relup {
    /// Reads a relup file.
    ///
    /// # Errors
    /// Not one term, not a relup, or an instruction that OTP does not know.
    pub fn parse(file: &[u8]) -> Result<Self, RelupError> {
        Self::from_term(&source::consult_one(file).map_err(ResourceError::from)?)
    }

    /// Takes `{Vsn, [{UpFrom, Descr, Script}], [{DownTo, Descr, Script}]}` apart.
    ///
    /// # Errors
    /// As [`Relup::parse`].
    pub fn from_term(term: &Term) -> Result<Self, RelupError> {
        match term.as_tuple() {
            Some([version, up, down]) => Ok(Self {
                vsn: vsn(version, "the release's version")?,
                up: Way::list_from_term(Direction::Up, up)?,
                down: Way::list_from_term(Direction::Down, down)?,
            }),
            _ => Err(shape("{Vsn, UpFrom, DownTo}", term).into()),
        }
    }

    /// The term that the file holds.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let ways = |ways: &[Way]| Term::list(ways.iter().map(Way::to_term));
        Term::tuple([Term::string(self.vsn.as_str()), ways(&self.up), ways(&self.down)])
    }

    /// The file, for `release_handler` and for people: one instruction a line.
    ///
    /// # Errors
    /// An instruction holds a term that has no written form; one that was read or generated never does.
    pub fn to_file(&self) -> Result<String, NotConsultable> {
        print::file(self)
    }

    /// The ways of a direction.
    #[must_use]
    pub fn ways(&self, direction: Direction) -> &[Way] {
        match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        }
    }

    /// What is done between that release and the relup's; the first one counts, as for `release_handler`.
    #[must_use]
    pub fn way(&self, direction: Direction, other: &Vsn) -> Option<&Way> {
        self.ways(direction).iter().find(|way| way.other == *other)
    }

    /// Takes the ways of `newer` too, in place of own ones between the same releases.
    ///
    /// # Errors
    /// It belongs to another release.
    pub fn merge(&mut self, newer: Self) -> Result<(), OtherRelease> {
        if newer.vsn != self.vsn {
            return Err(OtherRelease { expected: self.vsn.clone(), found: newer.vsn });
        }
        for (own, new) in [(&mut self.up, newer.up), (&mut self.down, newer.down)] {
            own.retain(|way| new.iter().all(|by| by.other != way.other));
            own.splice(0..0, new);
        }
        Ok(())
    }
}

/// A relup leads to another release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("this is a relup of release {found}, not of {expected}")]
pub struct OtherRelease {
    /// The release it should lead to.
    pub expected: Vsn,
    /// The one it leads to.
    pub found: Vsn,
}

impl Way {
    fn list_from_term(direction: Direction, term: &Term) -> Result<Vec<Self>, RelupError> {
        list(term, "a list of {Vsn, Description, Instructions}")?.iter().map(|way| Self::from_term(direction, way)).collect()
    }

    fn from_term(direction: Direction, term: &Term) -> Result<Self, RelupError> {
        let Some([other, description, script]) = term.as_tuple() else {
            return Err(shape("{Vsn, Description, Instructions}", term).into());
        };
        let other = vsn(other, "the other release's version")?;
        let at = |number| Place { direction, other: other.to_string(), instruction: Some(number) };
        let script = list(script, "a list of instructions")?.iter().zip(1..);
        let script = script.map(|(term, number)| {
            Instruction::from_term(term).map_err(|source| RelupError::Instruction { at: at(number), source })
        });
        Ok(Self { script: script.collect::<Result<_, _>>()?, description: description.clone(), other })
    }

    fn to_term(&self) -> Term {
        let script = Term::list(self.script.iter().map(Instruction::to_term));
        Term::tuple([Term::string(self.other.as_str()), self.description.clone(), script])
    }
}

#[cfg(test)]
mod tests;
