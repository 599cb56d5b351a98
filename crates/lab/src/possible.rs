//! Whether this machine can hold a lab.

use std::fs;

use crate::tool;

const CAP_NET_ADMIN: u32 = 12;
const CAP_SYS_ADMIN: u32 = 21;

/// The programs the lab cannot do without, and where Debian has them.
const TOOLS: [(&str, &str); 6] = [
    ("ip", "iproute2"),
    ("bridge", "iproute2"),
    ("tc", "iproute2"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("sshd", "openssh-server"),
];

/// `Ok`, or why not in one line.
pub(crate) fn possible() -> Result<(), String> {
    if !cfg!(target_os = "linux") {
        return Err("the lab is made of Linux namespaces".to_owned());
    }
    if !nix::unistd::geteuid().is_root() || !has(CAP_SYS_ADMIN) || !has(CAP_NET_ADMIN) {
        return Err("needs root with CAP_SYS_ADMIN and CAP_NET_ADMIN".to_owned());
    }
    match TOOLS.iter().find(|(program, _)| tool::find(program).is_none()) {
        Some((program, package)) => Err(format!("{program} is not installed (Debian: {package})")),
        None => Ok(()),
    }
}

fn has(capability: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    effective.is_some_and(|mask| mask >> capability & 1 == 1)
}
