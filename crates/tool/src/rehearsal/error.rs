//! What goes wrong with rehearsals.

use crate::transport::TransportError;

/// Why an upgrade was not rehearsed to its end.
#[derive(Debug, thiserror::Error)]
pub enum RehearsalError {
    /// The build host.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// An act failed.
    #[error("{act} failed")]
    Failed {
        /// Which, in words.
        act: String,
        /// Why.
        #[source]
        why: Lines,
    },
    /// It would not be what real nodes go through.
    #[error("{act} would take a restart")]
    NotHot {
        /// Which, in words.
        act: String,
        /// Why.
        #[source]
        why: Lines,
    },
    /// Processes or files could not be removed.
    #[error("something of the rehearsal is left on the build host: {}", what.join(", "))]
    Left {
        /// Processes and folders.
        what: Vec<String>,
    },
    /// Ctrl-C.
    #[error("the rehearsal was interrupted")]
    Interrupted,
}

/// Reasons, one a line.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Lines(pub Vec<String>);
