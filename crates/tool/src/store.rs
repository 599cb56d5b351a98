//! The release store: a folder on this machine with releases by content, and the classic archives of the original edeliver.
//!
//! ```text
//! store/blobs/ab/abcd…               content, named by its SHA-256
//! store/manifests/APP/VERSION.json   releases; what has a manifest is complete
//! store/upgrades/APP/VERSION.json    hot upgrades to that release: relup, and the releases they lead from
//! store/derived/APP/NAME/VERSION.json   what is made out of a release and takes a while; can be made anew
//! store/tmp/                         being written
//! store/lock                         held shared by writers, exclusively while garbage is collected
//! releases/APP_VERSION.release.tar.gz   classic archives
//! appup/OLD-NEW/APP.appup              instructions for hot upgrades that users may change
//! ```
//!
//! Everything is written under another name, synced and renamed, the manifest last; so a crash leaves at most garbage, which
//! [`Store::collect_garbage`] removes. Everything is checked when it is read. Several processes may use a store at the same time:
//! content is the same under the same name, whoever writes it, and a lock keeps garbage collection out while somebody writes.
//!
//! Where releases are kept elsewhere ([`crate::depot`]), this folder has what was built or used here, and nobody who uses the store needs to
//! know: what is asked for is fetched first (`remote`).
//!
//! All of this is synchronous; async callers use [`blocking`].

mod appups;
pub mod archive;
mod blob;
mod derived;
mod durable;
mod error;
mod garbage;
mod intake;
mod kept;
mod list;
pub(crate) mod parallel;
mod platform;
mod publish;
mod remote;
#[cfg(test)]
pub(crate) mod samples;
mod unpacked;
mod upgrades;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use edeliver_core::{
    choose::Stored,
    config::StoreSettings,
    name::{AppName, Version},
    release::{Digest, Manifest, ManifestId, RelPath},
};

pub use appups::{Author as AppupAuthor, StoredAppup};
use archive::ArchiveError;
pub use blob::BlobReader;
pub use error::StoreError;
pub use garbage::Collected;
pub use intake::{BlobWriter, Existing, Intake};
pub use list::{Listing, Odd};

/// The release store, as seen by one application. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    root: PathBuf,
    app: AppName,
    remote: Option<Arc<remote::Remote>>,
}

/// A file of a release whose content in the store is not as it should be.
#[derive(Debug)]
pub struct Damage {
    /// The file in the release.
    pub path: RelPath,
    /// What is wrong: the content is gone, was changed or can't be read.
    pub error: StoreError,
}

impl Store {
    /// The store of these settings, whose path counts from the current folder. Nothing is made yet: a store that isn't there is an
    /// empty one.
    ///
    /// # Errors
    /// The path can't be looked at, or is not a folder.
    pub fn open(settings: &StoreSettings, app: &AppName) -> Result<Self, StoreError> {
        let root = settings.path.clone();
        match fs::metadata(&root) {
            Ok(found) if !found.is_dir() => Err(StoreError::read(root, io::ErrorKind::NotADirectory.into())),
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(StoreError::read(root, source)),
            Ok(_) | Err(_) => Ok(Self { root, app: app.clone(), remote: None }),
        }
    }

    /// The store's folder (`RELEASE_STORE`).
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The application.
    pub fn app(&self) -> &AppName {
        &self.app
    }

    /// A release, whole and checked. Its content is checked when it is read. What was published counts; it is fetched if this machine has
    /// not got it, or has another build of that version.
    ///
    /// # Errors
    /// [`StoreError::Absent`] if the store has no manifest of that version; otherwise it can't be read or was changed.
    pub fn manifest(&self, version: &Version) -> Result<Manifest, StoreError> {
        match self.published(version)? {
            Some(manifest) => self.fetched(manifest),
            None => self.own_manifest(version),
        }
    }

    /// A release that this machine has.
    fn own_manifest(&self, version: &Version) -> Result<Manifest, StoreError> {
        self.read_manifest(&self.existing(version)?).map(|(_, manifest)| manifest)
    }

    /// Which build of that version this machine has. As much is checked as is needed for that.
    ///
    /// # Errors
    /// As [`Store::manifest`].
    pub fn manifest_id(&self, version: &Version) -> Result<ManifestId, StoreError> {
        let path = self.existing(version)?;
        let kept = fs::read(&path).map_err(|source| StoreError::read(&path, source))?;
        kept::read_id(&kept, &path)
    }

    fn existing(&self, version: &Version) -> Result<PathBuf, StoreError> {
        let path = self.manifest_path(version);
        match path.try_exists() {
            Ok(true) => Ok(path),
            Ok(false) => Err(StoreError::Absent { app: self.app.clone(), version: version.clone() }),
            Err(source) => Err(StoreError::read(path, source)),
        }
    }

