//! A /usr with nothing but BusyBox, and sshd with the libraries it needs.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::During;
use crate::{LabError, files, tool};

/// Lays it out; nothing if that was done before.
pub(super) fn furnish(usr: &Path) -> Result<(), LabError> {
    let done = usr.join("ready");
    if done.exists() {
        return Ok(());
    }
    for dir in ["bin", "sbin", "lib", "lib64", "share"] {
        files::make_dir(&usr.join(dir), 0o755)?;
    }
    let missing = || LabError::NotPossible("busybox is not installed (Debian: busybox-static)".to_owned());
    let busybox = tool::find("busybox").ok_or_else(missing)?;
    copy(&busybox, &usr.join("bin/busybox"))?;
    let applets = tool::run(&[busybox.as_os_str(), "--list".as_ref()])?;
    for applet in applets.split_ascii_whitespace() {
        files::link("busybox", &usr.join("bin").join(applet))?;
    }
    for path in sshd_with_libraries()? {
        copy(&path, &usr.join(below_usr(&path)))?;
    }
    files::put(&done, "", 0o644)
}

/// sshd, the programs it executes for a session (since OpenSSH 9.8), and what all of them link to.
fn sshd_with_libraries() -> Result<BTreeSet<PathBuf>, LabError> {
    let sshd = tool::find("sshd").ok_or_else(|| LabError::NotPossible("sshd is not installed".to_owned()))?;
    let parts = ["/usr/lib/openssh/sshd-session", "/usr/lib/openssh/sshd-auth"].map(PathBuf::from);
    let mut found = BTreeSet::new();
    for program in [sshd].into_iter().chain(parts).filter(|path| path.exists()) {
        let listing = tool::run(&["ldd".as_ref(), program.as_os_str()])?;
        // `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)` or `/lib64/ld-linux-x86-64.so.2 (0x…)`
        let words = listing.lines().flat_map(str::split_ascii_whitespace);
        found.extend(words.filter(|word| word.starts_with('/')).map(PathBuf::from));
        found.insert(program);
    }
    Ok(found)
}

/// /lib may be a link to /usr/lib, and is one on the host.
fn below_usr(path: &Path) -> &Path {
    path.strip_prefix("/usr").or_else(|_| path.strip_prefix("/")).expect("an absolute path")
}

fn copy(from: &Path, to: &Path) -> Result<(), LabError> {
    let copy = || {
        if let Some(dir) = to.parent() {
            fs::create_dir_all(dir)?;
        }
        fs::copy(from, to).map(drop)
    };
    copy().during(|| format!("copy {}", from.display()))
}
