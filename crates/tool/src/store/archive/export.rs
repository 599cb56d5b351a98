//! Writing a release of the store as an archive.

use std::{
    io::{self, BufWriter, Write},
    path::PathBuf,
};

use edeliver_core::{
    choose::{StoredKind, archive_name},
    name::{NameError, Version},
    release::{Entry, EntryKind, Manifest, RelPath, ReleaseKind, Upgrade},
};

use super::ArchiveError;
use crate::{
    relup,
    store::{Store, StoreError, durable},
    tarball::{CopyError, Packer, TarError, Writer},
};

/// gzip's level: the usual one.
const LEVEL: u32 = 6;

impl Store {
    /// Where the archive of a release lies, or would.
    pub fn archive_path(&self, version: &Version) -> PathBuf {
        self.archives_dir().join(format!("{}_{version}.release.tar.gz", self.app))
    }

    /// Writes the archive of a release, in place of one of the same name, and tells where it is. The same release gives the same
    /// bytes.
    ///
    /// # Errors
    /// [`ArchiveError`]: content is missing or damaged, or the archive can't be written; an archive that was there stays.
    pub fn export_archive(&self, manifest: &Manifest) -> Result<PathBuf, ArchiveError> {
        self.export(self.archive_path(&manifest.version), manifest, &[])
    }

    /// Writes the classic archive of an upgrade: the whole release, with the relup and what it needs.
    ///
    /// # Errors
    /// As [`Store::export_archive`].
    pub fn export_upgrade(&self, manifest: &Manifest, upgrade: &Upgrade) -> Result<PathBuf, ArchiveError> {
        let name = archive_name(&self.app, &manifest.version, StoredKind::Upgrade);
        let place = |name: &str| format!("releases/{}/{name}", manifest.version);
        let more = [(place("edeliver_agent.beam"), relup::AGENT), (place("relup"), upgrade.relup.as_bytes())];
        self.export(self.archives_dir().join(name), manifest, &more)
    }

    fn export(&self, path: PathBuf, manifest: &Manifest, more: &[(String, &[u8])]) -> Result<PathBuf, ArchiveError> {
        let dir = self.archives_dir();
        durable::make_private_dir(&dir)?;
        let mut temp = durable::temp_file(&dir)?;
        let unwritable = |source| ArchiveError::from(StoreError::write(&path, source));
        let mut archive = Writer::gzip(BufWriter::new(temp.as_file_mut()), LEVEL);
        fill(self, manifest, &mut archive, &unwritable)?;
        add(manifest, more, &mut archive, &unwritable)?;
        archive.finish().and_then(|mut file| file.flush()).map_err(unwritable)?;
        durable::rename_all(vec![(temp.into_temp_path(), path.clone())])?;
        Ok(path)
    }
}

/// Writes the entries in the manifest's order, which is that of their paths.
fn fill<P: Packer>(
    store: &Store,
    manifest: &Manifest,
    to: &mut Writer<P>,
    unwritable: &impl Fn(io::Error) -> ArchiveError,
) -> Result<(), ArchiveError> {
    for Entry { path, kind } in &manifest.files {
        let place = place(manifest, path).map_err(TarError::Name)?;
        match kind {
            EntryKind::EmptyDir { .. } => to.dir(&place).map_err(unwritable)?,
            EntryKind::Link { target } => to.link(&place, target).map_err(unwritable)?,
            EntryKind::File { mode, size, sha256 } => {
                let mut content = store.open_blob(sha256)?;
                to.file(&place, *mode, *size, &mut content, &mut |_| {}).map_err(|error| match error {
                    CopyError::Write(source) => unwritable(source),
                    source => ArchiveError::Content { path: path.clone(), source },
                })?;
            }
        }
    }
    Ok(())
}

/// Files that are not the release's own.
fn add<P: Packer>(
    manifest: &Manifest,
    more: &[(String, &[u8])],
    to: &mut Writer<P>,
    unwritable: &impl Fn(io::Error) -> ArchiveError,
) -> Result<(), ArchiveError> {
    for (path, content) in more {
        let path: RelPath = path.parse().map_err(TarError::Name)?;
        let place = place(manifest, &path).map_err(TarError::Name)?;
        let written = to.file(&place, 0o644, content.len() as u64, &mut &content[..], &mut |_| {});
        written.map_err(|error| match error {
            CopyError::Write(source) => unwritable(source),
            source => ArchiveError::Content { path, source },
        })?;
    }
    Ok(())
}

/// A path in the archive. The original unpacks archives of mix in the application's folder, all others in the one above.
fn place(manifest: &Manifest, path: &RelPath) -> Result<RelPath, NameError> {
    match manifest.kind {
        ReleaseKind::Mix | ReleaseKind::Distillery => Ok(path.clone()),
        ReleaseKind::Relx => format!("{}/{path}", manifest.app).parse(),
    }
}
