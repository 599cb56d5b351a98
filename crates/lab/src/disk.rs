//! A host's disk: laid out once, kept over reboots.
//!
//! A plain directory for what hosts write (/home, /opt, /srv, /tmp, /var: hard links, renames and modes are the real
//! file system's), and overlays for /usr and /etc. Not one overlay of the machine's `/`: that would show the developer's
//! files.

mod busybox;
mod etc;
pub(crate) mod systemd;

use std::fs;
use std::path::Path;

use nix::mount::MsFlags;
use nix::sys::stat::{Mode, SFlag, mknod};

use crate::error::During;
use crate::state::StateDir;
use crate::{Base, HostName, HostSpec, LabError, files, mounts, tool, usr};

/// The user that deployments log in as; it cannot become root.
const DEPLOY: u32 = 1000;
/// A user with sudo.
const ADMIN: u32 = 1001;

/// As statfs(2) reports it.
const OVERLAYFS: u32 = 0x794c_7630;

/// What may be a link into /usr, or a directory of its own on older systems.
pub(crate) const TOP_LINKS: [&str; 6] = ["bin", "sbin", "lib", "lib32", "lib64", "libx32"];

const DIRS: [&str; 20] = [
    "boot",
    "dev",
    "etc",
    "home",
    "media",
    "mnt",
    "opt",
    "proc",
    "root",
    "run",
    "srv",
    "sys",
    "usr",
    "var",
    "var/cache",
    "var/lib",
    "var/log",
    "var/mail",
    "var/spool",
    "var/tmp",
];

/// What only build hosts have: a release brings its own runtime, and tests have to prove that it does. Below /usr.
const BUILD_TOOLS: [&str; 18] = [
    "bin/erl",
    "bin/erlc",
    "bin/escript",
    "bin/epmd",
    "bin/elixir",
    "bin/elixirc",
    "bin/mix",
    "bin/iex",
    "bin/rebar3",
    "bin/run_erl",
    "bin/to_erl",
    "bin/dialyzer",
    "bin/typer",
    "bin/ct_run",
    "bin/erl_call",
    "bin/git",
    "lib/erlang",
    "lib/elixir",
];

/// An overlay cannot write to an overlay, which is what a container's own disk is: hosts live in memory then.
pub(crate) fn make_room(state: &StateDir) -> Result<(), LabError> {
    let hosts = state.hosts();
    files::make_dir(&hosts, 0o755)?;
    let kind = rustix::fs::statfs(&hosts).during(|| format!("look at {}", hosts.display()))?.f_type;
    if u32::try_from(kind) == Ok(OVERLAYFS) {
        mounts::fresh("tmpfs", &hosts, MsFlags::empty(), "mode=755")?;
    }
    Ok(())
}

/// Lays out what all hosts share; nothing if that was done before.
pub(crate) fn furnish_base(state: &StateDir) -> Result<(), LabError> {
    etc::furnish(&state.base().join("etc"))
}

/// Lays out a host's disk; nothing if that was done before.
pub(crate) fn furnish(state: &StateDir, name: &HostName, spec: &HostSpec) -> Result<(), LabError> {
    let top = state.host(name);
    let done = top.join("ready");
    if done.exists() {
        return Ok(());
    }
    make_root(&top.join("root"))?;
    for dir in ["etc.up", "etc.work", "usr.up", "usr.work"] {
        files::make_dir(&top.join(dir), 0o755)?;
    }
    give_identity(&top.join("etc.up"), name)?;
    let client = files::read(&state.client_key().with_extension("pub"))?;
    for (home, uid) in [("home/deploy", DEPLOY), ("home/admin", ADMIN), ("root", 0)] {
        make_home(&top.join("root").join(home), uid, &client)?;
    }
    etc::personalise(&state.base().join("etc"), &top.join("etc.up"), spec)?;
    match spec.base {
        Base::Busybox => busybox::furnish(&state.base().join("busybox"))?,
        Base::Debian => hide_programs(&top.join("usr.up"), name, spec)?,
        Base::Systemd => {
            systemd::furnish(&state.base().join("etc"), &top.join("etc.up"))?;
            hide_programs(&top.join("usr.up"), name, spec)?;
        }
    }
    files::put(&done, "", 0o644)
}

fn make_root(root: &Path) -> Result<(), LabError> {
    for dir in DIRS {
        files::make_dir(&root.join(dir), 0o755)?;
    }
    for dir in ["tmp", "var/tmp"] {
        files::make_dir(&root.join(dir), 0o1777)?;
    }
    files::link("/run", &root.join("var/run"))?;
    files::link("/run/lock", &root.join("var/lock"))?;
    for name in TOP_LINKS {
        let path = Path::new("/").join(name);
        match fs::read_link(&path) {
            Ok(target) => files::link(&target.to_string_lossy(), &root.join(name))?,
            Err(_) if path.is_dir() => files::make_dir(&root.join(name), 0o755)?,
            Err(_) => {}
        }
    }
    Ok(())
}

/// Its own host key. The client pins it from this file, never by asking the host.
fn give_identity(etc: &Path, name: &HostName) -> Result<(), LabError> {
    let key = etc.join("ssh/ssh_host_ed25519_key");
    files::make_dir(&etc.join("ssh"), 0o755)?;
    tool::make_key(&key, name.as_str())?;
    let pinned = etc.with_file_name("pinned.pub");
    fs::copy(key.with_extension("pub"), pinned).map(drop).during(|| "pin the host key".to_owned())
}

fn make_home(home: &Path, uid: u32, client: &str) -> Result<(), LabError> {
    let ssh = home.join(".ssh");
    let keys = ssh.join("authorized_keys");
    files::make_dir(home, if uid == 0 { 0o700 } else { 0o755 })?;
    files::make_dir(&ssh, 0o700)?;
    files::put(&keys, client, 0o600)?;
    [home, &ssh, &keys].into_iter().try_for_each(|path| files::give(path, uid))
}

/// In an overlay's upper directory a character device 0:0 hides what is below.
fn hide_programs(upper: &Path, name: &HostName, spec: &HostSpec) -> Result<(), LabError> {
    let mut hidden: Vec<String> = spec.without.iter().map(|program| format!("bin/{program}")).collect();
    if !spec.full && name.as_str() != "build" {
        hidden.extend(BUILD_TOOLS.map(str::to_owned));
        hidden.extend(BUILD_TOOLS.map(|path| format!("local/{path}")));
    }
    for path in hidden {
        let cover = upper.join(&path);
        if !files::is_there(&usr::below().join(&path)) || files::is_there(&cover) {
            continue;
        }
        files::make_dir(cover.parent().expect("below the upper directory"), 0o755)?;
        mknod(&cover, SFlag::S_IFCHR, Mode::empty(), 0).during(|| format!("hide {path}"))?;
    }
    Ok(())
}
