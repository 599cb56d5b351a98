//! Entering the namespaces of the hub and of hosts. Only for processes with one thread: the kernel refuses others.

use std::ffi::OsString;
use std::fs::File;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use nix::sched::{CloneFlags, setns, unshare};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

use crate::ask::{Answer, Request, ask};
use crate::error::During;
use crate::state::StateDir;
use crate::tool::SYSTEM_PATH;
use crate::{HostName, LabError};

/// All kinds that a host has of its own, in the order in which they can be joined: mounts last, for /proc is ours until
/// then.
pub(crate) const ALL: &str = "pid,net,uts,ipc,mnt";

/// New namespaces of every kind but PID, which is made by the parent.
pub(crate) fn leave_machine() -> Result<(), LabError> {
    let kinds = CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET | CloneFlags::CLONE_NEWUTS | CloneFlags::CLONE_NEWIPC;
    unshare(kinds).during(|| "make namespaces".to_owned())
}

/// Joins namespaces of the process whose /proc directory that is; `kinds` joined by commas.
pub(crate) fn join(process: &Path, kinds: &str) -> Result<(), LabError> {
    let open = |kind: &str| {
        let path = process.join("ns").join(kind);
        File::open(&path).during(|| format!("open {}", path.display())).map(OwnedFd::from)
    };
    // All are opened before the first is joined: afterwards the paths may mean something else.
    let fds = kinds.split(',').map(open).collect::<Result<Vec<_>, _>>()?;
    for (fd, kind) in fds.iter().zip(kinds.split(',')) {
        setns(fd, CloneFlags::empty()).during(|| format!("join the {kind} namespace"))?;
    }
    Ok(())
}

/// Where the machine's /proc shows a host's PID 1, given the hub and how the hub numbers it.
pub(crate) fn host_process(hub: i32, init: i32) -> PathBuf {
    PathBuf::from(format!("/proc/{hub}/root/proc/{init}"))
}

/// The number of a running host's PID 1, as the hub counts.
pub(crate) fn init_of(state: &StateDir, host: &HostName) -> Result<i32, LabError> {
    let Answer::Status(status) = ask(state, &Request::Status)? else {
        return Err(LabError::Refused("the hub gave no status".to_owned()));
    };
    let row = status.hosts.into_iter().find(|row| row.host == *host);
    let row = row.ok_or_else(|| LabError::NoHost(host.to_string()))?;
    row.pid.ok_or_else(|| LabError::Stopped(host.to_string()))
}

/// Becomes the command, in the lab's network; all else stays the caller's. Returns only if that is not possible.
pub(crate) fn run(state: &StateDir, command: &[OsString]) -> Result<std::convert::Infallible, LabError> {
    let hub = state.hub()?;
    join(Path::new(&format!("/proc/{}", hub.pid)), "net")?;
    let error = Command::new(&command[0])
        .args(&command[1..])
        .env("LAB_ID", &hub.id)
        .env("LAB_STATE", state.path())
        .env("LAB_SSH_CONFIG", state.ssh_config())
        .exec();
    Err(LabError::Command { name: command[0].to_string_lossy().into_owned(), source: error })
}

/// Runs the command as root inside the host, not through ssh; returns its exit status as a shell would.
pub(crate) fn exec(state: &StateDir, host: &HostName, command: &[OsString]) -> Result<u8, LabError> {
    let hub = state.hub()?;
    join(&host_process(hub.pid, init_of(state, host)?), ALL)?;
    let ended = Command::new(&command[0])
        .args(&command[1..])
        .current_dir("/")
        .env_clear()
        .env("PATH", SYSTEM_PATH)
        .env("HOME", "/root")
        .env("TERM", std::env::var_os("TERM").unwrap_or_else(|| "dumb".into()))
        .status();
    match ended {
        Ok(status) => Ok(exit_code(status)),
        Err(error) => Err(LabError::Command { name: command[0].to_string_lossy().into_owned(), source: error }),
    }
}

/// Hidden verb `__inside`: runs the command in namespaces of the process with that number; returns its exit status.
pub(crate) fn inside(pid: i32, kinds: &str, command: &[OsString]) -> Result<u8, LabError> {
    join(Path::new(&format!("/proc/{pid}")), kinds)?;
    // As a child: a process does not itself move into a PID namespace it joins.
    let status = Command::new(&command[0])
        .args(&command[1..])
        .current_dir("/")
        .status()
        .during(|| command[0].to_string_lossy().into_owned())?;
    Ok(exit_code(status))
}

/// As a shell would report it.
fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// For ssh's ProxyCommand with ProxyUseFdpass: hands ssh, on standard output, a socket that lies in the lab.
pub(crate) fn connect(state: &StateDir, address: SocketAddr) -> Result<(), LabError> {
    join(Path::new(&format!("/proc/{}", state.hub()?.pid)), "net")?;
    let what = || format!("connect to {address}");
    let socket = TcpStream::connect_timeout(&address, Duration::from_secs(15)).during(what)?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let fds = [socket.as_fd()];
    control.push(SendAncillaryMessage::ScmRights(&fds));
    sendmsg(std::io::stdout(), &[IoSlice::new(&[0])], &mut control, SendFlags::empty()).during(what).map(drop)
}
