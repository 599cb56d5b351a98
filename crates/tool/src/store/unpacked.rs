//! Releases as folders, for people who look into one or change it by hand.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    os::unix::fs::{PermissionsExt as _, symlink},
    path::{Path, PathBuf},
};

use edeliver_core::{
    choose::{self, StoredKind},
    name::Version,
    release::{EntryKind, Manifest, RelPath},
};

use super::{Existing, Store, StoreError, archive::ArchiveError, durable};
use crate::tarball::{Packer, TarError, Writer};

/// It is read again at once.
const QUICKLY: u32 = 1;

impl Store {
    /// Where a release or upgrade of this version lies unpacked, or would.
    pub fn unpacked_dir(&self, version: &Version, kind: StoredKind) -> PathBuf {
        self.unpacked_root().join(format!("{}_{version}.{}", self.app(), kind.word()))
    }

    /// The versions that lie unpacked, the newest first.
    ///
    /// # Errors
    /// The folder can't be read.
    pub fn unpacked(&self, kind: StoredKind) -> Result<Vec<Version>, StoreError> {
        let (prefix, suffix) = (format!("{}_", self.app()), format!(".{}", kind.word()));
        let version = |path: PathBuf| path.file_name()?.to_str()?.strip_prefix(&prefix)?.strip_suffix(&suffix)?.parse().ok();
        let mut versions: Vec<Version> = super::entries(&self.unpacked_root())?.into_iter().filter_map(version).collect();
        versions.sort_by(|a, b| choose::by_age(b, a));
        Ok(versions)
    }

    fn unpacked_root(&self) -> PathBuf {
        self.root().join(".tmp")
    }

    /// Writes a release's files into this folder, in place of what is there, and more files beside them. It is for its owner alone.
    ///
    /// # Errors
    /// Content is missing or damaged, or something can't be written; what was there is whole then, or gone.
    pub fn unpack(&self, manifest: &Manifest, more: &[(String, Vec<u8>)], to: &Path) -> Result<(), StoreError> {
        let above = to.parent().unwrap_or(Path::new("."));
        durable::make_private_dir(above)?;
        let written = |source| StoreError::write(above, source);
        let temp = tempfile::Builder::new().prefix(".new-").tempdir_in(above).map_err(written)?;
        for entry in &manifest.files {
            self.write_entry(&temp.path().join(entry.path.as_str()), &entry.kind)?;
        }
        for (path, content) in more {
            fs::write(temp.path().join(path), content).map_err(written)?;
        }
        if to.exists() {
            fs::remove_dir_all(to).map_err(written)?;
        }
        fs::rename(temp.path(), to).map_err(written)?;
        let _ = temp.keep(); // it has its name now
        Ok(())
    }

    fn write_entry(&self, path: &Path, kind: &EntryKind) -> Result<(), StoreError> {
        let written = |source| StoreError::write(path, source);
        fs::create_dir_all(path.parent().expect("it is below a folder")).map_err(written)?;
        match kind {
            EntryKind::EmptyDir { .. } => fs::create_dir_all(path).map_err(written),
            EntryKind::Link { target } => symlink(target, path).map_err(written),
            EntryKind::File { mode, sha256, .. } => {
                let mut content = self.open_blob(sha256)?;
                let mut file = File::create(path).map_err(written)?;
                io::copy(&mut content, &mut file).map_err(written)?;
                file.set_permissions(fs::Permissions::from_mode(*mode)).map_err(written)
            }
        }
    }

    /// Puts the release of a folder, which must have this version, into the store. `without` is left out: it is not the release's own.
    ///
    /// # Errors
    /// As for an archive; nothing is in the store then.
    pub fn pack(&self, version: &Version, from: &Path, without: &[String], existing: Existing) -> Result<Manifest, ArchiveError> {
        let unreadable = |source| ArchiveError::from(StoreError::read(from, source));
        let temp = tempfile::NamedTempFile::new().map_err(unreadable)?;
        let mut archive = Writer::gzip(BufWriter::new(temp.as_file()), QUICKLY);
        add(from, from, without, &mut archive)?;
        archive.finish().map_err(unreadable)?.into_inner().map_err(|error| unreadable(error.into_error()))?;
        Ok(self.import_archive_of(version, temp.path(), existing)?.manifest)
    }
}

/// Everything in a folder, sorted by name.
fn add<P: Packer>(root: &Path, dir: &Path, without: &[String], archive: &mut Writer<P>) -> Result<(), ArchiveError> {
    for path in super::entries(dir)? {
        let unreadable = |source| ArchiveError::from(StoreError::read(&path, source));
        let name = path.strip_prefix(root).expect("it is below").to_string_lossy().into_owned();
        if without.contains(&name) {
            continue;
        }
        let place: RelPath = name.parse().map_err(TarError::Name)?;
        let metadata = fs::symlink_metadata(&path).map_err(unreadable)?;
        if metadata.is_symlink() {
            let target = fs::read_link(&path).map_err(unreadable)?;
            archive.link(&place, &target.to_string_lossy()).map_err(unreadable)?;
        } else if metadata.is_dir() {
            archive.dir(&place).map_err(unreadable)?;
            add(root, &path, without, archive)?;
        } else {
            let mut file = File::open(&path).map_err(unreadable)?;
            let mode = if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 };
            let copied = archive.file(&place, mode, metadata.len(), &mut file, &mut |_| {});
            copied.map_err(|source| ArchiveError::Content { path: place, source })?;
        }
    }
    Ok(())
}
