//! The releases of an application: their manifests.

use std::{fs, io, path::PathBuf};

use edeliver_core::{
    name::Version,
    release::{Digest, Manifest},
};

use super::{Store, StoreError, file};

impl Store {
    /// Puts a release into the store: its manifest, once all its content is there. Replaces the manifest of the same version.
    ///
    /// # Errors
    /// [`StoreError::Incomplete`]: content is missing. [`StoreError::OtherRelease`]: of another application.
    /// [`StoreError::Io`]: it can't be written.
    pub fn put_manifest(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let path = self.manifest_path(&manifest.version);
        if manifest.app != self.app {
            return Err(StoreError::OtherRelease { path, found: manifest.title() });
        }
        let wanted: Vec<Digest> = manifest.contents().map(|file| file.sha256).collect();
        if let [first, ..] = self.missing(&wanted)?[..] {
            let lacking = self.missing(&wanted)?.len();
            return Err(StoreError::Incomplete { release: manifest.title(), lacking, first });
        }
        file::write(&self.tmp_dir(), &path, &manifest.to_json())
    }

    /// The manifest of a release in the store.
    ///
    /// # Errors
    /// [`StoreError::NoRelease`]: no such version. [`StoreError::Manifest`], [`StoreError::OtherRelease`]: it can't be used.
    pub fn manifest(&self, version: &Version) -> Result<Manifest, StoreError> {
        let path = self.manifest_path(version);
        let bytes = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoRelease { version: version.clone() });
            }
            bytes => bytes.map_err(StoreError::io("read", &path))?,
        };
        match Manifest::from_json(&bytes) {
            Err(source) => Err(StoreError::Manifest { path, source }),
            Ok(manifest) if manifest.app == self.app && manifest.version == *version => Ok(manifest),
            Ok(manifest) => Err(StoreError::OtherRelease { path, found: manifest.title() }),
        }
    }

    /// The versions that have a manifest, in no particular order.
    ///
    /// # Errors
    /// [`StoreError::Io`]: the store can't be read.
    pub fn versions(&self) -> Result<Vec<Version>, StoreError> {
        let version = |path: PathBuf| path.file_name()?.to_str()?.strip_suffix(".json")?.parse().ok();
        Ok(file::names(&self.manifests_dir())?.into_iter().filter_map(version).collect())
    }

    fn manifest_path(&self, version: &Version) -> PathBuf {
        self.manifests_dir().join(format!("{version}.json"))
    }
}

#[cfg(test)]
mod tests;
