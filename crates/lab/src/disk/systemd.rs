//! What systemd as PID 1 needs on a host's disk: units that are on or off, and accounts.

use std::path::Path;

use crate::{LabError, files, tool};

/// The machine's own.
pub(crate) const PROGRAM: &str = "/lib/systemd/systemd";

/// Nothing of these has a purpose on a host of the lab, and some would wait for it.
const MASKED: [&str; 6] = [
    "console-getty.service",
    "getty.target",
    "systemd-timesyncd.service",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "ldconfig.service",
];

/// Files that have to be there, and where Debian has them.
const NEEDED: [(&str, &str); 5] = [
    (PROGRAM, "systemd"),
    ("/usr/bin/dbus-daemon", "dbus"),
    ("/usr/lib/systemd/user/dbus.socket", "dbus-user-session"),
    ("/usr/bin/unshare", "util-linux"),
    ("/lib/systemd/system/ssh.service", "openssh-server"),
];

/// `Ok`, or why not in one line.
pub(crate) fn possible() -> Result<(), String> {
    if let Some((file, package)) = NEEDED.iter().find(|(file, _)| !Path::new(file).exists()) {
        return Err(format!("{file} is not installed (Debian: {package})"));
    }
    let trial = tool::run(&["unshare", "--mount", "--propagation", "private", "mount", "-t", "cgroup2", "trial", "/sys/fs/cgroup"]);
    trial.map(drop).map_err(|error| format!("control groups can't be mounted: {}", error.line()))
}

/// Lays out the part of its /etc.
pub(super) fn furnish(base: &Path, own: &Path) -> Result<(), LabError> {
    let units = own.join("systemd/system");
    files::make_dir(&units.join("multi-user.target.wants"), 0o755)?;
    files::link("/lib/systemd/system/multi-user.target", &units.join("default.target"))?;
    files::link("/lib/systemd/system/ssh.service", &units.join("multi-user.target.wants/ssh.service"))?;
    for unit in MASKED {
        files::link("/dev/null", &units.join(unit))?;
    }
    // With it a login is a session, and has its user's own systemd.
    let sshd = files::read(&own.join("ssh/sshd_config")).or_else(|_| files::read(&base.join("ssh/sshd_config")))?;
    files::put(&own.join("ssh/sshd_config"), &sshd.replace("UsePAM no", "UsePAM yes"), 0o644)?;
    // Uninitialised: systemd makes one at its first start.
    files::put(&own.join("machine-id"), "", 0o444)?;
    let passwd = files::read(&own.join("passwd")).or_else(|_| files::read(&base.join("passwd")))?;
    files::put(&own.join("passwd"), &format!("{passwd}messagebus:x:101:101::/:/usr/sbin/nologin\n"), 0o644)?;
    let group = files::read(&base.join("group"))?;
    files::put(&own.join("group"), &format!("{group}messagebus:x:101:\n"), 0o644)
}
