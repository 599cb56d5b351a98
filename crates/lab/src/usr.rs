//! The /usr that hosts see: the machine's, or that of another system.

use std::{env, ffi::OsString, path::PathBuf};

/// Names the /usr of another system (one that debootstrap made), to try things with its programs: another OTP, another libc, another sshd.
/// Its kernel and /etc stay those of the lab.
const VARIABLE: &str = "LAB_USR";

/// What lies below the host's own changes.
pub(crate) fn below() -> PathBuf {
    env::var_os(VARIABLE).map_or_else(|| PathBuf::from("/usr"), PathBuf::from)
}

/// Whether it is another system's.
pub(crate) fn is_foreign() -> bool {
    env::var_os(VARIABLE).is_some()
}

/// The variable as it is set, for programs that start with an empty environment.
pub(crate) fn variable() -> Option<(&'static str, OsString)> {
    env::var_os(VARIABLE).map(|path| (VARIABLE, path))
}
