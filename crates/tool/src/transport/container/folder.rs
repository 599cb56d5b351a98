//! The folder that a build container works in. One container has it at a time: the scripts of a build know each other by their process
//! numbers, and those of two containers mean nothing to each other.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

/// Nobody builds more at a time on one machine.
const MOST: usize = 64;

/// The first of `folder`, `folder-2`, `folder-3` … in which nobody works, and what keeps others out of it while it is open.
pub(super) fn free(folder: &Path) -> io::Result<(PathBuf, File)> {
    let beside = |n| PathBuf::from(format!("{}-{n}", folder.display()));
    for candidate in std::iter::once(folder.to_owned()).chain((2..=MOST).map(beside)) {
        fs::create_dir_all(&candidate)?;
        let lock = File::create(candidate.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => return Ok((candidate, lock)),
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Err(io::Error::other(format!("{MOST} builds are running in containers")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_that_build_at_a_time_have_folders_of_their_own_and_the_next_has_the_first_again() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("container");
        let (first, held) = free(&folder).unwrap();
        let (second, _other) = free(&folder).unwrap();
        assert_eq!((&first, second), (&folder, dir.path().join("container-2")));
        drop(held);
        assert_eq!(free(&folder).unwrap().0, folder);
    }
}
