//! Content from a build host, checked on its way into the store.

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::Arc,
};

use edeliver_core::release::{Content, Digest, RelPath};
use tokio::io::AsyncRead;

use super::pipe;
use crate::{
    store::{Intake, StoreError},
    tarball::{ContentError, Member, MemberKind, Reader, TarError},
};

/// Why not everything came into the store. Files that came whole before are there; of the one that failed nothing is.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// The stream is no archive, is cut off, or has members that can't be accepted.
    #[error("what came can't be unpacked")]
    Tar(#[from] TarError),
    /// A member nobody asked for.
    #[error("{path} came without having been asked for")]
    Unexpected {
        /// Its path.
        path: RelPath,
    },
    /// A file that is not what was announced.
    #[error("{path} has {found} bytes instead of {wanted}")]
    Size {
        /// The file.
        path: RelPath,
        /// Bytes announced.
        wanted: u64,
        /// Bytes that it has.
        found: u64,
    },
    /// The store's disk refuses.
    #[error("{path} can't be written")]
    Write {
        /// The file.
        path: RelPath,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Files that did not come.
    #[error("{count} files did not come, the first is {first}")]
    Lacking {
        /// How many.
        count: usize,
        /// By path, the first.
        first: RelPath,
    },
    /// A file whose digest is not the one announced.
    #[error("{path} is not what was announced")]
    Digest {
        /// The file.
        path: RelPath,
        /// The two digests.
        #[source]
        source: StoreError,
    },
    /// The store can't take it.
    #[error("what came can't be stored")]
    Store(#[from] StoreError),
    /// The thread that unpacks is gone.
    #[error("unpacking was ended")]
    Ended(#[from] tokio::task::JoinError),
}

impl UnpackError {
    /// Whether the stream only ended too early: then whoever sent it knows why.
    pub fn is_cut_off(&self) -> bool {
        matches!(self, Self::Tar(TarError::CutOff | TarError::Read(_)) | Self::Lacking { .. })
    }
}

/// The files still to come: digest and size in bytes.
type Expected = HashMap<RelPath, (Digest, u64)>;

/// Takes the files of a tar stream, plain or compressed by gzip, into the store. Exactly these files must come, each at its path (with
/// or without `./` in front) and with its size and digest. `progress` is told how many bytes of content have come so far.
///
/// # Errors
/// [`UnpackError`]. What came whole before stays in the store, so that the next attempt needs less.
pub async fn unpack_into<'a>(
    intake: &Arc<Intake>,
    from: impl AsyncRead + Unpin,
    expected: impl IntoIterator<Item = Content<'a>>,
    mut progress: impl FnMut(u64) + Send + 'static,
) -> Result<(), UnpackError> {
    let mut expected: Expected = expected.into_iter().map(|file| (file.path.clone(), (file.sha256, file.size))).collect();
    let (feed, drain) = pipe::to_thread();
    let intake = Arc::clone(intake);
    let unpacking = tokio::task::spawn_blocking(move || {
        let mut done = 0;
        let mut step = |bytes| {
            done += bytes;
            progress(done);
        };
        let read = read(&intake, drain, &mut expected, &mut step);
        intake.commit()?;
        read.and_then(|()| lacking(&expected))
    });
    feed.all_of(from).await;
    unpacking.await?
}

fn read(intake: &Intake, from: impl Read, expected: &mut Expected, step: &mut dyn FnMut(u64)) -> Result<(), UnpackError> {
    Reader::new(from, limit(expected))?.members(|member| take(intake, expected, member, step))
}

fn take(intake: &Intake, expected: &mut Expected, member: &mut Member<'_>, step: &mut dyn FnMut(u64)) -> Result<(), UnpackError> {
    let path = member.path.clone();
    let (MemberKind::File { size: found, .. }, Some((digest, size))) = (&member.kind, expected.remove(&path)) else {
        return Err(UnpackError::Unexpected { path });
    };
    if *found != size {
        return Err(UnpackError::Size { path, wanted: size, found: *found });
    }
    let mut blob = intake.writer(Some(digest))?;
    member.copy_to(&mut blob, step).map_err(|error| UnpackError::of(&path, error))?;
    match blob.finish() {
        Ok(_) => Ok(()),
        Err(source @ StoreError::Wrong { .. }) => Err(UnpackError::Digest { path, source }),
        Err(error) => Err(error.into()),
    }
}

fn lacking(expected: &Expected) -> Result<(), UnpackError> {
    match expected.keys().min() {
        None => Ok(()),
        Some(first) => Err(UnpackError::Lacking { count: expected.len(), first: first.clone() }),
    }
}

impl UnpackError {
    fn of(path: &RelPath, error: ContentError) -> Self {
        match error {
            ContentError::Tar(error) => Self::Tar(error),
            ContentError::Write(source) => Self::Write { path: path.clone(), source },
        }
    }
}

/// What a stream of these files may have in all: the content, and for each file a header with a long name, in whatever format.
fn limit(expected: &Expected) -> u64 {
    expected.values().fold(1 << 20, |sum: u64, (_, size)| sum.saturating_add(*size).saturating_add(16 << 10))
}

#[cfg(test)]
mod tests;
