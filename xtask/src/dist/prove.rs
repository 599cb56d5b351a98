//! Installs the archive and the package in a bare Debian, and uses them there.

use std::{error::Error, path::Path, process::Command};

use super::{Dist, done};
use crate::matrix;

const WITHIN: &str = include_str!("prove.sh");

/// Does it.
///
/// # Errors
/// The system can't be made, or something does not work in it.
pub(super) fn prove(dist: &Dist, made: &Path, suite: &str) -> Result<(), Box<dyn Error>> {
    let home = tempfile::TempDir::with_prefix("edeliver-dist-")?;
    let system = home.path().join(suite);
    matrix::debootstrap(&system, suite, &[])?;
    let shared = system.join("dist");
    std::fs::create_dir(&shared)?;
    for entry in std::fs::read_dir(made)? {
        let entry = entry?;
        std::fs::copy(entry.path(), shared.join(entry.file_name()))?;
    }
    let enter = "mount -t proc proc \"$1/proc\" && exec chroot \"$@\"";
    let mut within = Command::new("unshare");
    within.args(["--mount", "--propagation", "private", "sh", "-c", enter, "sh"]).arg(&system);
    done(within.args(["sh", "-c", WITHIN, "sh", &dist.name(), &dist.version]))?;
    println!("xtask: both work in a bare Debian {suite}");
    Ok(())
}
