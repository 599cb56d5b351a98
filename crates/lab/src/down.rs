//! Taking a lab down, from outside.

use std::fs;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process, pidfd_open, pidfd_send_signal};

use crate::error::During;
use crate::state::{HubNote, StateDir};
use crate::{LabError, cgroup, process};

/// Ends the hub, and with it all hosts; removes clients and files. Does nothing if there is no lab.
pub(crate) fn down(state: &StateDir) -> Result<(), LabError> {
    let _lock = state.lock()?;
    end(state)
}

/// The same for a caller who holds the lock, and keeps it.
pub(crate) fn end(state: &StateDir) -> Result<(), LabError> {
    if let Some(note) = state.note() {
        kill_hub(&note)?;
    }
    clear(state)
}

fn kill_hub(note: &HubNote) -> Result<(), LabError> {
    let Some(pid) = Pid::from_raw(note.pid) else {
        return Ok(());
    };
    let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
        return Ok(());
    };
    // Looked at after the handle was taken: from here on the handle cannot come to mean another process.
    if !note.is_alive() {
        return Ok(());
    }
    let _ = pidfd_send_signal(&handle, Signal::KILL);
    // The hub's end is the end of everything in its PID namespace: the kernel reports it last.
    let limit = Timespec { tv_sec: 20, tv_nsec: 0 };
    let ended = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit)).during(|| "wait for the hub".to_owned())?;
    if ended == 0 {
        return Err(LabError::Refused("the hub does not die".to_owned()));
    }
    Ok(())
}

/// Removes what a dead hub leaves on the machine: clients in its network, and its files. The caller holds the lock.
pub(crate) fn clear(state: &StateDir) -> Result<(), LabError> {
    if let Some(note) = state.note() {
        kill_clients(&note.mark());
    }
    if !state.is_ours() {
        return Ok(());
    }
    cgroup::clear(state);
    remove_tree(state)
}

fn kill_clients(mark: &str) {
    let own = std::process::id().cast_signed();
    let others = process::all().into_iter().filter(|pid| *pid != own);
    let clients = others.filter(|pid| process::has_environment(*pid, mark));
    for pid in clients.filter_map(Pid::from_raw) {
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// A dead host's mounts go with its namespaces, a moment after its last process: until then a directory may be busy.
fn remove_tree(state: &StateDir) -> Result<(), LabError> {
    for _ in 0..50 {
        match fs::remove_dir_all(state.path()) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => std::thread::sleep(Duration::from_millis(100)),
            _ => return Ok(()),
        }
    }
    let failed = fs::remove_dir_all(state.path());
    // Still ours, for the next attempt.
    let _ = state.mark();
    failed.during(|| format!("remove {}", state.path().display()))
}
