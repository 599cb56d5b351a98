//! Whether a run of this machine still lives: so that who was killed here, or lost a link, can go on at once and need not wait until its own
//! lease ends.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use edeliver_core::lease::Token;

/// The end of a mark's file name, beside the journals.
const EXTENSION: &str = ".lease";
/// A mark that is of no use any more goes after this time.
const OLD: Duration = Duration::from_secs(24 * 60 * 60);

/// A file that is locked as long as the holder of a lease lives. The kernel unlocks it, whatever the holder dies of.
#[derive(Debug)]
pub(super) struct Mark {
    path: PathBuf,
    _locked: File,
}

impl Mark {
    /// None, where files can't be made or locked: nobody is taken for dead then.
    pub(super) fn make(dir: &Path, token: &Token) -> Option<Self> {
        // The record of the run may not have been begun yet.
        DirBuilder::new().recursive(true).mode(0o700).create(dir).ok()?;
        sweep(dir);
        let path = path(dir, token);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).ok()?;
        let locked = file.try_lock();
        if locked.is_err() {
            let _ = fs::remove_file(&path);
            return None;
        }
        Some(Self { path, _locked: file })
    }
    /// The lease was let go of everywhere.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether the holder of this token ran on this machine, in this project, and is gone.
pub(super) fn is_dead(dir: &Path, token: &Token) -> bool {
    File::open(path(dir, token)).is_ok_and(|file| is_unlocked(&file))
}

/// Its lease was ended by somebody else.
pub(super) fn forget(dir: &Path, token: &Token) {
    let _ = fs::remove_file(path(dir, token));
}

fn is_unlocked(file: &File) -> bool {
    match file.try_lock_shared() {
        Ok(()) => true,
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => false,
    }
}

fn path(dir: &Path, token: &Token) -> PathBuf {
    dir.join(format!("{token}{EXTENSION}"))
}

/// Removes what the dead have left.
fn sweep(dir: &Path) {
    let is_old = |path: &Path| -> io::Result<bool> {
        let changed = fs::metadata(path)?.modified()?;
        Ok(SystemTime::now().duration_since(changed).is_ok_and(|age| age > OLD) && is_unlocked(&File::open(path)?))
    };
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.to_string_lossy().ends_with(EXTENSION) && is_old(&path).unwrap_or(false) {
            let _ = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_dead_when_nobody_has_its_mark_and_never_where_there_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let token: Token = "20260101-000000-aaaa-1".parse().unwrap();
        assert!(!is_dead(dir.path(), &token));
        let mark = Mark::make(&dir.path().join("runs"), &token).unwrap();
        let dir = dir.path().join("runs");
        assert!(!is_dead(&dir, &token));
        drop(mark);
        assert!(is_dead(&dir, &token));
        assert!(!is_dead(&dir, &"another".parse().unwrap()));
    }
}
