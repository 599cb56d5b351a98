//! The release store: manifests and, by digest, the content of their files.
//!
//! ```text
//! store/blobs/ab/abcd…              content by SHA-256
//! store/manifests/APP/VERSION.json
//! store/tmp/                        what is being written
//! ```
//!
//! Everything is written to a temporary name, synced and renamed; a manifest is put last. What has a manifest is complete, and what
//! an interrupted run leaves is in `store/tmp/` alone. Content is checked against its digest whenever it is read.
//!
//! All of it is synchronous; async callers go through `spawn_blocking`.

mod blobs;
mod error;
mod file;
mod manifests;
#[cfg(test)]
pub(crate) mod samples;

use std::path::{Path, PathBuf};

pub use blobs::{BlobReader, BlobWriter, Intake};
use edeliver_core::{config::StoreSettings, name::AppName};
pub use error::StoreError;

/// The store of one application. Cheap to clone; several processes may use one store at the same time.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    app: AppName,
}

impl Store {
    /// The store at the place the settings name, made if it isn't there.
    ///
    /// # Errors
    /// [`StoreError::Io`]: its folders can't be made.
    pub fn open(settings: &StoreSettings, app: &AppName) -> Result<Self, StoreError> {
        let store = Self { root: settings.path.clone(), app: app.clone() };
        for dir in [store.blobs_dir(), store.tmp_dir(), store.manifests_dir()] {
            file::make_dirs(&dir)?;
        }
        Ok(store)
    }
    /// Whose releases these are.
    pub fn app(&self) -> &AppName {
        &self.app
    }
    /// The store's folder (`RELEASE_STORE`).
    pub fn root(&self) -> &Path {
        &self.root
    }
    fn blobs_dir(&self) -> PathBuf {
        self.root.join("store/blobs")
    }
    fn tmp_dir(&self) -> PathBuf {
        self.root.join("store/tmp")
    }
    fn manifests_dir(&self) -> PathBuf {
        self.root.join("store/manifests").join(self.app.as_str())
    }
}
