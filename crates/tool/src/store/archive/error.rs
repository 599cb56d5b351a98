//! What can be wrong with an archive.

use std::{io, path::PathBuf};

use edeliver_core::release::{FilesError, FoundError, RelPath};

use crate::{
    store::StoreError,
    tarball::{CopyError, TarError},
};

/// Why an archive can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// The file can't be opened.
    #[error("can't read {}", path.display())]
    Open {
        /// The archive.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is cut off, damaged, or has members that can't be accepted.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// More files than any release has.
    #[error("the archive has more than {limit} files and folders")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// Which of the two would hold depends on who unpacks it.
    #[error("the archive has {path} twice")]
    Twice {
        /// The path.
        path: RelPath,
    },
    /// It has no release on top or in one folder.
    #[error("the archive has no releases/start_erl.data: it is not an archive of a release")]
    NoRelease,
    /// It has files outside of the folder that the release is in.
    #[error("the archive has {path} beside the release in {root}")]
    Beside {
        /// The first such path.
        path: RelPath,
        /// The release's folder.
        root: String,
    },
    /// The files in it are no release.
    #[error("the archive has no release that can be used")]
    Found(#[from] FoundError),
    /// They are one, but break a rule: a link that leaves the release, for example.
    #[error("the release in the archive can't be used")]
    Files(#[from] FilesError),
    /// The store refused, or lacks something.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Content can't be brought into the archive.
    #[error("can't put {path} into the archive")]
    Content {
        /// The file.
        path: RelPath,
        /// Why.
        source: CopyError,
    },
}
