//! Control groups, which systemd needs as PID 1: each of its hosts has a branch of the machine's tree, and sees nothing but that.
//!
//! They are the one thing that outlives its processes: empty directories, named after the lab, which whoever takes it down removes.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::mount::MsFlags;
use nix::sched::{CloneFlags, unshare};

use crate::error::During;
use crate::state::StateDir;
use crate::{HostName, LabError, files, mounts};

/// Where systemd looks for them.
const PLACE: &str = "/sys/fs/cgroup";

/// Shows the control groups at this place: version 2, which is all that systemd knows since its version 258.
pub(crate) fn mount(target: &Path) -> Result<(), LabError> {
    mounts::fresh("cgroup2", target, MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC, "")
}

/// Puts this process, and what it will start, into the host's own group, and hides all others.
pub(crate) fn enter(state: &StateDir, host: &HostName) -> Result<(), LabError> {
    mount(Path::new(PLACE))?;
    let group = Path::new(PLACE).join(name(state)).join(host.as_str());
    files::make_dir(&group, 0o755)?;
    fs::write(group.join("cgroup.procs"), "0").during(|| format!("enter {}", group.display()))?;
    unshare(CloneFlags::CLONE_NEWCGROUP).during(|| "make a namespace of control groups".to_owned())
}

/// Removes what a dead lab's hosts left. Its last processes may still be on their way out.
pub(crate) fn clear(state: &StateDir) {
    let Some(top) = machines().map(|top| top.join(name(state))) else { return };
    for _ in 0..50 {
        match remove(&top) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => std::thread::sleep(Duration::from_millis(100)),
            _ => return,
        }
    }
}

/// Such a directory can't be removed with what seems to lie in it, its files.
fn remove(group: &Path) -> io::Result<()> {
    for entry in fs::read_dir(group)?.flatten() {
        if entry.file_type()?.is_dir() {
            remove(&entry.path())?;
        }
    }
    fs::remove_dir(group)
}

/// Where the machine has them: below [`PLACE`] where it has those of version 1 too.
fn machines() -> Option<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let found = mounts.lines().map(|line| line.split(' ')).find_map(|mut words| match (words.nth(1), words.next()) {
        (Some(place), Some("cgroup2")) => Some(place),
        _ => None,
    });
    found.map(PathBuf::from)
}

/// Of the state directory, which no two labs share.
fn name(state: &StateDir) -> String {
    let plain =
        state.path().as_os_str().as_bytes().iter().map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '-' });
    format!("edeliver-lab{}", plain.collect::<String>())
}
