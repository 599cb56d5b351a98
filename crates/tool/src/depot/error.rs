//! Why a depot can't do something.

use std::io;

use edeliver_core::release::Digest;

use crate::{store::StoreError, transfer::UnpackError, transport::TransportError};

/// Why a depot can't do something. The place is said by whoever knows it.
#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    /// The host can't be reached, or the link was lost.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// It answered, and could not.
    #[error("{why}")]
    Refused {
        /// In its own words.
        why: String,
    },
    /// Another file has that name.
    #[error("there is another {path}")]
    Taken {
        /// The name.
        path: String,
    },
    /// Content that something there needs is not there.
    #[error("it lacks the content {digest}")]
    Lacks {
        /// Its name.
        digest: Digest,
    },
    /// A server can't be reached, or the connection was lost.
    #[error("the server can't be reached: {why}")]
    Unreachable {
        /// In words that have no signed address in them.
        why: String,
    },
    /// There is nothing to sign requests with.
    #[error("there are no keys for it: not in the environment, and not in [{profile}] of {file}")]
    NoKeys {
        /// The section that was looked for.
        profile: String,
        /// The file.
        file: String,
    },
    /// The keys are wrong, or may not do this.
    #[error("the server refuses the keys{}", code_of(code))]
    Denied {
        /// The server's word for it.
        code: String,
    },
    /// Content is not what its name says.
    #[error("its content {digest} was changed or damaged")]
    Damaged {
        /// Its name.
        digest: Digest,
    },
    /// Content is not what its name says, or can't be kept here.
    #[error("what came from there can't be used")]
    Came(#[source] UnpackError),
    /// A file of this machine.
    #[error("{what}")]
    Here {
        /// What could not be done.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// The store on this machine.
    #[error(transparent)]
    Store(#[from] Box<StoreError>),
}

fn code_of(code: &str) -> String {
    if code.is_empty() { String::new() } else { format!(" ({})", crate::report::printable(code)) }
}
