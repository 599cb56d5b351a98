//! Removing content that no release has any more.

use std::{collections::HashSet, fs, path::Path};

use edeliver_core::release::Digest;

use super::{Store, StoreError, durable, entries, kept};

/// What garbage collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    /// Number of files.
    pub files: u64,
    /// Bytes.
    pub bytes: u64,
}

impl Store {
    /// Removes content that no manifest of any application names, what can be made anew, and what interrupted writers left.
    ///
    /// # Errors
    /// [`StoreError::Busy`] while somebody writes. If any manifest can't be read, nothing is removed: nobody knows what it names.
    pub fn collect_garbage(&self) -> Result<Collected, StoreError> {
        if !self.root.join("store").exists() {
            return Ok(Collected::default());
        }
        let lock = self.lock_file()?;
        lock.try_lock().map_err(|_| StoreError::Busy { path: self.root.clone() })?;
        let named = self.named()?;
        let mut collected = Collected::default();
        for temp in entries(&self.temp_dir())?.iter().filter(|path| is_temp(path)) {
            remove(temp, &mut collected)?;
        }
        for derived in self.all_derived()? {
            remove(&derived, &mut collected)?;
        }
        for shard in entries(&self.blobs_dir())? {
            for blob in entries(&shard)?.iter().filter(|path| digest(path).is_some_and(|digest| !named.contains(&digest))) {
                remove(blob, &mut collected)?;
            }
        }
        Ok(collected)
    }

    /// Content that releases have.
    fn named(&self) -> Result<HashSet<Digest>, StoreError> {
        let mut named = HashSet::new();
        for path in self.all_manifests()? {
            let bytes = fs::read(&path).map_err(|source| StoreError::read(&path, source))?;
            named.extend(kept::read(&bytes, &path)?.1.contents().map(|file| file.sha256));
        }
        Ok(named)
    }
}

/// The digest a file is named after; files that are not ours have none, and stay.
fn digest(path: &Path) -> Option<Digest> {
    path.file_name()?.to_str()?.parse().ok()
}

fn is_temp(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(durable::TEMP_PREFIX))
}

fn remove(path: &Path, collected: &mut Collected) -> Result<(), StoreError> {
    let error = |source| StoreError::write(path, source);
    let size = fs::symlink_metadata(path).map_err(error)?.len();
    fs::remove_file(path).map_err(error)?;
    *collected = Collected { files: collected.files + 1, bytes: collected.bytes + size };
    Ok(())
}
