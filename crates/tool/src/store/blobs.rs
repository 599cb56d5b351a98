//! Content by digest.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::PathBuf,
};

use edeliver_core::release::Digest;
use sha2::{Digest as _, Sha256};

use super::{
    Store, StoreError,
    file::{self, Batch, Unfinished},
};

impl Store {
    /// Those of the digests whose content is not in the store, each once, in the order given.
    ///
    /// # Errors
    /// [`StoreError::Io`]: the store can't be read.
    pub fn missing(&self, digests: &[Digest]) -> Result<Vec<Digest>, StoreError> {
        let mut seen = std::collections::HashSet::new();
        let mut missing = Vec::new();
        for digest in digests.iter().filter(|digest| seen.insert(**digest)) {
            let path = self.blob_path(digest);
            if !path.try_exists().map_err(StoreError::io("read", path))? {
                missing.push(*digest);
            }
        }
        Ok(missing)
    }

    /// Begins to store content that is expected to have this digest.
    ///
    /// # Errors
    /// [`StoreError::Io`]: no file can be made.
    pub fn blob_writer(&self, digest: Digest) -> Result<BlobWriter, StoreError> {
        let file = Unfinished::begin(&self.tmp_dir())?;
        Ok(BlobWriter { file, path: self.blob_path(&digest), wanted: digest, hasher: Sha256::new(), written: 0 })
    }

    /// Begins to store a lot of content.
    pub fn intake(&self) -> Intake<'_> {
        Intake { store: self, waiting: Batch::default() }
    }

    /// Opens content.
    ///
    /// # Errors
    /// [`StoreError::NoBlob`]: the store lacks it. [`StoreError::Io`]: it can't be read.
    pub fn open_blob(&self, digest: &Digest) -> Result<BlobReader, StoreError> {
        let path = self.blob_path(digest);
        let file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(StoreError::NoBlob { digest: *digest }),
            file => file.map_err(StoreError::io("read", path))?,
        };
        Ok(BlobReader { file, wanted: *digest, hasher: Sha256::new() })
    }

    /// Where content lies, or would.
    pub(super) fn blob_path(&self, digest: &Digest) -> PathBuf {
        let name = digest.to_string();
        self.blobs_dir().join(&name[..2]).join(name)
    }
}

/// Content being stored. It is in the store after [`BlobWriter::commit`]; dropped before, it leaves nothing.
pub struct BlobWriter {
    file: Unfinished,
    path: PathBuf,
    wanted: Digest,
    hasher: Sha256,
    written: u64,
}

impl BlobWriter {
    /// Puts the content into the store, on disk, and tells its size in bytes. For more than a few see [`Intake`].
    ///
    /// # Errors
    /// [`StoreError::OtherContent`]: it is not what was announced; nothing is stored. [`StoreError::Io`]: it can't be written.
    pub fn commit(self) -> Result<u64, StoreError> {
        let written = self.written;
        let (file, path) = self.checked()?;
        file.place(&path)?;
        Ok(written)
    }
    fn checked(self) -> Result<(Unfinished, PathBuf), StoreError> {
        let found = Digest::from_bytes(self.hasher.finalize().into());
        if found != self.wanted {
            return Err(StoreError::OtherContent { wanted: self.wanted, found });
        }
        if let Some(dir) = self.path.parent() {
            file::make_dirs(dir)?;
        }
        Ok((self.file, self.path))
    }
}
impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.written += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Stores a lot of content: it is brought to disk in one go, which for thousands of files takes a fraction of the time.
pub struct Intake<'a> {
    store: &'a Store,
    waiting: Batch,
}

impl Intake<'_> {
    /// After this many bytes or files they are put into the store; what waits is lost when the process is killed.
    const BYTES: u64 = 256 << 20;
    const FILES: usize = 4096;

    /// As [`Store::blob_writer`]; to be given to [`Intake::commit`].
    ///
    /// # Errors
    /// [`StoreError::Io`]: no file can be made.
    pub fn blob_writer(&self, digest: Digest) -> Result<BlobWriter, StoreError> {
        self.store.blob_writer(digest)
    }
    /// Takes content that is complete, and tells its size in bytes. It is in the store after [`Intake::finish`] at the latest.
    ///
    /// # Errors
    /// As [`BlobWriter::commit`].
    pub fn commit(&mut self, blob: BlobWriter) -> Result<u64, StoreError> {
        let written = blob.written;
        let (file, path) = blob.checked()?;
        self.waiting.add(file, path, written)?;
        if self.waiting.bytes() > Self::BYTES || self.waiting.files() > Self::FILES {
            self.waiting.place(&self.store.tmp_dir())?;
        }
        Ok(written)
    }
    /// Puts all content that was committed into the store, on disk.
    ///
    /// # Errors
    /// [`StoreError::Io`]: it can't be written.
    pub fn finish(mut self) -> Result<(), StoreError> {
        self.waiting.place(&self.store.tmp_dir())
    }
}

/// Content being read. The end is an end only if the digest is right; otherwise it is an error that holds
/// [`StoreError::Damaged`]. So whoever has read to the end has read the right content.
pub struct BlobReader {
    file: File,
    wanted: Digest,
    hasher: Sha256,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            self.check()?;
        }
        Ok(count)
    }
}
impl BlobReader {
    fn check(&self) -> io::Result<()> {
        let found = Digest::from_bytes(self.hasher.clone().finalize().into());
        if found == self.wanted {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::InvalidData, StoreError::Damaged { digest: self.wanted, found }))
    }
}

#[cfg(test)]
mod tests;
