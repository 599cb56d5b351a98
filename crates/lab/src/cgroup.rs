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

/// Shows the control groups at this place: version 2, or where the machine still has systemd's own hierarchy of version 1, that.
pub(crate) fn mount(target: &Path) -> Result<(), LabError> {
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    if !has_named_hierarchy() {
        return mounts::fresh("cgroup2", target, plain, "");
    }
    mounts::fresh("tmpfs", target, plain, "mode=755,size=1m")?;
    let named = target.join("systemd");
    files::make_dir(&named, 0o755)?;
    mounts::fresh("cgroup", &named, plain, "none,name=systemd,xattr")
}

/// Puts this process, and what it will start, into the host's own group, and hides all others.
pub(crate) fn enter(state: &StateDir, host: &HostName) -> Result<(), LabError> {
    mount(Path::new(PLACE))?;
    let group = top().join(name(state)).join(host.as_str());
    files::make_dir(&group, 0o755)?;
    fs::write(group.join("cgroup.procs"), "0").during(|| format!("enter {}", group.display()))?;
    unshare(CloneFlags::CLONE_NEWCGROUP).during(|| "make a namespace of control groups".to_owned())
}

/// Removes what a dead lab's hosts left. Its last processes may still be on their way out.
pub(crate) fn clear(state: &StateDir) {
    let top = top().join(name(state));
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

fn top() -> PathBuf {
    let place = Path::new(PLACE);
    if has_named_hierarchy() { place.join("systemd") } else { place.to_owned() }
}

fn has_named_hierarchy() -> bool {
    fs::read_to_string("/proc/self/cgroup").is_ok_and(|groups| groups.contains("name=systemd"))
}

/// Of the state directory, which no two labs share.
fn name(state: &StateDir) -> String {
    let plain =
        state.path().as_os_str().as_bytes().iter().map(|byte| if byte.is_ascii_alphanumeric() { char::from(*byte) } else { '-' });
    format!("edeliver-lab{}", plain.collect::<String>())
}
