//! The store as one, where releases are kept elsewhere too: what is asked for comes from there when this machine has not got it, or has
//! another build of it.

use std::{
    collections::{HashMap, HashSet},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use edeliver_core::{
    choose::{self, Stored, StoredKind},
    event::EventKind,
    name::Version,
    release::{Content, Digest, Manifest, Upgrade},
    size::size,
};

use super::{Existing, Store, StoreError, archive::ArchiveError, durable};
use crate::{
    depot::{Depot, DepotError, Item, Links},
    report::Reporter,
};

/// The folder that archives lie in, in a folder that was somebody's own store.
const ARCHIVES: &str = "releases";

/// A store elsewhere, as one command sees it.
#[derive(Debug)]
pub(super) struct Remote {
    pub(super) depot: Arc<dyn Depot>,
    pub(super) reporter: Reporter,
    /// Manifests that were asked for: each is asked for once in a command.
    asked: Mutex<HashMap<Version, Option<Manifest>>>,
}

impl Store {
    /// The same store, which publishes to that place and fetches from it.
    #[must_use]
    pub fn published_to(self, depot: Arc<dyn Depot>, reporter: &Reporter) -> Self {
        let remote = Remote { depot, reporter: reporter.clone(), asked: Mutex::default() };
        Self { remote: Some(Arc::new(remote)), ..self }
    }

    /// What this machine has of it.
    #[must_use]
    pub fn here(&self) -> Self {
        Self { remote: None, ..self.clone() }
    }

    /// The place elsewhere, by its name for people.
    pub fn elsewhere(&self) -> Option<String> {
        self.remote.as_ref().map(|remote| remote.depot.title())
    }

    /// What is known of a release: its manifest, whether or not this machine has the content.
    ///
    /// # Errors
    /// As [`Store::manifest`].
    pub fn known(&self, version: &Version) -> Result<Manifest, StoreError> {
        match self.published(version)? {
            Some(manifest) => Ok(manifest),
            None => self.own_manifest(version),
        }
    }

    /// The manifest that was published, if one was.
    ///
    /// # Errors
    /// It can't be asked, or what is there can't be used.
    pub fn published(&self, version: &Version) -> Result<Option<Manifest>, StoreError> {
        let Some(remote) = &self.remote else { return Ok(None) };
        if let Some(known) = remote.asked().get(version) {
            return Ok(known.clone());
        }
        let path = self.below(&self.manifest_path(version));
        let found = remote.depot.read(&path).map_err(|error| remote.error(error))?;
        let checked = |bytes: Vec<u8>| self.checked_manifest(&bytes, &remote.shown(&path));
        let manifest = found.map(checked).transpose()?.map(|(_, manifest)| manifest);
        remote.asked().insert(version.clone(), manifest.clone());
        Ok(manifest)
    }

    /// The release, whole and on this machine.
    pub(super) fn fetched(&self, manifest: Manifest) -> Result<Manifest, StoreError> {
        let Some(remote) = &self.remote else { return Ok(manifest) };
        if self.own_manifest(&manifest.version).is_ok_and(|own| own == manifest) {
            return Ok(manifest);
        }
        let intake = Arc::new(self.intake()?);
        let missing: HashSet<_> = intake.missing(manifest.contents()).into_iter().collect();
        let wanted = once_each(manifest.contents().filter(|file| missing.contains(&file.sha256)));
        if !wanted.is_empty() {
            remote.tell("fetching", &manifest, &wanted, "from");
            remote.depot.bring(&wanted, &intake).map_err(|error| remote.error(error))?;
        }
        intake.finish(&manifest, Existing::Replace)?;
        Ok(manifest)
    }

    /// Whether the place elsewhere can be used, where there is one.
    ///
    /// # Errors
    /// It can't.
    pub fn reach(&self) -> Result<(), StoreError> {
        let Some(remote) = &self.remote else { return Ok(()) };
        remote.depot.list(&[]).map(drop).map_err(|error| remote.error(error))
    }

    /// Fetches a file that was published; `false` if there is none of that name.
    ///
    /// # Errors
    /// It can't be read there or written here.
    pub fn fetch_file(&self, name: &str, to: &Path) -> Result<bool, StoreError> {
        let Some(remote) = &self.remote else { return Ok(false) };
        remote.reporter.send(EventKind::Waiting { what: format!("fetching {name} from {}", remote.depot.title()) });
        for path in [name.to_owned(), format!("{ARCHIVES}/{name}")] {
            if remote.depot.download(&path, to).map_err(|error| remote.error(error))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where a host gets content of this release by itself for a while; nothing where it was not published, or hosts can't or shall not.
    pub fn links(&self, manifest: &Manifest, wanted: &[Digest], valid: Duration) -> Links {
        let Some(remote) = &self.remote else { return Links::default() };
        let is_published = remote.asked().get(&manifest.version).is_some_and(|known| known.as_ref() == Some(manifest));
        if is_published { remote.depot.links(wanted, valid) } else { Links::default() }
    }

    /// The names and sizes of files that were published beside the content.
    ///
    /// # Errors
    /// It can't be asked.
    pub fn published_files(&self) -> Result<Vec<(String, u64)>, StoreError> {
        let Some(remote) = &self.remote else { return Ok(Vec::new()) };
        let items = remote.depot.list(&["", ARCHIVES]).map_err(|error| remote.error(error))?;
        Ok(items.into_iter().map(|item| (item.name, item.size)).collect())
    }

    /// What was published of the application: releases and archives, of which there may be two of one version.
    pub(super) fn all_published(&self) -> Result<Vec<Stored>, StoreError> {
        let Some(remote) = &self.remote else { return Ok(Vec::new()) };
        let manifests = self.below(&self.manifests_dir().join(self.app.as_str()));
        let items = remote.depot.list(&[&manifests, ARCHIVES, ""]).map_err(|error| remote.error(error))?;
        let stored = |item: &Item| if item.folder == manifests { of_manifest(item) } else { self.of_archive(item) };
        Ok(items.iter().filter_map(stored).collect())
    }

    fn of_archive(&self, item: &Item) -> Option<Stored> {
        let (version, kind) = choose::parse_archive_name(&self.app, &item.name)?;
        Some(Stored { version, kind, id: None, archive: Some(item.name.clone()), size: Some(item.size), commit: None })
    }

    /// The archive of that name on this machine, fetched if need be.
    pub(super) fn archive_here(&self, name: &str) -> Result<PathBuf, StoreError> {
        let path = self.archives_dir().join(name);
        if path.exists() || self.remote.is_none() {
            return Ok(path);
        }
        durable::make_private_dir(&self.archives_dir())?;
        let temp = durable::temp_file(&self.archives_dir())?.into_temp_path();
        if !self.fetch_file(name, &temp)? {
            let source = ArchiveError::Open { path: path.clone(), source: io::ErrorKind::NotFound.into() };
            return Err(StoreError::Archive { path, source: Box::new(source) });
        }
        durable::rename_all(vec![(temp, path.clone())])?;
        Ok(path)
    }

    /// The upgrade that was published, which this machine keeps from then on.
    pub(super) fn fetched_upgrade(&self, to: &Version) -> Result<Option<Upgrade>, StoreError> {
        let Some(remote) = &self.remote else { return Ok(None) };
        let path = self.below(&self.upgrade_path(to));
        let Some(bytes) = remote.depot.read(&path).map_err(|error| remote.error(error))? else { return Ok(None) };
        let upgrade = self.checked_upgrade(&bytes, &remote.shown(&path), to)?;
        self.here().put_upgrade(&upgrade)?;
        Ok(Some(upgrade))
    }

    /// The versions that upgrades were published to.
    pub(super) fn published_upgrades(&self) -> Result<Vec<Version>, StoreError> {
        let Some(remote) = &self.remote else { return Ok(Vec::new()) };
        let items = remote.depot.list(&[&self.below(&self.upgrades_dir())]).map_err(|error| remote.error(error))?;
        Ok(items.iter().filter_map(|item| item.name.strip_suffix(".json")?.parse().ok()).collect())
    }

    /// The same place in a depot.
    pub(super) fn below(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).expect("it lies in the store").to_str().expect("names and versions are text").to_owned()
    }
}

impl Remote {
    pub(super) fn asked(&self) -> std::sync::MutexGuard<'_, HashMap<Version, Option<Manifest>>> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// A file there, for messages.
    fn shown(&self, path: &str) -> PathBuf {
        format!("{}/{path}", self.depot.title()).into()
    }
    pub(super) fn error(&self, source: DepotError) -> StoreError {
        match source {
            DepotError::Store(error) => *error,
            source => StoreError::Depot { place: self.depot.title(), source: Box::new(source) },
        }
    }
    pub(super) fn tell(&self, what: &str, manifest: &Manifest, content: &[Content<'_>], way: &str) {
        let bytes = content.iter().map(|file| file.size).sum();
        let files = content.len();
        self.reporter.info(format!("{what} {} {way} {}: {} in {files} files", manifest.title(), self.depot.title(), size(bytes)));
    }
}

fn of_manifest(item: &Item) -> Option<Stored> {
    let version = item.name.strip_suffix(".json")?.parse().ok()?;
    Some(Stored { version, kind: StoredKind::Release, id: None, archive: None, size: None, commit: None })
}

/// Content that several files have is needed once.
pub(super) fn once_each<'a>(content: impl Iterator<Item = Content<'a>>) -> Vec<Content<'a>> {
    let mut known = HashSet::new();
    content.filter(|file| known.insert(file.sha256)).collect()
}
