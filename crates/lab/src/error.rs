//! What can go wrong with the lab itself. Faults that were asked for are not errors.

use std::io;

/// Why the lab could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// This machine or account cannot hold a lab; the text says what is missing, in one line.
    #[error("not possible on this machine: {0}")]
    NotPossible(String),
    /// There is no running hub behind the state directory.
    #[error("the lab is down")]
    Down,
    /// The hub ended while it was being asked; the text is the end of its log.
    #[error("the hub died:\n{0}")]
    HubDied(String),
    /// The hub's own words on why it could not.
    #[error("{0}")]
    Refused(String),
    /// A host name must be 1 to 12 of a-z, 0-9 and `-`, beginning with a letter (it becomes the name of a link).
    #[error("not a host name: `{0}` (a-z, 0-9, -, at most 12 characters)")]
    HostName(String),
    /// No host of that name was ever started.
    #[error("no host {0}")]
    NoHost(String),
    /// The host exists but is not running.
    #[error("{0} is stopped")]
    Stopped(String),
    /// A system tool failed; the text is what it said.
    #[error("{command}: {said}")]
    Tool {
        /// The command line, words joined by blanks.
        command: String,
        /// Its standard error, or its status if it said nothing.
        said: String,
    },
    /// The user's own command could not be started.
    #[error("cannot run {name}")]
    Command {
        /// Its first word.
        name: String,
        /// Why.
        source: io::Error,
    },
    /// A system call or file operation failed.
    #[error("{what}")]
    Io {
        /// What could not be done.
        what: String,
        /// Why.
        source: io::Error,
    },
}

impl LabError {
    /// The error and its causes on one line, as the hub sends it to the one who asked.
    pub(crate) fn line(&self) -> String {
        let mut text = self.to_string();
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            text = format!("{text}: {error}");
            cause = error.source();
        }
        text
    }
}

/// Says what was being done when the system refused.
pub(crate) trait During<T> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, LabError>;
}

impl<T, E: Into<io::Error>> During<T> for Result<T, E> {
    fn during(self, what: impl FnOnce() -> String) -> Result<T, LabError> {
        self.map_err(|error| LabError::Io { what: what(), source: error.into() })
    }
}
