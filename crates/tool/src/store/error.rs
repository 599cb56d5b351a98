//! Why the store can't do something.

use std::{io, path::PathBuf};

use edeliver_core::{
    name::{AppName, Version},
    release::{Digest, ManifestError, UpgradeError},
};

use super::archive::ArchiveError;
use crate::depot::DepotError;

/// Why the store can't do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A file or folder can't be read.
    #[error("can't read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file or folder can't be written.
    #[error("can't write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The store's disk, or the user's share of it, is full.
    #[error("there is no space left for {}", path.display())]
    Full {
        /// What was to be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The user may not write there, or nobody may.
    #[error("the store can't be written: {}", path.display())]
    ReadOnly {
        /// What was to be written.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody writes into the store while garbage is to be collected.
    #[error("another edeliver is writing into the store {}", path.display())]
    Busy {
        /// The store.
        path: PathBuf,
    },
    /// The store does not have that release.
    #[error("the store has no {app} {version}")]
    Absent {
        /// The application.
        app: AppName,
        /// The version that was asked for.
        version: Version,
    },
    /// The store has another release of that name.
    #[error("the store has another build of {title}")]
    Exists {
        /// Application and version.
        title: String,
    },
    /// A manifest is none.
    #[error("{} can't be used", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ManifestError,
    },
    /// A manifest is not as it was written.
    #[error("{} was changed or damaged", path.display())]
    ManifestDamaged {
        /// The file.
        path: PathBuf,
    },
    /// The store does not have an upgrade to that release.
    #[error("the store has no upgrade of {app} to {to}")]
    NoUpgrade {
        /// The application.
        app: AppName,
        /// The version that it was to lead to.
        to: Version,
    },
    /// An upgrade is none.
    #[error("{} can't be used", path.display())]
    Upgrade {
        /// The file.
        path: PathBuf,
        /// Why.
        source: UpgradeError,
    },
    /// An upgrade is not as it was written.
    #[error("{} was changed or damaged", path.display())]
    UpgradeDamaged {
        /// The file.
        path: PathBuf,
    },
    /// Content is not there.
    #[error("the store lacks the content {digest}{}", users(used_by))]
    Gone {
        /// Its name.
        digest: Digest,
        /// Files that have it.
        used_by: Vec<String>,
    },
    /// Content is not what its name says.
    #[error("{} was changed or damaged{}", path.display(), users(used_by))]
    Damaged {
        /// Where it lies.
        path: PathBuf,
        /// Files that have it.
        used_by: Vec<String>,
    },
    /// What came in is not what was announced.
    #[error("content {found} arrived in place of {expected}")]
    Wrong {
        /// What was announced.
        expected: Digest,
        /// What came.
        found: Digest,
    },
    /// A manifest names content that has not been put into the store.
    #[error("{title} is not complete: {missing} of its files are missing, the first is {first}")]
    Incomplete {
        /// Application and version.
        title: String,
        /// Number of files.
        missing: usize,
        /// The first of them.
        first: String,
    },
    /// A classic archive can't be used.
    #[error("{} can't be used", path.display())]
    Archive {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: Box<ArchiveError>,
    },
    /// The place elsewhere, where releases are published, can't be used.
    #[error("the release store {place} can't be used")]
    Depot {
        /// What it is called.
        place: String,
        /// Why.
        source: Box<DepotError>,
    },
    /// A manifest or archive lies under the name of another release.
    #[error("{} is that of {title}", path.display())]
    Misnamed {
        /// The file.
        path: PathBuf,
        /// Application and version that it is of.
        title: String,
    },
}

/// Who has a piece of content: the first file, and how many more.
fn users(used_by: &[String]) -> String {
    match used_by {
        [] => String::new(),
        [only] => format!(": {only}"),
        [first, more @ ..] => format!(": {first}, and {} more", more.len()),
    }
}

impl StoreError {
    /// A file that can't be read.
    pub(super) fn read(path: impl Into<PathBuf>, source: io::Error) -> Self {
        Self::Read { path: path.into(), source }
    }

    /// A file that can't be written, and why as far as the user can do something about it.
    pub(super) fn write(path: impl Into<PathBuf>, source: io::Error) -> Self {
        let path = path.into();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full { path, source },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path, source },
            _ => Self::Write { path, source },
        }
    }
}

/// For readers and writers that can only fail with an [`io::Error`].
impl From<StoreError> for io::Error {
    fn from(error: StoreError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
