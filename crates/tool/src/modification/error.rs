//! Why a relup was not changed by the project's module.

use edeliver_core::name::Version;
use edeliver_erl::{relup::RelupError, term::text::NotConsultable};

use crate::{image::ImageError, store::StoreError, tarball::CopyError, transport::TransportError};

/// Why a relup was not changed by the project's module.
#[derive(Debug, thiserror::Error)]
pub enum ModificationError {
    /// There is none of that name.
    #[error("{to} has no module {name}")]
    NoModule {
        /// As Erlang writes it.
        name: String,
        /// The release.
        to: String,
    },
    /// It failed, or could not be called.
    #[error("{modules} could not change the relup: {said}")]
    Failed {
        /// The module, or those of which one would have been taken.
        modules: String,
        /// The VM's last lines.
        said: String,
    },
    /// It made something else of it.
    #[error("what {0} made of the relup is none")]
    NoRelup(String, #[source] Box<RelupError>),
    /// It made one that would fail.
    #[error("what {modules} made of the relup can't be carried out: {}", findings.join("; "))]
    Wrong {
        /// The module.
        modules: String,
        /// What is wrong, with its place.
        findings: Vec<String>,
    },
    /// A version that Erlang could not have.
    #[error("{0} can't be the version of a release")]
    Version(Version),
    /// A generated relup can always be written.
    #[error("the relup can't be written")]
    Write(#[from] NotConsultable),
    /// A release can't be read.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file of the release.
    #[error("the release can't be read")]
    Copy(#[from] CopyError),
    /// This machine's memory.
    #[error("the release can't be packed")]
    Pack(#[from] std::io::Error),
    /// The build host.
    #[error(transparent)]
    Transport(#[from] TransportError),
}
