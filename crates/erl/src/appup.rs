//! `ebin/NAME.appup`: how an application gets from one version to another, in high-level instructions (sasl reference manual, "appup"),
//! and what `release_handler` has to do for them.

mod instruction;
mod print;
mod read;
mod translate;
mod version;

pub use instruction::{Change, ModuleType, Step};
pub use translate::{Library, TranslateError, translate};
pub(crate) use translate::{merge_object_code, start_call};

pub use version::{BadPattern, VersionPattern};

use crate::rel::ResourceError;
use crate::relup::Direction;
use crate::resource::{list, shape, text};
use crate::term::text::NotConsultable;
use crate::term::{Atom, Term, text as source};

/// An appup file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appup {
    /// Version of the application it belongs to. `systools` only warns when it is another one.
    pub vsn: String,
    /// How to get to that version.
    pub up: Vec<Entry>,
    /// How to get back from it.
    pub down: Vec<Entry>,
}

/// The way between the application's version and others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Which others.
    pub other: VersionPattern,
    /// What is to be done.
    pub script: Vec<Step>,
}

/// A file is not an appup.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AppupError {
    /// Not one term, or not of an appup's form.
    #[error("not an appup")]
    Form(#[from] ResourceError),
    /// An instruction that OTP does not know, or that is written in another way.
    #[error("{direction} for version {other}, instruction {number} can't be read")]
    Instruction {
        /// Up or down.
        direction: Direction,
        /// Other version as written.
        other: String,
        /// Number of the instruction, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        source: ResourceError,
    },
}

impl Appup {
    /// Reads an appup file.
    ///
    /// # Errors
    /// Not one term, not an appup, or an instruction that OTP does not know.
    pub fn parse(file: &[u8]) -> Result<Self, AppupError> {
        Self::from_term(&source::consult_one(file).map_err(ResourceError::from)?)
    }

    /// Takes `{Vsn, [{UpFrom, Instructions}], [{DownTo, Instructions}]}` apart.
    ///
    /// # Errors
    /// As [`Appup::parse`].
    pub fn from_term(term: &Term) -> Result<Self, AppupError> {
        match term.as_tuple() {
            Some([version, up, down]) => Ok(Self {
                vsn: text(version, "the application's version")?,
                up: entries(Direction::Up, up)?,
                down: entries(Direction::Down, down)?,
            }),
            _ => Err(shape("{Vsn, UpFrom, DownTo}", term).into()),
        }
    }

    /// The term that the file holds, with every instruction in its longest form.
    #[must_use]
    pub fn to_term(&self) -> Term {
        let entries = |entries: &[Entry]| Term::list(entries.iter().map(Entry::to_term));
        Term::tuple([Term::string(&self.vsn), entries(&self.up), entries(&self.down)])
    }

    /// The file, for people: an instruction a line, each in its shortest form.
    ///
    /// # Errors
    /// A term without a written form.
    pub fn to_file(&self) -> Result<String, NotConsultable> {
        print::file(self)
    }

    /// The script for the way between the application's version and `other`: the first entry whose version is `other` or whose pattern
    /// finds all of it, as `systools_relup:appup_search_for_version/2` has it.
    ///
    /// # Errors
    /// A pattern before it that can't be understood.
    pub fn script(&self, direction: Direction, other: &str) -> Result<Option<&[Step]>, BadPattern> {
        let entries = match direction {
            Direction::Up => &self.up,
            Direction::Down => &self.down,
        };
        for entry in entries {
            if entry.other.matches(other)? {
                return Ok(Some(&entry.script));
            }
        }
        Ok(None)
    }

    /// Modules that a script of it names.
    pub fn modules(&self) -> impl Iterator<Item = &Atom> {
        self.up.iter().chain(&self.down).flat_map(|entry| &entry.script).filter_map(Step::module)
    }
}

impl Entry {
    fn to_term(&self) -> Term {
        Term::tuple([self.other.to_term(), Term::list(self.script.iter().map(Step::to_term))])
    }
}

fn entries(direction: Direction, term: &Term) -> Result<Vec<Entry>, AppupError> {
    list(term, "a list of {Vsn, Instructions}")?.iter().map(|term| entry(direction, term)).collect()
}

fn entry(direction: Direction, term: &Term) -> Result<Entry, AppupError> {
    let Some([other, script]) = term.as_tuple() else { return Err(shape("{Vsn, Instructions}", term).into()) };
    let other = VersionPattern::from_term(other)?;
    let script = list(script, "a list of instructions")?.iter().zip(1..).map(|(term, number)| {
        let error = |source| AppupError::Instruction { direction, other: other.to_string(), number, source };
        Step::from_term(term).map_err(error)
    });
    Ok(Entry { script: script.collect::<Result<_, _>>()?, other })
}

#[cfg(test)]
mod tests;
