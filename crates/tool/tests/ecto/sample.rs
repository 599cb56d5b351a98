//! A release with two repositories of Ecto, the second in an application of its own.

use std::{path::Path, process::Command};

use tempfile::TempDir;

/// The release, in the folder `release`; `libraries` is the folder with the sources of Ecto, or of what stands for it.
pub(crate) fn built(libraries: &Path) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ecto/sample"), &dir.path().join("sample"));
    let release = Command::new("mix")
        .args(["release", "--quiet", "--overwrite", "--path"])
        .arg(dir.path().join("release"))
        .env("MIX_ENV", "prod")
        .env("MIX_ARCHIVES", libraries.join("archives"))
        .env("ECTO_LIBRARIES", libraries)
        .current_dir(dir.path().join("sample/shop"))
        .output()
        .unwrap();
    assert!(release.status.success(), "{}{}", String::from_utf8_lossy(&release.stdout), String::from_utf8_lossy(&release.stderr));
    dir
}

pub(crate) fn copy(from: &Path, to: &Path) {
    assert!(Command::new("cp").arg("-a").args([from, to]).status().unwrap().success());
}
