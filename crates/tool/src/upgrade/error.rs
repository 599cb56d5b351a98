//! Why a step of a hot upgrade failed, and how the node is then.

use edeliver_core::{hint::Hint, name::Version};

use super::agent::Note;
use crate::{
    node::{
        NodeError,
        link::{CallError, LinkError},
    },
    transport::TransportError,
};

/// Why a step of a hot upgrade failed.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// The node could not be spoken with. Nothing was called.
    #[error("the node can't be called")]
    Link(#[source] LinkError),
    /// A call gave no value.
    #[error("{function} failed")]
    Call {
        /// Which.
        function: String,
        /// Why; perhaps that nobody knows.
        #[source]
        source: CallError,
    },
    /// The node answered in a way that can't be read.
    #[error("the node's answer to {asked} can't be read: {answer}")]
    Answer {
        /// What it was asked.
        asked: String,
        /// The answer, cut.
        answer: String,
    },
    /// The node has another agent, in the middle of its work.
    #[error("another edeliver is upgrading this node, with an agent that this one does not know")]
    OtherAgent,
    /// The node would not do it. Nothing was changed.
    #[error("the node can't be upgraded now")]
    Refused(#[source] Notes),
    /// It was begun and failed; everything is as it was before.
    #[error("it was taken back")]
    Reverted(#[source] Notes),
    /// It was begun and failed, and could not be put back.
    #[error("it could not be taken back completely")]
    Broken(#[source] Notes),
    /// The node took the upgrade back by itself, or somebody else ended it.
    #[error("the upgrade is not there any more")]
    Ended(#[source] Notes),
    /// The node does not do well.
    #[error("the node does not do well")]
    Unwell(#[source] Notes),
    /// The node was restarted, so the state of its processes is lost.
    #[error("the node was restarted{}; the state of its processes is lost", into.as_ref().map(|version| format!(" into {version}")).unwrap_or_default())]
    Restarted {
        /// What it runs now, as far as is known.
        into: Option<Version>,
        /// What led to it.
        #[source]
        why: Notes,
    },
    /// No node runs any more.
    #[error("the node has gone")]
    Gone(#[source] Notes),
    /// The host.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The plan asks for something that was not brought along. A fault of edeliver's.
    #[error("the relup is not at hand")]
    NoJourney,
}

/// One or several reasons, each a line, and what more there is to say about them: stacks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", reasons.join("; "))]
pub struct Notes {
    /// The reasons.
    pub reasons: Vec<String>,
    /// The rest, line by line.
    pub details: Vec<String>,
}

impl Notes {
    /// The first line of each text is the reason.
    pub(super) fn new(texts: impl IntoIterator<Item = String>) -> Self {
        let (mut reasons, mut details) = (Vec::new(), Vec::new());
        for text in texts {
            let mut lines = text.lines().map(str::to_owned);
            reasons.extend(lines.next());
            details.extend(lines);
        }
        Self { reasons, details }
    }
}

impl From<Vec<Note>> for Notes {
    fn from(notes: Vec<Note>) -> Self {
        Self::new(notes.into_iter().map(|note| note.text))
    }
}
impl From<Note> for Notes {
    fn from(note: Note) -> Self {
        Self::new([note.text])
    }
}
impl From<String> for Notes {
    fn from(text: String) -> Self {
        Self::new([text])
    }
}

/// How a node is after a step has failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// As before the step.
    AsBefore,
    /// It runs the release that it was upgraded to, which has to be taken back.
    Upgraded,
    /// It runs the release that was permanent, and has lost its state.
    Restarted,
    /// No node runs any more; the release that was permanent boots.
    Gone,
    /// Partly one release, partly another, or not there at all.
    Broken,
    /// Nobody knows.
    Unknown,
}

impl UpgradeError {
    /// Whether nobody knows what was done.
    pub(super) fn is_unknown(&self) -> bool {
        self.aftermath() == Aftermath::Unknown
    }
    /// How the node is now.
    pub fn aftermath(&self) -> Aftermath {
        match self {
            Self::Call { source, .. } if source.is_unknown() => Aftermath::Unknown,
            Self::Transport(TransportError::LinkLost { .. } | TransportError::Timeout { .. } | TransportError::Interrupted)
            | Self::Link(LinkError::Find(NodeError::Transport(TransportError::LinkLost { .. } | TransportError::Timeout { .. }))) => {
                Aftermath::Unknown
            }
            Self::Unwell(_) => Aftermath::Upgraded,
            Self::Broken(_) => Aftermath::Broken,
            Self::Gone(_) => Aftermath::Gone,
            Self::Restarted { .. } => Aftermath::Restarted,
            _ => Aftermath::AsBefore,
        }
    }
    /// What more there is to say: stacks, line by line.
    pub fn details(&self) -> &[String] {
        match self {
            Self::Refused(why)
            | Self::Reverted(why)
            | Self::Broken(why)
            | Self::Ended(why)
            | Self::Unwell(why)
            | Self::Restarted { why, .. }
            | Self::Gone(why) => &why.details,
            _ => &[],
        }
    }
    /// What the user can do about it.
    pub fn hints(&self) -> Vec<Hint> {
        let text = match self {
            Self::Link(error) => return error.hints(),
            Self::Call { source, .. } if source.is_unknown() => "run the same command again: the node says what became of it",
            Self::OtherAgent => "wait until it has ended; without a word from its operator the node takes it back by itself",
            Self::Ended(_) => "run the same command again; give the node more time with `confirm_within`",
            Self::Broken(_) => "`edeliver restart` starts the release that boots",
            Self::Gone(_) => "`edeliver start` starts the release that boots",
            _ => return Vec::new(),
        };
        vec![Hint::text(text)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_that_does_not_do_well_has_something_to_be_taken_back() {
        let why = || Notes::new(["a child does not start".to_owned()]);
        assert_eq!(UpgradeError::Unwell(why()).aftermath(), Aftermath::Upgraded);
        assert_eq!(UpgradeError::Reverted(why()).aftermath(), Aftermath::AsBefore);
        assert_eq!(UpgradeError::Refused(why()).aftermath(), Aftermath::AsBefore);
    }
}
