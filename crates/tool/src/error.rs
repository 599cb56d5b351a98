//! The one error of the program's top: what class it is (and so the exit code), the chain of causes, and what to do about it.
//!
//! Layers have errors of their own, which say what they could not do. `impl From<LayerError> for Error`, in [`from`], is the only place where
//! a class and hints are chosen.

mod from;

use std::fmt;

use edeliver_core::hint::Hint;

/// The class of an error; it decides the exit code. `edeliver help exit-codes` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A fault of edeliver's, or of this machine.
    Internal,
    /// The command line can't be understood, or asks for what does not exist.
    Usage,
    /// The configuration is missing or wrong.
    Config,
    /// The plan can't be carried out as things are, or things changed since it was made.
    Blocked,
    /// Somebody else changes this host, build folder or store right now.
    Locked,
    /// A host could not be asked; nothing was begun.
    Unreachable,
    /// The build failed.
    Build,
    /// Some hosts are done and some are not.
    Stopped,
    /// It failed, and the hosts are back where they were.
    RolledBack,
    /// What was asked for may have been done or not: the link was lost, or no answer came in time.
    Unknown,
    /// The user interrupted.
    Interrupted,
}

impl Kind {
    /// Every class, in the order of the exit codes.
    pub const ALL: [Self; 11] = [
        Self::Internal,
        Self::Usage,
        Self::Config,
        Self::Blocked,
        Self::Locked,
        Self::Unreachable,
        Self::Build,
        Self::Stopped,
        Self::RolledBack,
        Self::Unknown,
        Self::Interrupted,
    ];
    /// The process's exit code. A promise to scripts: these numbers never change their meaning.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Internal => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Blocked => 4,
            Self::Locked => 5,
            Self::Unreachable => 6,
            Self::Build => 7,
            Self::Stopped => 8,
            Self::RolledBack => 9,
            Self::Unknown => 11,
            Self::Interrupted => 130,
        }
    }
    /// What the exit code means, as the help page says it.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Internal => "something failed that is not the hosts' or the configuration's fault",
            Self::Usage => "the command line is wrong, or names something that does not exist",
            Self::Config => "the configuration is missing or wrong; nothing was contacted",
            Self::Blocked => "the plan can't be carried out as things are; nothing was changed",
            Self::Locked => "somebody else is changing the same host, build folder or store",
            Self::Unreachable => "a host could not be asked; nothing was changed",
            Self::Build => "the build failed",
            Self::Stopped => "some hosts are done and others are not: read the last table",
            Self::RolledBack => "it failed, and the hosts serve what they served before",
            Self::Unknown => "it is not known whether it was done: the link was lost, or no answer came in time",
            Self::Interrupted => "interrupted by Ctrl-C or a signal",
        }
    }
    /// As it stands in events.
    pub fn word(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Blocked => "blocked",
            Self::Locked => "locked",
            Self::Unreachable => "unreachable",
            Self::Build => "build",
            Self::Stopped => "stopped",
            Self::RolledBack => "rolled-back",
            Self::Unknown => "unknown",
            Self::Interrupted => "interrupted",
        }
    }
}

/// Exit code of `--plan --exit-code` when the plan is not empty. Not an error, hence not a [`Kind`].
pub const CHANGES_PLANNED: u8 = 10;

/// What went wrong, for the user.
#[derive(Debug)]
pub struct Error {
    /// Its class.
    pub kind: Kind,
    /// What could not be done; its `source()` chain are the causes.
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// Remedies, best first.
    pub hints: Vec<Hint>,
}

impl Error {
    /// An error of this class: a layer's error, or a lowercase sentence without a full stop.
    pub fn new(kind: Kind, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind, source: source.into(), hints: Vec::new() }
    }
    /// A wrong command line.
    pub fn usage(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(Kind::Usage, source)
    }
    /// The same error, with what it kept us from doing in front of its causes (`can't read the journal`).
    #[must_use]
    pub fn context(self, what: impl Into<String>) -> Self {
        let Self { kind, source, hints } = self;
        Self { kind, source: Box::new(Context { what: what.into(), source }), hints }
    }
    /// The same error with one more remedy.
    #[must_use]
    pub fn hint(mut self, hint: Hint) -> Self {
        self.hints.push(hint);
        self
    }
    /// What could not be done, and why, outermost first; none of them is empty.
    pub fn causes(&self) -> Vec<String> {
        chain(&*self.source)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.source()
    }
}

/// An error's message and those of its sources, outermost first. A message that only repeats the one before is left out.
pub fn chain(error: &(dyn std::error::Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(error) = next {
        let message = error.to_string();
        if !message.is_empty() && causes.last() != Some(&message) {
            causes.push(message);
        }
        next = error.source();
    }
    causes
}

/// What could not be done, around the error that says why.
#[derive(Debug)]
struct Context {
    what: String,
    source: Box<dyn std::error::Error + Send + Sync>,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Context {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_codes_are_those_of_the_documentation() {
        let documented = include_str!("../../../docs/architecture.md");
        let line = documented.split("## Exit codes").nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
        for kind in Kind::ALL {
            assert!(line.contains(&format!("{} ", kind.exit_code())), "{kind:?}");
        }
        let mut codes = Kind::ALL.map(Kind::exit_code).to_vec();
        codes.extend([0, CHANGES_PLANNED]);
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), Kind::ALL.len() + 2, "two classes share a code");
    }

    #[test]
    fn causes_go_from_the_outermost_to_the_root_without_repetition() {
        let io = std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left");
        let error = Error::new(Kind::Internal, io).context("can't write the journal").context("can't write the journal");
        assert_eq!(error.causes(), ["can't write the journal", "no space left"]);
        assert_eq!(error.to_string(), "can't write the journal");
    }
}
