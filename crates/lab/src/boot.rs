//! Hidden verb `__host`: PID 1 of a host. Builds the host's world around itself, then becomes its init.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use nix::mount::MsFlags;
use rustix::thread::CapabilitySet;
use serde::{Deserialize, Serialize};

use crate::disk::systemd;
use crate::error::During;
use crate::hub::cable;
use crate::state::StateDir;
use crate::tool::SYSTEM_PATH;
use crate::{Base, HostName, LabError, cgroup, disk, files, mounts, namespace, tool, usr};

/// What the hub tells a new host, once its cable is plugged in.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BootOrder {
    pub(crate) name: HostName,
    pub(crate) address: Ipv4Addr,
    pub(crate) base: Base,
    /// Hosts it is split from.
    pub(crate) hidden: Vec<Ipv4Addr>,
}

const INIT: &str = include_str!("boot/init.sh");

/// Root of a host is not quite root of the machine: it must not set its clock, load modules, touch raw devices, mount.
const TAKEN: [CapabilitySet; 15] = [
    CapabilitySet::LINUX_IMMUTABLE,
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::SYS_ADMIN,
    CapabilitySet::SYS_TIME,
    CapabilitySet::MKNOD,
    CapabilitySet::AUDIT_CONTROL,
    CapabilitySet::MAC_OVERRIDE,
    CapabilitySet::MAC_ADMIN,
    CapabilitySet::SYSLOG,
    CapabilitySet::WAKE_ALARM,
    CapabilitySet::BLOCK_SUSPEND,
    CapabilitySet::AUDIT_READ,
    CapabilitySet::PERFMON,
    CapabilitySet::BPF,
];

/// Returns only if something fails.
pub(crate) fn boot(state: &StateDir) -> Result<std::convert::Infallible, LabError> {
    namespace::leave_machine()?;
    mounts::make_private()?;
    let order = hear_order()?;
    nix::unistd::sethostname(order.name.as_str()).during(|| "set the hostname".to_owned())?;
    tool::feed(&["ip", "-batch", "-"], &cable::inner_end(order.address, &order.hidden))?;
    let root = mount_disk(state, &order)?;
    mount_kernel_views(&root)?;
    mount_devices(&root.join("dev"))?;
    if order.base == Base::Systemd {
        cgroup::enter(state, &order.name)?;
        cgroup::mount(&root.join("sys/fs/cgroup"))?;
    }
    files::put(&root.join("run/init"), INIT, 0o755)?;
    enter(&root)?;
    drop_capabilities(order.base)?;
    become_init(order.base)
}

/// Tells the hub that the namespaces are there, then waits for the cable.
fn hear_order() -> Result<BootOrder, LabError> {
    let mut text = String::new();
    let mut hear = || {
        std::io::stdout().write_all(b".")?;
        std::io::stdout().flush()?;
        std::io::stdin().read_to_string(&mut text)?;
        serde_json::from_str(&text).map_err(std::io::Error::from)
    };
    hear().during(|| "hear from the hub".to_owned())
}

/// The disk with the machine's /usr and the lab's /etc underneath the host's own changes.
fn mount_disk(state: &StateDir, order: &BootOrder) -> Result<PathBuf, LabError> {
    let top = state.host(&order.name);
    let root = top.join("root");
    mounts::bind(&root, &root)?;
    let below = match order.base {
        Base::Debian | Base::Systemd => usr::below(),
        Base::Busybox => state.base().join("busybox"),
    };
    for (tree, lower) in [("usr", below), ("etc", state.base().join("etc"))] {
        let [upper, work] = ["up", "work"].map(|part| top.join(format!("{tree}.{part}")));
        let options = format!("lowerdir={},upperdir={},workdir={}", lower.display(), upper.display(), work.display());
        mounts::fresh("overlay", &root.join(tree), MsFlags::empty(), &options)?;
    }
    if order.base.is_machines() && !usr::is_foreign() {
        mount_unmerged(&root)?;
    }
    fs::copy(state.base().join("hosts"), root.join("etc/hosts")).during(|| "write /etc/hosts".to_owned())?;
    files::put(&root.join("etc/hostname"), &format!("{}\n", order.name), 0o644)?;
    Ok(root)
}

