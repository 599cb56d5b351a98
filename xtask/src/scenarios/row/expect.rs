//! What is expected of a row, written down before it is tried.

use std::fmt;

/// What carries an upgrade out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Engine {
    /// edeliver's agent.
    #[value(name = "transactional")]
    Transactional,
    /// OTP's own.
    #[value(name = "release_handler")]
    ReleaseHandler,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Transactional, Self::ReleaseHandler];

    /// As edeliver.toml calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Transactional => "transactional",
            Self::ReleaseHandler => "release_handler",
        }
    }
}

/// What comes of an attempt. The words must occur in what edeliver says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The node runs the new release, and nothing was said about it.
    Hot,
    /// The same, with this warning.
    Warned(String),
    /// It can't be done without a restart, and was not tried.
    Restart(String),
    /// It was not tried for another reason.
    Refused(String),
    /// It was tried and taken back: everything is as before.
    Reverted(String),
    /// It was tried, and the node started again with the old release: state is lost, and that is told.
    Restarted(String),
}

impl Outcome {
    /// Whether the node runs the new release.
    pub(crate) fn is_hot(&self) -> bool {
        matches!(self, Self::Hot | Self::Warned(_))
    }
    /// The kind of outcome.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::Warned(_) => "warned",
            Self::Restart(_) => "restart",
            Self::Refused(_) => "refused",
            Self::Reverted(_) => "reverted",
            Self::Restarted(_) => "restarted",
        }
    }
    /// What edeliver must say.
    pub(crate) fn words(&self) -> Option<&str> {
        match self {
            Self::Hot => None,
            Self::Warned(words) | Self::Restart(words) | Self::Refused(words) | Self::Reverted(words) | Self::Restarted(words) => {
                Some(words)
            }
        }
    }
    fn parse(text: &str) -> Result<Self, String> {
        let (kind, words) = text.split_once(' ').unwrap_or((text, ""));
        let words = words.to_owned();
        Ok(match kind {
            "hot" => Self::Hot,
            _ if words.is_empty() => return Err(format!("{text:?} does not say which words tell it")),
            "warned" => Self::Warned(words),
            "restart" => Self::Restart(words),
            "refused" => Self::Refused(words),
            "reverted" => Self::Reverted(words),
            "restarted" => Self::Restarted(words),
            _ => return Err(format!("{kind:?} is no outcome")),
        })
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hot => write!(f, "hot"),
            Self::Warned(words) => write!(f, "hot, warned: {words}"),
            Self::Restart(words) => write!(f, "needs a restart: {words}"),
            Self::Refused(words) => write!(f, "refused: {words}"),
            Self::Reverted(words) => write!(f, "taken back: {words}"),
            Self::Restarted(words) => write!(f, "restarted with the old release: {words}"),
        }
    }
}

/// What is expected of each engine.
#[derive(Debug, Clone)]
pub(crate) struct Expected([Outcome; 2]);

impl Default for Expected {
    fn default() -> Self {
        Self([Outcome::Hot, Outcome::Hot])
    }
}

impl Expected {
    /// The same of each engine.
    pub(crate) fn all(outcome: Outcome) -> Self {
        Self([outcome.clone(), outcome])
    }
    /// That of an engine.
    pub(crate) fn of(&self, engine: Engine) -> &Outcome {
        match engine {
            Engine::Transactional => &self.0[0],
            Engine::ReleaseHandler => &self.0[1],
        }
    }
    /// What a row says of an engine, or of both.
    pub(super) fn set(&mut self, engine: &str, value: &str) -> Result<(), String> {
        let outcome = Outcome::parse(value)?;
        match engine {
            "" => *self = Self::all(outcome),
            "transactional" => self.0[0] = outcome,
            "release_handler" => self.0[1] = outcome,
            _ => return Err(format!("{engine:?} is no engine")),
        }
        Ok(())
    }
}
