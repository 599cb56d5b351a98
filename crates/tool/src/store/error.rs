//! What can be wrong with a store.

use std::{io, path::PathBuf};

use edeliver_core::{
    name::Version,
    release::{Digest, ManifestError},
};

/// Why the store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file system refused.
    #[error("{} can't be {what}", path.display())]
    Io {
        /// What could not be done: `written`, `read`, `listed`.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// No such content.
    #[error("the store lacks the content {digest}")]
    NoBlob {
        /// Its digest.
        digest: Digest,
    },
    /// Content that is no longer what its name says.
    #[error("the content {digest} in the store is damaged (it has the digest {found})")]
    Damaged {
        /// Its name.
        digest: Digest,
        /// What it has become.
        found: Digest,
    },
    /// Content that was to be stored under the digest of other content.
    #[error("the content is not what was announced: its digest is {found} instead of {wanted}")]
    OtherContent {
        /// The digest announced.
        wanted: Digest,
        /// That of what came.
        found: Digest,
    },
    /// No such release.
    #[error("the store has no release {version}")]
    NoRelease {
        /// The version asked for.
        version: Version,
    },
    /// A manifest that can't be used.
    #[error("the manifest {} can't be used", path.display())]
    Manifest {
        /// The manifest's file.
        path: PathBuf,
        /// Why.
        #[source]
        source: ManifestError,
    },
    /// A manifest that is not of the release its file name says.
    #[error("the manifest {} is of {found}", path.display())]
    OtherRelease {
        /// The manifest's file.
        path: PathBuf,
        /// Application and version it is of.
        found: String,
    },
    /// A manifest whose content is not all there.
    #[error("{lacking} files of {release} are not in the store, the first is {first}")]
    Incomplete {
        /// Application and version.
        release: String,
        /// How many.
        lacking: usize,
        /// Digest of one of them.
        first: Digest,
    },
}

impl StoreError {
    /// The file system's refusal to have `path` `what` (a participle).
    pub(crate) fn io(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { what, path, source }
    }
}
