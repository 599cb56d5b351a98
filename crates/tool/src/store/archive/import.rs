//! Reading an archive into the store.

use std::{
    collections::{HashMap, HashSet},
    fs::File,
    io::Read as _,
    path::Path,
};

use edeliver_core::{
    name::Version,
    release::{Entry, EntryKind, Found, Manifest, RelPath},
};

use super::ArchiveError;
use crate::{
    store::{Existing, Intake, Store, StoreError},
    tarball::{ContentError, Member, MemberKind, Reader},
};

/// What an archive may unpack to, in bytes: this much always, and this many times its own size. Releases are packed 2 to 5 times
/// smaller than they are; gzip can make a thousand times of it.
const ALWAYS: u64 = 1 << 30;
const TIMES: u64 = 50;

/// Files and folders; releases have some thousand.
const MEMBERS: usize = 500_000;

/// The longest `releases/start_erl.data` read, in bytes: it has two words.
const START_ERL: u64 = 4096;

/// The file by which a release is found in an archive.
const MARK: &str = "releases/start_erl.data";

/// A release that came out of an archive.
#[derive(Debug)]
pub struct Imported {
    /// The release, which is in the store now.
    pub manifest: Manifest,
    /// Files of the archive that are not part of it: logs, other releases.
    pub left_out: Vec<RelPath>,
}

impl Store {
    /// Puts the release of an archive into the store. What it was built from is not known: an archive doesn't say.
    ///
    /// # Errors
    /// [`ArchiveError`]; nothing is in the store then.
    pub fn import_archive(&self, path: &Path, existing: Existing) -> Result<Imported, ArchiveError> {
        self.import(path, None, existing)
    }

    /// The same for an archive that must have this version; what else it has does not get into the store.
    ///
    /// # Errors
    /// [`ArchiveError`]; [`StoreError::Misnamed`] in it if it has another version.
    pub(in crate::store) fn import_archive_of(
        &self,
        version: &Version,
        path: &Path,
        existing: Existing,
    ) -> Result<Imported, ArchiveError> {
        self.import(path, Some(version), existing)
    }

    fn import(&self, path: &Path, only: Option<&Version>, existing: Existing) -> Result<Imported, ArchiveError> {
        let unreadable = |source| ArchiveError::Open { path: path.to_owned(), source };
        let file = File::open(path).map_err(unreadable)?;
        let size = file.metadata().map_err(unreadable)?.len();
        let intake = self.intake()?;
        let imported = release(&intake, listing(&intake, file, limit(size))?)?;
        if let Some(version) = only
            && imported.manifest.version != *version
        {
            return Err(StoreError::Misnamed { path: path.to_owned(), title: imported.manifest.title() }.into());
        }
        intake.finish(&imported.manifest, existing)?;
        Ok(imported)
    }
}

/// What an archive of this size may unpack to, in bytes.
pub(super) fn limit(size: u64) -> u64 {
    size.saturating_mul(TIMES).max(ALWAYS)
}

/// Takes all content, and lists what the archive has.
pub(super) fn listing(intake: &Intake, file: File, limit: u64) -> Result<Vec<Entry>, ArchiveError> {
    let mut members = Members::default();
    Reader::new(file, limit)?.members(|member| members.take(intake, member))?;
    Ok(members.entries())
}

/// The release among the files of an archive.
fn release(intake: &Intake, listing: Vec<Entry>) -> Result<Imported, ArchiveError> {
    let listing = at_root(listing)?;
    let found = Found::recognise(&listing, &start_erl(intake, &listing)?)?;
    let selected = found.select(listing);
    let platform = intake.platform(selected.files.iter().filter_map(Entry::content))?;
    let manifest = found.manifest(None, platform, selected.files)?;
    Ok(Imported { manifest, left_out: selected.left_out })
}

/// The members seen so far.
#[derive(Default)]
struct Members {
    /// Files, links and directories, which are `None`.
    seen: HashMap<RelPath, Option<EntryKind>>,
}

impl Members {
    fn take(&mut self, intake: &Intake, member: &mut Member<'_>) -> Result<(), ArchiveError> {
        let path = member.path.clone();
        if self.seen.len() == MEMBERS {
            return Err(ArchiveError::TooMany { limit: MEMBERS });
        }
        // Archivers list a directory again when they are told to add to an archive.
        let known = self.seen.get(&path);
        if known.is_some_and(|known| known.is_some() || member.kind != MemberKind::Dir) {
            return Err(ArchiveError::Twice { path });
        }
        let kind = match member.kind.clone() {
            MemberKind::Dir => None,
            MemberKind::Link { target } => Some(EntryKind::Link { target }),
            MemberKind::File { mode, .. } => Some(content(intake, member, mode)?),
        };
        self.seen.insert(path, kind);
        Ok(())
    }

    /// Directories are implied by what is in them; those with nothing in them are entries.
    fn entries(self) -> Vec<Entry> {
        let full: HashSet<&str> = self.seen.keys().flat_map(|path| above(path.as_str())).collect();
        let entry = |(path, kind): (&RelPath, &Option<EntryKind>)| match kind {
            None if full.contains(path.as_str()) => None,
            None => Some(Entry { path: path.clone(), kind: EntryKind::EmptyDir { dir: true } }),
            Some(kind) => Some(Entry { path: path.clone(), kind: kind.clone() }),
        };
        let mut entries: Vec<Entry> = self.seen.iter().filter_map(entry).collect();
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        entries
    }
}

/// The directories that a path is in.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end])
}

fn content(intake: &Intake, member: &mut Member<'_>, mode: u32) -> Result<EntryKind, ArchiveError> {
    let mut blob = intake.writer(None)?;
    member.copy_to(&mut blob, &mut |_| {}).map_err(|error| match error {
        ContentError::Tar(error) => ArchiveError::Tar(error),
        ContentError::Write(source) => StoreError::write(intake.store().root(), source).into(),
    })?;
    let (sha256, size) = blob.finish()?;
    Ok(EntryKind::File { mode, size, sha256 })
}

/// The listing with paths below the release's root, which is the top of the archive or the one folder in it.
fn at_root(listing: Vec<Entry>) -> Result<Vec<Entry>, ArchiveError> {
    if listing.iter().any(|entry| entry.path.as_str() == MARK) {
        return Ok(listing);
    }
    let root =
        |entry: &Entry| entry.path.as_str().strip_suffix(MARK).filter(|root| root.matches('/').count() == 1).map(str::to_owned);
    let root = listing.iter().find_map(root).ok_or(ArchiveError::NoRelease)?;
    let below = |entry: Entry| match entry.path.as_str().strip_prefix(&root).and_then(|path| path.parse().ok()) {
        Some(path) => Ok(Entry { path, ..entry }),
        None => Err(ArchiveError::Beside { path: entry.path, root: root.clone() }),
    };
    listing.into_iter().map(below).collect()
}

fn start_erl(intake: &Intake, listing: &[Entry]) -> Result<String, ArchiveError> {
    let mark = listing.iter().find(|entry| entry.path.as_str() == MARK).and_then(Entry::content);
    let digest = mark.filter(|file| file.size <= START_ERL).ok_or(ArchiveError::NoRelease)?.sha256;
    let mut text = Vec::new();
    let read = intake.open_blob(&digest)?.read_to_end(&mut text);
    read.map_err(|source| StoreError::read(intake.store().root(), source))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}
