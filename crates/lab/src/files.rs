//! Writing files and directories with mode and owner.

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};

use crate::LabError;
use crate::error::During;

/// Makes a directory and its parents; the last one gets the mode.
pub(crate) fn make_dir(path: &Path, mode: u32) -> Result<(), LabError> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .during(|| format!("make {}", path.display()))
}

/// Writes a file whole or not at all; readers never see half of it.
pub(crate) fn put(path: &Path, text: &str, mode: u32) -> Result<(), LabError> {
    let write = || {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        let mut aside = PathBuf::from(path).into_os_string();
        aside.push(".new");
        fs::write(&aside, text)?;
        fs::set_permissions(&aside, fs::Permissions::from_mode(mode))?;
        fs::rename(&aside, path)
    };
    write().during(|| format!("write {}", path.display()))
}

/// Gives a file to an account.
pub(crate) fn give(path: &Path, uid: u32) -> Result<(), LabError> {
    chown(path, Some(uid), Some(uid)).during(|| format!("give {} to {uid}", path.display()))
}

/// Reads a file that has to be there.
pub(crate) fn read(path: &Path) -> Result<String, LabError> {
    fs::read_to_string(path).during(|| format!("read {}", path.display()))
}

/// Whether there is anything of that name, be it a dangling link.
pub(crate) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Makes a symbolic link unless the name is taken.
pub(crate) fn link(target: &str, path: &Path) -> Result<(), LabError> {
    if is_there(path) {
        return Ok(());
    }
    std::os::unix::fs::symlink(target, path).during(|| format!("link {}", path.display()))
}
