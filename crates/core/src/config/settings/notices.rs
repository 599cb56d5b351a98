//! Who is told of runs.

use std::{fmt, path::PathBuf, time::Duration};

use indexmap::IndexMap;

use crate::notice::Moment;

/// `[run_hooks]`: programs of the project that are run around what a run does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunHooks {
    /// Which, relative to the project or absolute.
    pub programs: IndexMap<Moment, PathBuf>,
    /// Longest time for one of them.
    pub timeout: Duration,
}

/// `[notify]`: a webhook that is told of runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notify {
    /// Its address.
    pub webhook: Webhook,
    /// What it takes.
    pub format: NoticeFormat,
    /// What it is told of.
    pub on: Vec<Occasion>,
}

/// An address that is a secret, because whoever has it may write there.
#[derive(Clone, PartialEq, Eq)]
pub struct Webhook(String);

impl Webhook {
    pub(in crate::config) fn new(address: String) -> Self {
        Self(address)
    }
    /// The address itself, for the request and for hiding it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Webhook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Webhook")
    }
}

/// The form of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoticeFormat {
    /// `{"text": …}`: Slack, Mattermost, Rocket.Chat.
    Slack,
    /// [`crate::notice::Notice`].
    Json,
}

/// What may be told of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// It begins to change something.
    Start,
    /// It came to a good end.
    Success,
    /// It did not.
    Failure,
}

impl Occasion {
    /// As it stands in the configuration and in messages.
    pub fn word(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Success => "success",
            Self::Failure => "failure",
        }
    }
}
