//! Hidden verb `__guard`: starts the hub, waits for its end (or brings it about) and removes what it left on the machine.
//!
//! It stays outside of all namespaces, so it can see what the hub cannot: the owner, and clients that run in the lab's
//! network but are not the hub's children. Should the guard itself be killed, the kernel kills the hub.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use nix::sched::{CloneFlags, unshare};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use crate::error::During;
use crate::launch::Life;
use crate::state::{HubNote, StateDir};
use crate::{LabError, down, tool, usr};

/// Runs until the lab is down and cleared away.
pub(crate) fn guard(state: &StateDir, life: Life) -> Result<(), LabError> {
    detach();
    // An owner that is gone already is no reason to stay.
    let owner = match life.owner {
        Some(pid) => Some(process_handle(pid)?),
        None => None,
    };
    let mut hub = spawn_hub(state)?;
    let note = HubNote::of(hub.id().cast_signed())?;
    state.write_note(&note)?;
    release_stdout();
    wait(&hub, owner, life.ttl)?;
    let _ = hub.kill();
    hub.wait().during(|| "wait for the hub".to_owned())?;
    clear_unless_done(state, &note)
}

/// A `down` may have been faster, and another lab may be here by now.
fn clear_unless_done(state: &StateDir, note: &HubNote) -> Result<(), LabError> {
    let _lock = state.lock()?;
    if state.note().as_ref() == Some(note) { down::clear(state) } else { Ok(()) }
}

/// Away from the caller's terminal, directory and open files.
fn detach() {
    let _ = nix::unistd::setsid();
    let _ = std::env::set_current_dir("/");
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    let open = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let numbers: Vec<i32> = open.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    for fd in numbers.into_iter().filter(|fd| *fd > 2) {
        let _ = nix::unistd::close(fd);
    }
}

fn process_handle(pid: u32) -> Result<OwnedFd, LabError> {
    let number = Pid::from_raw(pid.cast_signed()).ok_or(LabError::Down)?;
    pidfd_open(number, PidfdFlags::empty()).during(|| format!("watch process {pid}"))
}

fn spawn_hub(state: &StateDir) -> Result<Child, LabError> {
    unshare(CloneFlags::CLONE_NEWPID).during(|| "make a PID namespace".to_owned())?;
    tool::again("__hub")
        .arg(state.path())
        .env_clear()
        .env("PATH", tool::SYSTEM_PATH)
        .envs(usr::variable())
        .stdin(Stdio::null())
        .spawn()
        .during(|| "start the hub".to_owned())
}

/// The one who launched us reads until nobody holds the pipe any more: the hub when it is ready, and we now.
fn release_stdout() {
    if let Ok(null) = fs::File::options().write(true).open(Path::new("/dev/null")) {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}

fn wait(hub: &Child, owner: Option<OwnedFd>, ttl: Duration) -> Result<(), LabError> {
    let hub = process_handle(hub.id())?;
    let handles: Vec<OwnedFd> = [hub].into_iter().chain(owner).collect();
    let mut watched: Vec<PollFd<'_>> = handles.iter().map(|fd| PollFd::new(fd, PollFlags::IN)).collect();
    let limit = Timespec { tv_sec: ttl.as_secs().cast_signed(), tv_nsec: 0 };
    loop {
        match poll(&mut watched, Some(&limit)) {
            Err(rustix::io::Errno::INTR) => continue,
            other => return other.map(drop).during(|| "wait for the hub".to_owned()),
        }
    }
}