/// On systems whose /bin and /lib are not links into /usr.
fn mount_unmerged(root: &Path) -> Result<(), LabError> {
    for dir in disk::TOP_LINKS.map(|name| Path::new("/").join(name)) {
        if dir.is_dir() && !dir.is_symlink() {
            let target = root.join(dir.strip_prefix("/").expect("made from /"));
            mounts::restricted(&dir, &target, MsFlags::MS_RDONLY)?;
        }
    }
    Ok(())
}

fn mount_kernel_views(root: &Path) -> Result<(), LabError> {
    let plain = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mounts::fresh("proc", &root.join("proc"), plain, "")?;
    mounts::fresh("sysfs", &root.join("sys"), plain | MsFlags::MS_RDONLY, "")?;
    let run = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mounts::fresh("tmpfs", &root.join("run"), run, "mode=755,size=64m")?;
    // These are the machine's own switches.
    for path in ["proc/sys", "proc/sysrq-trigger"].map(|name| root.join(name)) {
        if path.exists() {
            mounts::restrict(&path, MsFlags::MS_RDONLY)?;
        }
    }
    Ok(())
}

fn mount_devices(dev: &Path) -> Result<(), LabError> {
    mounts::fresh("tmpfs", dev, MsFlags::MS_NOSUID, "mode=755,size=1m")?;
    for node in ["null", "zero", "full", "random", "urandom", "tty"] {
        let target = dev.join(node);
        File::create(&target).during(|| format!("make {}", target.display()))?;
        mounts::bind(&Path::new("/dev").join(node), &target)?;
    }
    for dir in ["pts", "shm"] {
        files::make_dir(&dev.join(dir), 0o755)?;
    }
    mounts::fresh("devpts", &dev.join("pts"), MsFlags::empty(), "newinstance,gid=5,mode=620,ptmxmode=666")?;
    let shared = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
    mounts::fresh("tmpfs", &dev.join("shm"), shared, "mode=1777,size=64m")?;
    for (name, target) in [("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")]
    {
        files::link(target, &dev.join(name))?;
    }
    Ok(())
}

/// Makes the disk the root; the machine's files are out of reach from here on.
fn enter(root: &Path) -> Result<(), LabError> {
    let enter = || {
        std::env::set_current_dir(root)?;
        // The same place twice puts the old root on top of the new one, from where it is taken off.
        nix::unistd::pivot_root(".", ".")?;
        nix::mount::umount2(".", nix::mount::MntFlags::MNT_DETACH)?;
        std::env::set_current_dir("/")
    };
    enter().during(|| format!("enter {}", root.display()))
}

fn drop_capabilities(base: Base) -> Result<(), LabError> {
    // systemd mounts: what its units see, its users' runtime directories.
    let keeps = |capability: CapabilitySet| base == Base::Systemd && capability == CapabilitySet::SYS_ADMIN;
    for capability in TAKEN.into_iter().filter(|capability| !keeps(*capability)) {
        rustix::thread::remove_capability_from_bounding_set(capability).during(|| format!("give up {capability:?}"))?;
    }
    Ok(())
}

fn become_init(base: Base) -> Result<std::convert::Infallible, LabError> {
    let _ = nix::unistd::setsid();
    let mut init = match base {
        Base::Systemd => Command::new(systemd::PROGRAM),
        Base::Debian | Base::Busybox => Command::new("/bin/sh"),
    };
    init.env_clear().stdin(Stdio::null()).stdout(Stdio::null());
    match base {
        // It behaves as in a container then: no devices, no clock, no kernel settings.
        Base::Systemd => init.env("container", "lab"),
        Base::Debian | Base::Busybox => init.arg("/run/init").env("PATH", SYSTEM_PATH).env("HOME", "/"),
    };
    Err(init.exec()).during(|| format!("start {}", init.get_program().display()))
}
