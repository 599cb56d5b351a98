//! A hint: what the user can do about it.

use serde::{Deserialize, Serialize};

/// One remedy: a sentence, and the command to type where there is one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// A full sentence without the final stop.
    pub text: String,
    /// A command line that can be copied as it stands.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub command: Option<String>,
}

impl Hint {
    /// A remedy in words.
    pub fn text(text: impl Into<String>) -> Self {
        Self { text: text.into(), command: None }
    }
    /// A remedy with the command that does it.
    pub fn command(text: impl Into<String>, command: impl Into<String>) -> Self {
        Self { text: text.into(), command: Some(command.into()) }
    }
}
