//! Hot upgrades: for each release at most one relup, with all the ways that lead to it.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use edeliver_core::{name::Version, release::Upgrade};

use super::{Store, StoreError, durable, entries, kept};

impl Store {
    /// The upgrade to this version.
    ///
    /// # Errors
    /// [`StoreError::NoUpgrade`] if there is none; otherwise it can't be read or was changed.
    pub fn upgrade(&self, to: &Version) -> Result<Upgrade, StoreError> {
        if let Some(upgrade) = self.fetched_upgrade(to)? {
            return Ok(upgrade);
        }
        let path = self.upgrade_path(to);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::NoUpgrade { app: self.app.clone(), to: to.clone() });
            }
            Err(source) => return Err(StoreError::read(path, source)),
        };
        self.checked_upgrade(&bytes, &path, to)
    }

    /// The upgrade in these bytes, which a file of this name has, wherever it is.
    pub(super) fn checked_upgrade(&self, bytes: &[u8], path: &Path, to: &Version) -> Result<Upgrade, StoreError> {
        let upgrade = kept::read_upgrade(bytes, path)?;
        match upgrade.app == self.app && upgrade.to == *to {
            true => Ok(upgrade),
            false => Err(StoreError::Misnamed { path: path.to_owned(), title: format!("{} {}", upgrade.app, upgrade.to) }),
        }
    }

    /// All upgrades of the application, in the order of their file names. Damaged ones are errors of their own.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn upgrades(&self) -> Result<Vec<Result<Upgrade, StoreError>>, StoreError> {
        let paths = entries(&self.upgrades_dir())?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json"));
        let version = |path: PathBuf| path.file_stem()?.to_str()?.parse().ok();
        let versions: BTreeSet<Version> = paths.filter_map(version).chain(self.published_upgrades()?).collect();
        Ok(versions.iter().map(|version| self.upgrade(version)).collect())
    }

    /// Keeps an upgrade, in place of an older one to the same release, and publishes it.
    ///
    /// # Errors
    /// It can't be written; what was there before is whole.
    pub fn put_upgrade(&self, upgrade: &Upgrade) -> Result<(), StoreError> {
        let path = self.upgrade_path(&upgrade.to);
        if upgrade.app != self.app {
            return Err(StoreError::Misnamed { path, title: format!("{} {}", upgrade.app, upgrade.to) });
        }
        let _lock = self.lock_file()?;
        let temp = self.temp_dir();
        durable::make_dir(&temp)?;
        durable::write(&path, &kept::write_upgrade(upgrade), &temp, true)?;
        self.publish_upgrade(upgrade)
    }

    pub(super) fn upgrades_dir(&self) -> PathBuf {
        self.root.join("store/upgrades").join(self.app.as_str())
    }

    pub(super) fn upgrade_path(&self, to: &Version) -> PathBuf {
        self.upgrades_dir().join(format!("{to}.json"))
    }
}

#[cfg(test)]
mod tests {
    use edeliver_core::{
        config::StoreSettings,
        release::{Author, Digest, Origin, UPGRADE_FORMAT},
    };

    use super::*;

    fn upgrade(to: &str, relup: &str) -> Upgrade {
        let from = Origin { version: "0.1.0".parse().unwrap(), manifest: Digest::of(b"0.1.0") };
        Upgrade {
            format: UPGRADE_FORMAT,
            app: "hotapp".parse().unwrap(),
            to: to.parse().unwrap(),
            manifest: Digest::of(to.as_bytes()),
            from: vec![from],
            relup: relup.to_owned(),
            author: Author::Generated,
        }
    }

    #[test]
    fn an_upgrade_comes_back_as_it_went_in_and_the_next_one_takes_its_place() {
        let dir = tempfile::tempdir().unwrap();
        let store =
            Store::open(&StoreSettings { path: dir.path().to_owned(), archive: false }, &"hotapp".parse().unwrap()).unwrap();
        let to: Version = "0.2.0".parse().unwrap();
        assert_eq!(store.upgrade(&to).unwrap_err().to_string(), "the store has no upgrade of hotapp to 0.2.0");
        for relup in ["{\"0.2.0\",[],[]}.\n", "%% edited\n{\"0.2.0\",[],[]}.\n"] {
            store.put_upgrade(&upgrade("0.2.0", relup)).unwrap();
            assert_eq!(store.upgrade(&to).unwrap(), upgrade("0.2.0", relup));
        }
        assert_eq!(store.upgrades().unwrap().len(), 1);
    }

    #[test]
    fn a_changed_upgrade_is_noticed() {
        let dir = tempfile::tempdir().unwrap();
        let store =
            Store::open(&StoreSettings { path: dir.path().to_owned(), archive: false }, &"hotapp".parse().unwrap()).unwrap();
        store.put_upgrade(&upgrade("0.2.0", "{\"0.2.0\",[],[]}.")).unwrap();
        let path = store.upgrade_path(&"0.2.0".parse().unwrap());
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("[],[]", "[],x")).unwrap();
        let damaged = store.upgrade(&"0.2.0".parse().unwrap()).unwrap_err().to_string();
        assert!(damaged.ends_with("0.2.0.json was changed or damaged"), "{damaged}");
    }
}
