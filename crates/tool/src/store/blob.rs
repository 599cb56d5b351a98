//! Reading content, checked against its name.

use std::{
    fs::File,
    io::{self, Read},
    path::PathBuf,
};

use edeliver_core::release::Digest;
use sha2::{Digest as _, Sha256};

use super::{Store, StoreError};

/// Content of the store. Reading it to the end checks it: the last read gives an error with a [`StoreError`] inside if it is not
/// what its name says.
#[derive(Debug)]
pub struct BlobReader {
    store: Store,
    digest: Digest,
    path: PathBuf,
    file: File,
    hash: Sha256,
    checked: bool,
}

impl BlobReader {
    pub(super) fn open(store: &Store, digest: Digest, path: PathBuf) -> Result<Self, StoreError> {
        match File::open(&path) {
            Ok(file) => Ok(Self { store: store.clone(), digest, path, file, hash: Sha256::new(), checked: false }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(StoreError::Gone { digest, used_by: store.users_of(digest) })
            }
            Err(source) => Err(StoreError::read(path, source)),
        }
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// It can't be read, or is not what its name says.
    pub fn check(mut self) -> Result<(), StoreError> {
        let mut buffer = [0; 64 * 1024];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(_) => {}
                Err(error) => return Err(self.error(error)),
            }
        }
    }

    /// What a failed read means.
    pub(super) fn error(&self, error: io::Error) -> StoreError {
        error.downcast().unwrap_or_else(|source| StoreError::read(&self.path, source))
    }

    fn compare(&mut self) -> Result<(), StoreError> {
        let found = Digest::from_bytes(std::mem::take(&mut self.hash).finalize().into());
        if self.checked || found == self.digest {
            self.checked = true;
            return Ok(());
        }
        Err(StoreError::Damaged { path: self.path.clone(), used_by: self.store.users_of(self.digest) })
    }
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hash.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() {
            self.compare()?;
        }
        Ok(count)
    }
}
