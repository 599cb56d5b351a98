//! Breaking hosts.

use std::ffi::OsStr;
use std::fs;
use std::path::PathBuf;

use rustix::process::{Pid, Signal, kill_process};

use super::Hub;
use super::host::signal_all;
use crate::error::During;
use crate::{Fault, HostName, LabError, Link, process, tool};

impl Hub {
    pub(super) fn fault(&mut self, name: &HostName, fault: Fault) -> Result<(), LabError> {
        let init = self.init_of(name)?;
        match fault {
            Fault::Readonly { path } => change_mounts(init, &["readonly".as_ref(), path.as_os_str()]),
            Fault::Noexec { path } => change_mounts(init, &["noexec".as_ref(), path.as_os_str()]),
            Fault::Undo { path } => change_mounts(init, &["undo".as_ref(), path.as_os_str()]),
            Fault::Disk { path, size } => change_mounts(init, &["disk".as_ref(), path.as_os_str(), size.as_ref()]),
            Fault::Freeze => self.freeze(name, init, true),
            Fault::Thaw => self.freeze(name, init, false),
            Fault::SshdStop => signal(listener(init)?, Signal::STOP),
            Fault::SshdCont => signal(listener(init)?, Signal::CONT),
            Fault::SshdKill => kill_listener(init),
            Fault::SshdStart => start_sshd(init),
            Fault::SessionsKill => kill_sessions(init),
            Fault::Hostkey => replace_host_key(init, name),
            Fault::Loss { percent } => {
                let link = Link { loss_percent: percent, ..self.find(name)?.spec.link };
                self.change_link(name, link)
            }
        }
    }

    fn freeze(&mut self, name: &HostName, init: i32, frozen: bool) -> Result<(), LabError> {
        signal_all(init, if frozen { Signal::STOP } else { Signal::CONT });
        self.find_mut(name)?.frozen = frozen;
        Ok(())
    }
}

/// In a process of its own, which joins the host's mounts.
fn change_mounts(init: i32, words: &[&OsStr]) -> Result<(), LabError> {
    let init = init.to_string();
    let args: Vec<&OsStr> = [OsStr::new(&init)].into_iter().chain(words.iter().copied()).collect();
    tool::run_again("__mount", &args).map(drop)
}

fn signal(pid: i32, signal: Signal) -> Result<(), LabError> {
    let number = Pid::from_raw(pid).expect("a process has a number");
    kill_process(number, signal).during(|| format!("signal process {pid}"))
}

fn root(init: i32) -> Result<PathBuf, LabError> {
    process::root(init).ok_or_else(|| LabError::Refused("the host is not up yet".to_owned()))
}

/// The sshd that listens, as the hub counts.
fn listener(init: i32) -> Result<i32, LabError> {
    let none = || LabError::Refused("no sshd runs there".to_owned());
    let text = fs::read_to_string(root(init)?.join("run/sshd.pid")).map_err(|_| none())?;
    let inner: i32 = text.trim().parse().map_err(|_| none())?;
    let mut members = process::members(init).into_iter();
    members.find(|pid| process::inner_pid(*pid) == Some(inner) && is_sshd(*pid)).ok_or_else(none)
}

/// Since OpenSSH 9.8 sessions are `sshd-session`.
fn is_sshd(pid: i32) -> bool {
    process::name(pid).starts_with("sshd")
}

fn kill_listener(init: i32) -> Result<(), LabError> {
    signal(listener(init)?, Signal::KILL)?;
    fs::remove_file(root(init)?.join("run/sshd.pid")).during(|| "remove sshd.pid".to_owned())
}

fn start_sshd(init: i32) -> Result<(), LabError> {
    let argv = ["/usr/sbin/sshd", "-E", "/run/sshd.log"];
    tool::feed_inside(init, crate::namespace::ALL, &argv, "").map(drop)
}

fn kill_sessions(init: i32) -> Result<(), LabError> {
    let keep = listener(init).ok();
    let sessions = process::members(init).into_iter().filter(|pid| is_sshd(*pid) && Some(*pid) != keep);
    sessions.for_each(|pid| {
        let _ = signal(pid, Signal::KILL);
    });
    Ok(())
}

/// As if the machine had been reinstalled. A listener takes the new key at once.
fn replace_host_key(init: i32, name: &HostName) -> Result<(), LabError> {
    let key = root(init)?.join("etc/ssh/ssh_host_ed25519_key");
    for path in [&key, &key.with_extension("pub")] {
        fs::remove_file(path).during(|| format!("remove {}", path.display()))?;
    }
    tool::make_key(&key, name.as_str())?;
    match listener(init) {
        Ok(sshd) => signal(sshd, Signal::HUP),
        Err(_) => Ok(()),
    }
}
