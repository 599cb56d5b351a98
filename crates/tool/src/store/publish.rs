//! From the store on this machine to the depot: content first, then what names it.

use std::{collections::HashSet, path::Path};

use edeliver_core::{
    choose::{self, StoredKind},
    event::EventKind,
    release::{Content, Manifest, Upgrade},
};

use super::{
    Existing, Store, StoreError, kept,
    remote::{Remote, once_each},
};
use crate::depot::DepotError;

impl Store {
    /// Publishes a release of this machine, content first; nothing where the store is only here.
    ///
    /// # Errors
    /// [`StoreError::Exists`] if another build was published and is not to be replaced; it can't be read or written. What arrived stays, so
    /// the next attempt needs less.
    pub fn publish(&self, manifest: &Manifest, existing: Existing) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let all = once_each(manifest.contents());
        let digests: Vec<_> = all.iter().map(|file| file.sha256).collect();
        let lacking = remote.depot.lacking(&digests).map_err(|error| remote.error(error))?;
        let lacking: HashSet<_> = lacking.into_iter().collect();
        self.send(remote, manifest, all.into_iter().filter(|file| lacking.contains(&file.sha256)).collect(), existing)
    }

    /// Publishes a release with all its content, in place of what is there, which may have suffered.
    ///
    /// # Errors
    /// As [`Store::publish`].
    pub fn publish_again(&self, manifest: &Manifest) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        self.send(remote, manifest, once_each(manifest.contents()), Existing::Replace)
    }

    fn send(&self, remote: &Remote, manifest: &Manifest, sent: Vec<Content<'_>>, existing: Existing) -> Result<(), StoreError> {
        if !sent.is_empty() {
            remote.tell("publishing", manifest, &sent, "to");
            remote.depot.send(&sent, self).map_err(|error| remote.error(error))?;
        }
        let path = self.below(&self.manifest_path(&manifest.version));
        match remote.depot.write(&path, &kept::write(manifest).1, existing) {
            Err(DepotError::Taken { .. }) => return Err(StoreError::Exists { title: manifest.title() }),
            written => written.map_err(|error| remote.error(error))?,
        }
        remote.asked().insert(manifest.version.clone(), Some(manifest.clone()));
        Ok(())
    }

    /// The same with its classic archive, which this machine has; one that was published with the same release stays.
    ///
    /// # Errors
    /// As [`Store::publish`].
    pub fn publish_release(&self, manifest: &Manifest, existing: Existing, archive: bool) -> Result<(), StoreError> {
        let before = self.published(&manifest.version)?;
        self.publish(manifest, existing)?;
        let path = self.archive_path(&manifest.version);
        let name = choose::archive_name(&self.app, &manifest.version, StoredKind::Release);
        let is_there = || Ok::<_, StoreError>(self.published_files()?.iter().any(|(file, _)| *file == name));
        if self.remote.is_none() || !archive || (before.as_ref() == Some(manifest) && is_there()?) {
            return Ok(());
        }
        self.publish_file(&path, &name)
    }

    /// Publishes a file of this machine, an archive most often, in place of one of the same name.
    ///
    /// # Errors
    /// It can't be read or written.
    pub fn publish_file(&self, from: &Path, name: &str) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        remote.reporter.send(EventKind::Waiting { what: format!("publishing {name} to {}", remote.depot.title()) });
        remote.depot.upload(from, name).map_err(|error| remote.error(error))
    }

    /// Publishes an upgrade, in place of an older one to the same release.
    pub(super) fn publish_upgrade(&self, upgrade: &Upgrade) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        let path = self.below(&self.upgrade_path(&upgrade.to));
        let written = remote.depot.write(&path, &kept::write_upgrade(upgrade), Existing::Replace);
        written.map_err(|error| remote.error(error))
    }
}
