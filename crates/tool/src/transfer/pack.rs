//! What a host lacks, as the stream its `tar` unpacks.

mod tape;

use std::{
    collections::HashMap,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError, Weak},
};

use edeliver_core::{
    release::{Digest, RelPath},
    step::{Linked, Placed},
};
use tokio::io::AsyncRead;

use self::tape::{Reader, Recorder, Tape};
use super::pipe;
use crate::{
    store::{Store, StoreError},
    tarball::{CopyError, Writer},
};

/// gzip's level. Of a mix release with 11.1 MB, level 2 makes 5.77 MB in 0.14 s of a processor, 3 makes 5.61 MB in 0.15 s and 6, the
/// usual one, 5.51 MB in 0.21 s.
const LEVEL: u32 = 3;

/// What is to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Load {
    /// Files, in this order.
    pub files: Vec<Placed>,
    /// Symbolic links.
    pub links: Vec<Linked>,
    /// Empty directories.
    pub empty_dirs: Vec<RelPath>,
    /// Content that is not in the store, by digest: files rewritten for a host.
    pub extra: HashMap<Digest, Arc<[u8]>>,
}

/// Why a stream could not be made. It is the inner error of the [`io::Error`] that ends the stream.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// Content is not in the store.
    #[error("{path} can't be sent")]
    Blob {
        /// The file.
        path: RelPath,
        /// Why.
        #[source]
        source: StoreError,
    },
    /// Content is unreadable or damaged.
    #[error("{path} (content {digest}) can't be sent")]
    Content {
        /// The file.
        path: RelPath,
        /// Its content.
        digest: Digest,
        /// Why.
        #[source]
        source: CopyError,
    },
    /// Nobody reads the stream any more, or there is no room to keep it.
    #[error("the stream was not read to its end")]
    Unread(#[source] io::Error),
}

/// Makes the streams for all hosts: one for those that are sent the same, so that it is compressed once.
pub struct Packs {
    store: Store,
    /// Those that are read at present.
    tapes: Mutex<Vec<(Load, Weak<Tape>)>>,
}

impl Packs {
    /// Of what this store has.
    pub fn new(store: Store) -> Self {
        Self { store, tapes: Mutex::default() }
    }
    /// The compressed archive of this load, made while it is read; what [`crate::transport::Input::Stream`] takes. `progress` is told how
    /// many bytes of content the reader has got so far.
    ///
    /// If anything is wrong with the content the stream ends with an error that holds a [`PackError`], never as if it were complete.
    /// To be called inside of a tokio runtime.
    ///
    /// # Errors
    /// There is no place for temporary files.
    pub fn stream(
        &self,
        load: Load,
        mut progress: impl FnMut(u64) + Send + 'static,
    ) -> io::Result<Box<dyn AsyncRead + Send + Unpin>> {
        let reader = self.reader(load)?;
        let (inlet, outlet) = pipe::to_task();
        tokio::task::spawn_blocking(move || reader.copy(inlet, &mut progress));
        Ok(Box::new(outlet))
    }
    /// A reader of the stream that is being made of such a load, or of a new one.
    fn reader(&self, load: Load) -> io::Result<Reader> {
        let mut tapes = self.tapes.lock().unwrap_or_else(PoisonError::into_inner);
        tapes.retain(|(_, tape)| tape.strong_count() > 0);
        let same = tapes.iter().filter(|(known, _)| *known == load).find_map(|(_, tape)| tape.upgrade()?.join());
        if let Some(reader) = same {
            return Ok(reader);
        }
        let tape = Arc::new(Tape::new(self.store.root())?);
        let reader = tape.join().expect("a new one has no end yet");
        tapes.push((load.clone(), Arc::downgrade(&tape)));
        let store = self.store.clone();
        tokio::task::spawn_blocking(move || produce(&store, &load, &tape));
        Ok(reader)
    }
}

fn produce(store: &Store, load: &Load, tape: &Tape) {
    let mut writer = Writer::new(tape.recorder(), LEVEL);
    let filled = fill(store, load, &mut writer);
    // What is wrong must be told before the writer is dropped, which completes the compressed stream: no reader sees that.
    match filled {
        Ok(done) => match writer.finish() {
            Ok(_) => tape.end(done, Ok(())),
            Err(error) => tape.end(done, Err(PackError::Unread(error))),
        },
        Err(error) => {
            tape.end(0, Err(error));
        }
    }
}

/// Gives the bytes of content.
fn fill(store: &Store, load: &Load, to: &mut Writer<Recorder<'_>>) -> Result<u64, PackError> {
    load.empty_dirs.iter().try_for_each(|dir| to.dir(dir)).map_err(PackError::Unread)?;
    let mut done = 0;
    for file in &load.files {
        let mut content = content(store, load, file)?;
        to.file(&file.path, file.mode, file.size, &mut content, &mut |_| {}).map_err(|source| PackError::of(file, source))?;
        done += file.size;
        to.inner().has(done);
    }
    load.links.iter().try_for_each(|link| to.link(&link.path, &link.target)).map_err(PackError::Unread)?;
    Ok(done)
}

fn content<'a>(store: &Store, load: &'a Load, file: &Placed) -> Result<Box<dyn Read + 'a>, PackError> {
    if let Some(bytes) = load.extra.get(&file.sha256) {
        return Ok(Box::new(&bytes[..]));
    }
    let blob = store.open_blob(&file.sha256).map_err(|source| PackError::Blob { path: file.path.clone(), source })?;
    Ok(Box::new(blob))
}

impl PackError {
    fn of(file: &Placed, source: CopyError) -> Self {
        match source {
            CopyError::Write(error) => Self::Unread(error),
            source => Self::Content { path: file.path.clone(), digest: file.sha256, source },
        }
    }
}

#[cfg(test)]
mod tests;
