//! What the store has.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use edeliver_core::{
    choose::{self, Stored, StoredKind},
    name::Version,
    release::{Manifest, ManifestId},
};

use super::{Store, StoreError, entries, kept};

/// What the store has of one application.
#[derive(Debug, Default)]
pub struct Listing {
    /// Its releases, oldest first.
    pub stored: Vec<Stored>,
    /// Files that look like releases of it and can't be used.
    pub odd: Vec<Odd>,
}

/// A file that looks like a release and can't be used.
#[derive(Debug)]
pub struct Odd {
    /// The file.
    pub path: PathBuf,
    /// Why.
    pub error: StoreError,
}

type Found = BTreeMap<(Version, StoredKind), Stored>;

impl Store {
    /// All releases of the application, in either form, here and elsewhere; one that is there in several is listed once. Foreign files and
    /// files on their way are passed over.
    ///
    /// # Errors
    /// A folder can't be read.
    pub fn list(&self) -> Result<Listing, StoreError> {
        let mut listing = Listing::default();
        let mut found = Found::new();
        for path in entries(&self.manifests_dir().join(self.app.as_str()))? {
            if path.extension().is_some_and(|end| end == "json") {
                match self.read_manifest(&path) {
                    Ok((id, manifest)) => add(&mut found, of_manifest(id, &manifest)),
                    Err(error) => listing.odd.push(Odd { path, error }),
                }
            }
        }
        for path in entries(&self.archives_dir())? {
            if let Some(archive) = self.archive_at(&path)? {
                add(&mut found, archive);
            }
        }
        self.all_published()?.into_iter().for_each(|stored| add_published(&mut found, stored));
        listing.stored = found.into_values().collect();
        choose::sort(&mut listing.stored);
        Ok(listing)
    }

    /// The manifest in this file, which must be that of the release the file is named after.
    pub(super) fn read_manifest(&self, path: &Path) -> Result<(ManifestId, Manifest), StoreError> {
        let bytes = fs::read(path).map_err(|source| StoreError::read(path, source))?;
        self.checked_manifest(&bytes, path)
    }

    /// The manifest in these bytes, which a file of this name has, wherever it is.
    pub(super) fn checked_manifest(&self, bytes: &[u8], path: &Path) -> Result<(ManifestId, Manifest), StoreError> {
        let (id, manifest) = kept::read(bytes, path)?;
        let named_after = path.file_stem().is_some_and(|name| name == manifest.version.as_str());
        if manifest.app != self.app || !named_after {
            return Err(StoreError::Misnamed { path: path.to_owned(), title: manifest.title() });
        }
        Ok((id, manifest))
    }

    fn archive_at(&self, path: &Path) -> Result<Option<Stored>, StoreError> {
        let name = path.file_name().and_then(|name| name.to_str());
        let parsed = name.and_then(|name| Some((name, choose::parse_archive_name(&self.app, name)?)));
        let Some((name, (version, kind))) = parsed else { return Ok(None) };
        let metadata = fs::metadata(path).map_err(|source| StoreError::read(path, source))?;
        let stored = Stored { version, kind, id: None, archive: Some(name.to_owned()), size: Some(metadata.len()), commit: None };
        Ok(metadata.is_file().then_some(stored))
    }
}

fn of_manifest(id: ManifestId, manifest: &Manifest) -> Stored {
    Stored {
        version: manifest.version.clone(),
        kind: StoredKind::Release,
        id: Some(id),
        archive: None,
        size: Some(manifest.size()),
        commit: manifest.commit.clone(),
    }
}

/// Manifests come first, so an archive only adds its name to what is there.
fn add(found: &mut Found, stored: Stored) {
    let archive = stored.archive.clone();
    let known = found.entry((stored.version.clone(), stored.kind)).or_insert(stored);
    known.archive = archive;
}

/// What this machine has says more. A release that was published as an archive and by content is listed once.
fn add_published(found: &mut Found, stored: Stored) {
    let (archive, size) = (stored.archive.clone(), stored.size);
    let known = found.entry((stored.version.clone(), stored.kind)).or_insert(stored);
    known.archive = known.archive.take().or(archive);
    known.size = known.size.or(size);
}
