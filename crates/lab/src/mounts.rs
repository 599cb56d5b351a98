//! Mounting, in the words the lab needs.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;

use nix::mount::{MntFlags, MsFlags, mount, umount2};

use crate::error::During;
use crate::{LabError, namespace};

const NOTHING: Option<&str> = None;

/// Whatever is mounted from here on stays in this mount namespace.
pub(crate) fn make_private() -> Result<(), LabError> {
    mount(NOTHING, "/", NOTHING, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NOTHING).during(|| "make mounts private".to_owned())
}

/// A file system without a device: proc, sysfs, tmpfs, devpts, overlay.
pub(crate) fn fresh(kind: &str, target: &Path, flags: MsFlags, options: &str) -> Result<(), LabError> {
    mount(Some(kind), target, Some(kind), flags, Some(options)).during(|| format!("mount {kind} on {}", target.display()))
}

/// The same tree or file in a second place.
pub(crate) fn bind(source: &Path, target: &Path) -> Result<(), LabError> {
    mount(Some(source), target, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REC, NOTHING)
        .during(|| format!("bind {} to {}", source.display(), target.display()))
}

/// The same tree over itself, with restrictions.
pub(crate) fn restrict(path: &Path, flags: MsFlags) -> Result<(), LabError> {
    restricted(path, path, flags)
}

/// The same tree in a second place, with restrictions.
pub(crate) fn restricted(source: &Path, target: &Path, flags: MsFlags) -> Result<(), LabError> {
    bind(source, target)?;
    mount(NOTHING, target, NOTHING, MsFlags::MS_BIND | MsFlags::MS_REMOUNT | flags, NOTHING)
        .during(|| format!("restrict {}", target.display()))
}

/// Takes off the topmost mount of that place; who uses it keeps it.
pub(crate) fn take_off(target: &Path) -> Result<(), LabError> {
    umount2(target, MntFlags::MNT_DETACH).during(|| format!("unmount {}", target.display()))
}

/// What is written to on a host. The root itself is in use and cannot be covered; what lies in it can.
const WRITTEN: [&str; 8] = ["/etc", "/home", "/opt", "/root", "/srv", "/tmp", "/usr", "/var"];

/// Hidden verb `__mount`: a change among the mounts of the host with that PID 1.
pub(crate) fn change(init: i32, change: &str, path: &Path, size: &str) -> Result<(), LabError> {
    namespace::join(Path::new(&format!("/proc/{init}")), "mnt")?;
    let paths = if path == Path::new("/") { WRITTEN.map(Path::new).to_vec() } else { vec![path] };
    let apply = |path: &&Path| match change {
        "readonly" => restrict(path, MsFlags::MS_RDONLY),
        "noexec" => restrict(path, MsFlags::MS_NOEXEC),
        "undo" => take_off(path),
        _ => cover_with_disk(path, size),
    };
    paths.iter().try_for_each(apply)
}

/// An empty disk of that size, with the covered directory's owner and mode.
fn cover_with_disk(path: &Path, size: &str) -> Result<(), LabError> {
    let of_before = path.metadata().during(|| format!("look at {}", path.display()))?;
    fresh("tmpfs", path, MsFlags::MS_NOSUID | MsFlags::MS_NODEV, &format!("size={size}"))?;
    let restore = || {
        chown(path, Some(of_before.uid()), Some(of_before.gid()))?;
        std::fs::set_permissions(path, of_before.permissions())
    };
    restore().during(|| format!("restore the owner of {}", path.display()))
}
