//! What is made out of a release's content and takes a while, kept so that it is made once.
//!
//! It can always be made anew. So it is not synced to the disk, a file that is damaged or of another build of the version counts as
//! none, and a store that can't be written has none.

use std::{fs, io::Write, path::PathBuf};

use edeliver_core::{name::Version, release::ManifestId};
use serde::{Serialize, de::DeserializeOwned};

use super::{Store, StoreError, durable, entries, kept};

impl Store {
    /// What was kept under this name for this build of a version.
    pub fn derived<T: DeserializeOwned>(&self, name: &str, version: &Version, release: &ManifestId) -> Option<T> {
        let kept = fs::read(self.derived_path(name, version)).ok()?;
        let (of, value) = serde_json::from_slice::<(ManifestId, T)>(kept::read_derived(&kept)?).ok()?;
        (of == *release).then_some(value)
    }

    /// Keeps something, in place of what was kept under this name for the version.
    ///
    /// # Errors
    /// It can't be written; whoever made it has it all the same.
    pub fn keep_derived(
        &self,
        name: &str,
        version: &Version,
        release: &ManifestId,
        value: &impl Serialize,
    ) -> Result<(), StoreError> {
        let path = self.derived_path(name, version);
        let error = |source| StoreError::write(&path, source);
        let text = serde_json::to_vec(&(release, value)).map_err(|source| error(source.into()))?;
        let _lock = self.lock_file()?;
        durable::make_dir(&self.temp_dir())?;
        durable::make_dir(path.parent().expect("it is in a folder"))?;
        let mut temp = durable::temp_file(&self.temp_dir())?;
        temp.write_all(&kept::write_derived(&text)).map_err(error)?;
        temp.persist(&path).map_err(|failed| error(failed.error))?;
        Ok(())
    }

    /// All that was kept, of all applications.
    pub(super) fn all_derived(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut found = entries(&self.derived_dir())?;
        // Applications, names, files.
        for _ in 0..2 {
            found = found.iter().map(|dir| entries(dir)).collect::<Result<Vec<_>, _>>()?.concat();
        }
        Ok(found)
    }

    fn derived_dir(&self) -> PathBuf {
        self.root.join("store/derived")
    }

    fn derived_path(&self, name: &str, version: &Version) -> PathBuf {
        self.derived_dir().join(self.app.as_str()).join(name).join(format!("{version}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::samples;

    #[test]
    fn what_was_kept_is_of_one_build_and_whole_or_there_is_none() {
        let (store, _dir) = samples::store();
        let version: Version = "0.1.0".parse().unwrap();
        let builds = [ManifestId::of(b"one build"), ManifestId::of(b"another")];
        let kept = |build: usize| store.derived::<Vec<u64>>("sums", &version, &builds[build]);
        assert_eq!(kept(0), None);
        store.keep_derived("sums", &version, &builds[0], &[1, u64::MAX]).unwrap();
        assert_eq!((kept(0), kept(1)), (Some(vec![1, u64::MAX]), None));
        let path = store.derived_path("sums", &version);
        fs::write(&path, fs::read_to_string(&path).unwrap().replace("[1,", "[2,")).unwrap();
        assert_eq!(kept(0), None, "it was changed");
        store.keep_derived("sums", &version, &builds[1], &[3]).unwrap();
        assert_eq!((kept(0), kept(1)), (None, Some(vec![3])));
        assert_eq!(store.collect_garbage().unwrap().files, 1, "it can be made anew");
        assert_eq!(kept(1), None);
    }
}
