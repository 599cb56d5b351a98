//! Stores for tests.

use edeliver_core::{
    config::StoreSettings,
    release::{Digest, RelPath},
    step::Placed,
};
use tempfile::TempDir;

use super::Store;

/// A new store of the application `demo`, and the folder it is in.
pub(crate) fn store() -> (Store, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let settings = StoreSettings { path: dir.path().join("de liver"), archive: true };
    (Store::open(&settings, &"demo".parse().unwrap()).unwrap(), dir)
}

/// Stores this content.
pub(crate) fn blob(store: &Store, content: &[u8]) -> Digest {
    let intake = store.intake().unwrap();
    let digest = intake.put(content).unwrap();
    intake.commit().unwrap();
    digest
}

/// A file with this content, which is stored.
pub(crate) fn file(store: &Store, path: &str, mode: u32, content: &[u8]) -> Placed {
    Placed { path: path.parse::<RelPath>().unwrap(), sha256: blob(store, content), mode, size: content.len() as u64 }
}

/// Changes one bit of stored content.
pub(crate) fn damage(store: &Store, digest: &Digest) {
    let path = store.blob_path(*digest);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, bytes).unwrap();
}

/// What lies around of unfinished writing.
pub(crate) fn unfinished(store: &Store) -> usize {
    std::fs::read_dir(store.temp_dir()).unwrap().count()
}
