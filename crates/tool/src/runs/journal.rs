//! Writing the journal of one run: the events as JSON lines, in a file that only its owner may read.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::Path,
    time::Duration,
};

use edeliver_core::event::{Event, EventKind};
use rustix::fs::{FlockOperation, flock};

use crate::ui::{Render, json::Json};

/// How many journals stay. A run is a few KB, a verbose build some hundred: this is far below what anybody notices on a disk.
const KEPT: usize = 200;

/// The journal of the run that goes on.
pub struct Journal {
    lines: Json<File>,
}

impl Journal {
    /// Makes the file, and the folder for it, and removes the oldest journals beyond a limit. The file stays locked while the run goes on,
    /// which tells a running run from one that was killed.
    ///
    /// # Errors
    /// When it can't be made, or a file of this name exists.
    pub fn create(path: &Path) -> io::Result<Self> {
        let dir = path.parent().unwrap_or(Path::new("."));
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        keep_out_of_git(dir);
        // A file system without locks costs no more than the word "running" in a list.
        lock(&file);
        prune(dir, KEPT);
        Ok(Self { lines: Json::new(file) })
    }
}

/// Who looks whether a run goes on holds the lock for less than a millisecond.
const TRIES: u32 = 20;

fn lock(file: &File) {
    for _ in 0..TRIES {
        match flock(file, FlockOperation::NonBlockingLockExclusive) {
            Err(rustix::io::Errno::WOULDBLOCK) => std::thread::sleep(Duration::from_millis(2)),
            _ => return,
        }
    }
}

impl Render for Journal {
    /// Progress is left out: what it says is of no interest once the step is over.
    fn event(&mut self, event: &Event) -> io::Result<()> {
        match event.kind {
            EventKind::Progress { .. } => Ok(()),
            _ => self.lines.event(event),
        }
    }
    fn name(&self) -> &'static str {
        "the journal of this run"
    }
}

/// Journals are no part of the project, and must not make its working tree look changed. Where this can't be written, it does no harm.
fn keep_out_of_git(dir: &Path) {
    let ignore = dir.join(".gitignore");
    if !ignore.exists() {
        let _ = std::fs::write(ignore, "*\n");
    }
}

/// Removes the oldest journals beyond this many. A journal that can't be removed does no harm.
fn prune(dir: &Path, keep: usize) {
    let Ok(ids) = super::ids(dir) else { return };
    for old in ids.iter().rev().skip(keep) {
        let _ = std::fs::remove_file(super::file_of(dir, old));
        let _ = std::fs::remove_file(super::page_of(dir, old));
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_the_owner_may_read_it_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let runs = dir.path().join("runs");
        std::fs::create_dir(&runs).unwrap();
        for number in 0..=KEPT {
            std::fs::write(runs.join(format!("20250101-000000-{number:04x}.jsonl")), "").unwrap();
        }
        std::fs::write(runs.join("notes.txt"), "mine").unwrap();
        let path = runs.join("20260101-000000-aaaa.jsonl");
        let _journal = Journal::create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let left = crate::runs::ids(&runs).unwrap();
        assert_eq!(left.len(), KEPT);
        assert_eq!(left.last().unwrap().as_str(), "20260101-000000-aaaa");
        assert_eq!(left[0].as_str(), "20250101-000000-0002");
        assert_eq!(std::fs::read_to_string(runs.join(".gitignore")).unwrap(), "*\n");
        assert!(runs.join("notes.txt").exists(), "what is no journal is not ours to remove");
    }

    #[test]
    fn somebody_who_looks_just_then_does_not_keep_the_lock_from_the_run() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let opened = || File::open(file.path()).unwrap();
        let (ours, theirs) = (opened(), opened());
        flock(&theirs, FlockOperation::NonBlockingLockShared).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(5));
                flock(&theirs, FlockOperation::Unlock).unwrap();
            });
            lock(&ours);
        });
        assert!(flock(&theirs, FlockOperation::NonBlockingLockShared).is_err(), "nobody could tell that the run goes on");
    }

    #[test]
    fn a_new_folder_is_private_and_no_journal_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/runs/20260101-000000-aaaa.jsonl");
        drop(Journal::create(&path).unwrap());
        let mode = std::fs::metadata(path.parent().unwrap()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert!(Journal::create(&path).is_err());
    }
}
