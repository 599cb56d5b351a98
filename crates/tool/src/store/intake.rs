//! Putting releases into the store.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, Write},
    sync::{Mutex, MutexGuard, PoisonError},
};

use edeliver_core::release::{Content, Digest, Manifest, ManifestId, Platform};
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};

use super::{BlobReader, Store, StoreError, durable, kept, parallel, platform};

/// Something that is put into the store. Nothing of it is there before [`Intake::commit`] or [`Intake::finish`], and nothing is
/// left of it when it is dropped before. As long as it lives no garbage is collected, so what it found stays.
#[derive(Debug)]
pub struct Intake {
    store: Store,
    /// Shared; released when the file is closed.
    _lock: File,
    arrived: Mutex<HashMap<Digest, Arrived>>,
}

#[derive(Debug)]
struct Arrived {
    temp: TempPath,
    size: u64,
}

/// What to do when the store has another build of the same version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and this is an error.
    Refuse,
    /// It is replaced.
    Replace,
}

impl Intake {
    pub(super) fn new(store: Store) -> Result<Self, StoreError> {
        let lock = store.lock_file()?;
        // Where the file system has no locks, garbage collection refuses to run.
        let _ = lock.lock_shared();
        durable::make_dir(&store.temp_dir())?;
        durable::make_dir(&store.blobs_dir())?;
        Ok(Self { store, _lock: lock, arrived: Mutex::default() })
    }

    /// The store this goes into.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Which of this content the store does not have, each once, in the order of the list. What it has is read and checked, so
    /// that damaged content counts as missing: a build brings it again and repairs the store.
    pub fn missing<'a>(&self, wanted: impl IntoIterator<Item = Content<'a>>) -> Vec<Digest> {
        let mut known = HashSet::new();
        let wanted: Vec<_> = wanted.into_iter().filter(|file| known.insert(file.sha256)).collect();
        let missing = parallel::map(parallel::processors(), &wanted, |file| {
            let is_there = self.is_there(file) && self.open_blob(&file.sha256).and_then(BlobReader::check).is_ok();
            (!is_there).then_some(file.sha256)
        });
        missing.into_iter().flatten().collect()
    }

    /// Content that arrived or that the store has, checked while it is read.
    ///
    /// # Errors
    /// It is not there or can't be opened.
    pub fn open_blob(&self, digest: &Digest) -> Result<BlobReader, StoreError> {
        let path = self.arrived().get(digest).map(|new| new.temp.to_path_buf());
        BlobReader::open(&self.store, *digest, path.unwrap_or_else(|| self.store.blob_path(*digest)))
    }

    /// The platform that the executables among these files need: those of the runtime system and the plug-ins of libraries.
    ///
    /// # Errors
    /// Content can't be read.
    pub fn platform<'a>(&self, files: impl IntoIterator<Item = Content<'a>>) -> Result<Platform, StoreError> {
        platform::of(files, |digest| self.open_blob(digest))
    }

    /// Takes content of which the digest may be known before.
    ///
    /// # Errors
    /// No file can be made for it.
    pub fn writer(&self, expected: Option<Digest>) -> Result<BlobWriter<'_>, StoreError> {
        let temp = durable::temp_file(&self.store.temp_dir())?;
        Ok(BlobWriter { intake: self, temp, hash: Sha256::new(), size: 0, expected })
    }

    /// Takes these bytes.
    ///
    /// # Errors
    /// They can't be written.
    pub fn put(&self, bytes: &[u8]) -> Result<Digest, StoreError> {
        let mut writer = self.writer(None)?;
        writer.write_all(bytes).map_err(|source| StoreError::write(self.store.temp_dir(), source))?;
        writer.finish().map(|(digest, _)| digest)
    }

    /// Completes a release: its content gets its names, then its manifest is written.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`] if content is missing, [`StoreError::Exists`] if the store has another build of that version and it
    /// is not to be replaced, or something can't be written.
    pub fn finish(&self, manifest: &Manifest, existing: Existing) -> Result<ManifestId, StoreError> {
        let path = self.store.manifest_path(&manifest.version);
        if manifest.app != self.store.app {
            return Err(StoreError::Misnamed { path, title: manifest.title() });
        }
        self.check_complete(manifest)?;
        self.commit()?;
        let (id, kept) = kept::write(manifest);
        let write = |replace| durable::write(&path, &kept, &self.store.temp_dir(), replace);
        match write(existing == Existing::Replace) {
            Err(error) if is_taken(&error) => match self.store.own_manifest(&manifest.version) {
                // Put there by an earlier build, or by another process a moment ago.
                Ok(there) if there == *manifest => Ok(id),
                Err(StoreError::ManifestDamaged { .. }) => write(true).map(|()| id),
                _ => Err(StoreError::Exists { title: manifest.title() }),
            },
            written => written.map(|()| id),
        }
    }

    /// Keeps the content that arrived so far, without a release. While no manifest names it, it lasts until garbage is collected.
    ///
    /// # Errors
    /// It can't be written.
    pub fn commit(&self) -> Result<(), StoreError> {
        let arrived = std::mem::take(&mut *self.arrived());
        let named = arrived.into_iter().map(|(digest, new)| (new.temp, self.store.blob_path(digest))).collect();
        durable::rename_all(named)
    }

    fn check_complete(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let missing: Vec<_> = manifest.contents().filter(|file| !self.is_there(file)).collect();
        let Some(first) = missing.first() else { return Ok(()) };
        Err(StoreError::Incomplete { title: manifest.title(), missing: missing.len(), first: first.path.to_string() })
    }

    /// Whether this content arrived or is in the store, by its size.
    fn is_there(&self, file: &Content<'_>) -> bool {
        match self.arrived().get(&file.sha256) {
            Some(new) => new.size == file.size,
            None => fs::metadata(self.store.blob_path(file.sha256)).is_ok_and(|found| found.len() == file.size),
        }
    }

    fn arrived(&self) -> MutexGuard<'_, HashMap<Digest, Arrived>> {
        self.arrived.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_taken(error: &StoreError) -> bool {
    matches!(error, StoreError::Write { source, .. } if source.kind() == io::ErrorKind::AlreadyExists)
}

/// Content on its way into the store. Dropped without [`BlobWriter::finish`], nothing is left of it.
#[derive(Debug)]
pub struct BlobWriter<'a> {
    intake: &'a Intake,
    temp: NamedTempFile,
    hash: Sha256,
    size: u64,
    expected: Option<Digest>,
}

impl BlobWriter<'_> {
    /// Takes what was written; its digest, and its size in bytes.
    ///
    /// # Errors
    /// [`StoreError::Wrong`] if it is not what was expected, or it can't be written.
    pub fn finish(mut self) -> Result<(Digest, u64), StoreError> {
        let flushed = self.temp.flush();
        flushed.map_err(|source| StoreError::write(self.temp.path(), source))?;
        let found = Digest::from_bytes(self.hash.finalize().into());
        if let Some(expected) = self.expected.filter(|expected| *expected != found) {
            return Err(StoreError::Wrong { expected, found });
        }
        let arrived = Arrived { temp: self.temp.into_temp_path(), size: self.size };
        self.intake.arrived().insert(found, arrived);
        Ok((found, self.size))
    }
}

impl Write for BlobWriter<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.temp.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.temp.flush()
    }
}
