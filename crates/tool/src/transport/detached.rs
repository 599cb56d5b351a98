//! Processes of this machine that have no terminal.

use std::{
    env,
    path::{Path, PathBuf},
};

use tokio::process::Command;

/// A command in a session of its own, as sshd starts them, and so in a process group of its own: Ctrl-C at the terminal is for us to act on,
/// and whoever wants to ask at the terminal (sudo, git, a ProxyCommand) fails, and does not stop as a background job would.
pub(super) fn detached(program: &Path) -> Command {
    match setsid() {
        Some(setsid) => {
            let mut command = Command::new(setsid);
            command.arg(program);
            command
        }
        // macOS has none; a group of its own is the better half of it.
        None => {
            let mut command = Command::new(program);
            command.process_group(0);
            command
        }
    }
}

/// util-linux's or busybox's.
fn setsid() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|dir| dir.join("setsid")).find(|file| file.is_file())
}