    /// A release in either form. One that is there as a classic archive only is put into the store by content first.
    ///
    /// # Errors
    /// As [`Store::manifest`]; [`StoreError::Archive`] if the archive can't be used, [`StoreError::Misnamed`] if it has another release
    /// than its name says.
    pub fn release(&self, stored: &Stored) -> Result<Manifest, StoreError> {
        match (&stored.id, &stored.archive) {
            (None, Some(name)) if self.published(&stored.version)?.is_none() => {
                self.release_of_archive(&self.archive_here(name)?, &stored.version, Existing::Refuse)
            }
            _ => self.manifest(&stored.version),
        }
    }

    /// The release of an archive, which must have this version; it is put into the store by content.
    ///
    /// # Errors
    /// As [`Store::release`].
    pub fn release_of_archive(&self, path: &Path, version: &Version, existing: Existing) -> Result<Manifest, StoreError> {
        match self.import_archive_of(version, path, existing) {
            Ok(imported) => Ok(imported.manifest),
            Err(ArchiveError::Store(misnamed @ StoreError::Misnamed { .. })) => Err(misnamed),
            Err(source) => Err(StoreError::Archive { path: path.to_owned(), source: Box::new(source) }),
        }
    }

    /// Content, checked while it is read: the read at its end fails if it isn't what its name says.
    ///
    /// # Errors
    /// It is not there or can't be opened.
    pub fn open_blob(&self, digest: &Digest) -> Result<BlobReader, StoreError> {
        BlobReader::open(self, *digest, self.blob_path(*digest))
    }

    /// Reads all content of a release, and says what is wrong with it.
    pub fn verify(&self, manifest: &Manifest) -> Vec<Damage> {
        let contents: Vec<_> = manifest.contents().collect();
        let checked = parallel::map(parallel::processors(), &contents, |file| {
            let checked = self.open_blob(&file.sha256).and_then(BlobReader::check);
            checked.err().map(|error| Damage { path: file.path.clone(), error })
        });
        checked.into_iter().flatten().collect()
    }

    /// Starts to put something into the store; waits while garbage is collected.
    ///
    /// # Errors
    /// The store's folders can't be made or written.
    pub fn intake(&self) -> Result<Intake, StoreError> {
        Intake::new(self.clone())
    }

    /// The folder of the classic archives.
    pub fn archives_dir(&self) -> PathBuf {
        self.root.join("releases")
    }

    fn blob_path(&self, digest: Digest) -> PathBuf {
        let name = digest.to_string();
        self.blobs_dir().join(&name[..2]).join(&name)
    }

    fn blobs_dir(&self) -> PathBuf {
        self.root.join("store/blobs")
    }

    fn temp_dir(&self) -> PathBuf {
        self.root.join("store/tmp")
    }

    fn manifests_dir(&self) -> PathBuf {
        self.root.join("store/manifests")
    }

    fn manifest_path(&self, version: &Version) -> PathBuf {
        self.manifests_dir().join(self.app.as_str()).join(format!("{version}.json"))
    }

    /// The lock file, made with the folder it is in. That folder is for its owner alone: releases have cookies and passwords in
    /// them. Whoever wants to share a store changes its mode; it is set only here.
    fn lock_file(&self) -> Result<File, StoreError> {
        let dir = self.root.join("store");
        durable::make_private_dir(&dir)?;
        let path = dir.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&path);
        file.map_err(|source| StoreError::write(&path, source))
    }

    /// Files of releases that have this content, for messages: `lib/stdlib-4.2/ebin/lists.beam of hotapp 0.1.0`.
    fn users_of(&self, digest: Digest) -> Vec<String> {
        let manifests = self.all_manifests().unwrap_or_default();
        let manifests = manifests.iter().filter_map(|path| kept::read(&fs::read(path).ok()?, path).ok());
        let user = |(_, manifest): (_, Manifest)| {
            let file = manifest.contents().find(|file| file.sha256 == digest)?;
            Some(format!("{} of {}", file.path, manifest.title()))
        };
        manifests.filter_map(user).collect()
    }

    /// The manifests of all applications.
    fn all_manifests(&self) -> Result<Vec<PathBuf>, StoreError> {
        let mut manifests = Vec::new();
        for dir in entries(&self.manifests_dir())? {
            manifests.extend(entries(&dir)?.into_iter().filter(|path| path.extension().is_some_and(|end| end == "json")));
        }
        Ok(manifests)
    }
}

/// Does work on the store in a thread where it may block.
///
/// # Errors
/// Those of the work.
pub async fn blocking<T: Send + 'static, E: Send + 'static>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // It can't have been cancelled: nobody else has its handle.
        Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
    }
}

/// What lies in a folder, sorted by name; nothing in one that isn't there, or in what is no folder.
fn entries(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let read = || fs::read_dir(dir)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>();
    match read() {
        Ok(mut paths) => {
            paths.sort_unstable();
            Ok(paths)
        }
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(source) => Err(StoreError::read(dir, source)),
    }
}

#[cfg(test)]
mod tests;
