//! What edeliver is called as by its own children. These never reach the command line's grammar: they are started by git, ssh and
//! bash, with arguments that those choose.

use std::{ffi::OsString, process::ExitCode};

/// A role: gets the arguments after its name.
type Role = fn(&[OsString]) -> ExitCode;

/// Each role by the word it is started with.
const ROLES: &[(&str, Role)] = &[("__hook-call", crate::hook::call_main)];

/// Plays the role that the program's name or the first argument names, if it names one.
pub(super) fn run(argv: &[OsString]) -> Option<ExitCode> {
    if let Some(code) = crate::transport::ssh::hidden_main(argv) {
        return Some(code);
    }
    let first = argv.get(1)?;
    let (_, role) = ROLES.iter().find(|(name, _)| first == name)?;
    Some(role(&argv[2..]))
}
