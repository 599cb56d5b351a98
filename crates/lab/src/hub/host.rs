//! Starting and stopping hosts.

use std::fs;
use std::io::{Read, Write};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use indexmap::IndexMap;
use nix::sched::{CloneFlags, setns, unshare};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};

use super::cable::{self, Cable};
use super::{Hub, cut};
use crate::ask::Manner;
use crate::boot::BootOrder;
use crate::error::During;
use crate::name::HUB;
use crate::{Base, HostName, HostSpec, HostState, LabError, disk, files, process, tool};

/// A host, running or not.
pub(super) struct Host {
    pub(super) spec: HostSpec,
    pub(super) address: Ipv4Addr,
    pub(super) cut: bool,
    pub(super) frozen: bool,
    pub(super) running: Option<Running>,
}

/// What a running host has besides its disk.
pub(super) struct Running {
    /// Its PID 1, as the hub counts.
    pub(super) pid: i32,
    /// Readable when PID 1 has ended, which the kernel reports after all other processes of the host.
    pub(super) handle: OwnedFd,
    pub(super) cable: Cable,
}

impl Host {
    pub(super) fn state(&self) -> HostState {
        match self {
            Self { running: None, .. } => HostState::Stopped,
            Self { cut: true, .. } => HostState::Cut,
            Self { frozen: true, .. } => HostState::Frozen,
            _ => HostState::Up,
        }
    }
}

impl Hub {
    /// Starts what does not run, and gives every named host the cable that is wanted now. Returns how many were started.
    pub(super) fn up(&mut self, wanted: IndexMap<HostName, HostSpec>) -> Result<usize, LabError> {
        disk::furnish_base(&self.state)?;
        for (name, spec) in &wanted {
            self.admit(name, spec)?;
        }
        self.write_client_files()?;
        let mut started = Vec::new();
        for (name, spec) in &wanted {
            if self.find(name)?.running.is_some() {
                self.change_link(name, spec.link)?;
            } else {
                self.start(name)?;
                started.push(name);
            }
        }
        for name in &started {
            self.wait_for_sshd(name)?;
        }
        self.tell_neighbours()?;
        Ok(started.len())
    }

    /// Gives a new host its address and disk; a known one keeps both.
    fn admit(&mut self, name: &HostName, spec: &HostSpec) -> Result<(), LabError> {
        if self.hosts.contains_key(name) {
            return Ok(());
        }
        let address = self.new_address(name)?;
        disk::furnish(&self.state, name, spec)?;
        let host = Host { spec: spec.clone(), address, cut: false, frozen: false, running: None };
        self.hosts.insert(name.clone(), host);
        Ok(())
    }

    fn start(&mut self, name: &HostName) -> Result<(), LabError> {
        let (address, base) = (self.find(name)?.address, self.find(name)?.spec.base);
        let mut init = spawn_init(&self.state)?;
        let pid = init.id().cast_signed();
        let plugged = hear_first_word(&mut init).and_then(|()| self.plug_in(name, pid));
        let order = BootOrder { name: name.clone(), address, base, hidden: self.hidden_from(name) };
        let booted = plugged.and_then(|()| give_order(&mut init, &order));
        if booted.is_err() {
            let _ = init.kill();
        }
        booted
    }

    fn plug_in(&mut self, name: &HostName, pid: i32) -> Result<(), LabError> {
        let number = Pid::from_raw(pid).expect("a child has a number");
        let handle = pidfd_open(number, PidfdFlags::empty()).during(|| format!("watch {name}"))?;
        let cable = self.plug(name, pid)?;
        let host = self.find_mut(name)?;
        host.running = Some(Running { pid, handle, cable });
        self.shape(name)
    }

    /// Until sshd listens and the bridge forwards the host's frames. Looked at, not tried: the host's counters and its
    /// sshd's log are to show only what tests did.
    fn wait_for_sshd(&mut self, name: &HostName) -> Result<(), LabError> {
        let end = Instant::now() + Duration::from_secs(30);
        while Instant::now() < end {
            self.reap();
            let pid = self
                .init_of(name)
                .map_err(|_| LabError::Refused(format!("{name} died while it started:\n{}", self.state.log_tail())))?;
            let listens = process::root(pid).is_some_and(|root| root.join("run/sshd.pid").exists());
            if listens && (self.find(name)?.cut || cable::forwards(name)) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(LabError::Refused(format!("no sshd on {name}:\n{}", self.state.log_tail())))
    }

    /// Every running host learns the addresses of those that were added.
    fn tell_neighbours(&self) -> Result<(), LabError> {
        let text = files::read(&self.state.base().join("hosts"))?;
        for running in self.hosts.values().filter_map(|host| host.running.as_ref()) {
            // One that restarts just now takes the text along as it boots. A disk that a test made read-only or full is no
            // reason to fail.
            if let Some(root) = process::root(running.pid) {
                let _ = fs::write(root.join("etc/hosts"), &text);
            }
        }
        Ok(())
    }

    /// What /etc/hosts says on every host.
    pub(super) fn hosts_file(&self) -> String {
        let fixed = format!("127.0.0.1 localhost\n::1 localhost\n{HUB} hub.lab.test hub\n");
        let line = |(name, host): (&HostName, &Host)| format!("{} {name}.lab.test {name}\n", host.address);
        fixed + &self.hosts.iter().map(line).collect::<String>()
    }

    pub(super) fn start_again(&mut self, name: &HostName) -> Result<(), LabError> {
        if self.find(name)?.running.is_none() {
            self.start(name)?;
            self.wait_for_sshd(name)?;
        }
        Ok(())
    }

    pub(super) fn reboot(&mut self, name: &HostName) -> Result<(), LabError> {
        self.stop(name, Manner::Clean)?;
        self.start_again(name)
    }

    pub(super) fn stop(&mut self, name: &HostName, manner: Manner) -> Result<(), LabError> {
        let pid = self.init_of(name)?;
        match manner {
            Manner::PowerLoss => cut::silence(name)?,
            Manner::Clean if self.find(name)?.spec.base == Base::Systemd => shut_down(pid),
            Manner::Clean => end_processes(pid),
        }
        let init = Pid::from_raw(pid).expect("a host has a number");
        let _ = kill_process(init, Signal::KILL);
        let _ = waitpid(Some(init), WaitOptions::empty());
        self.note_end(pid, None);
        Ok(())
    }

    /// A child of the hub has ended, maybe a host. One that called reboot(2) for a restart dies by SIGHUP.
    pub(super) fn note_end(&mut self, pid: i32, signal: Option<i32>) {
        let is_it = |host: &Host| host.running.as_ref().is_some_and(|running| running.pid == pid);
        let Some((name, host)) = self.hosts.iter_mut().find(|(_, host)| is_it(host)) else {
            return;
        };
        host.running = None;
        host.frozen = false;
        let name = name.clone();
        cable::unplug(&name);
        if signal == Some(Signal::HUP.as_raw())
            && let Err(error) = self.start(&name)
        {
            super::log(&format!("{name} does not come back: {}", error.line()));
        }
    }
}

/// A host's PID 1, in a new PID namespace; it makes the other namespaces itself and then waits for orders.
fn spawn_init(state: &crate::state::StateDir) -> Result<Child, LabError> {
    let own = fs::File::open("/proc/self/ns/pid").during(|| "open our PID namespace".to_owned())?;
    unshare(CloneFlags::CLONE_NEWPID).during(|| "make a PID namespace".to_owned())?;
    let child = tool::again("__host")
        .arg(state.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .during(|| "start a host".to_owned());
    // Later children, tools above all, belong to the hub again.
    setns(&own, CloneFlags::CLONE_NEWPID).during(|| "return to our PID namespace".to_owned())?;
    child
}

fn hear_first_word(init: &mut Child) -> Result<(), LabError> {
    let mut stdout = init.stdout.take().expect("stdout is a pipe");
    stdout.read_exact(&mut [0]).during(|| "hear from the new host (its words are in hub.log)".to_owned())
}

fn give_order(init: &mut Child, order: &BootOrder) -> Result<(), LabError> {
    let text = serde_json::to_string(order).expect("an order is plain data");
    let mut stdin = init.stdin.take().expect("stdin is a pipe");
    stdin.write_all(text.as_bytes()).during(|| "speak to the new host".to_owned())
}

/// Tells systemd to shut down, and gives it time.
fn shut_down(init: i32) {
    let Some(number) = Pid::from_raw(init) else { return };
    let told = tool::feed_inside(init, crate::namespace::ALL, &["systemctl", "--no-block", "poweroff"], "");
    if let (Ok(_), Ok(handle)) = (told, pidfd_open(number, PidfdFlags::empty())) {
        let limit = Timespec { tv_sec: 15, tv_nsec: 0 };
        let _ = poll(&mut [PollFd::new(&handle, PollFlags::IN)], Some(&limit));
    }
}

/// Tells all processes to end, and gives them time: a node stops its applications in order.
fn end_processes(init: i32) {
    let told = process::members(init);
    signal_all(init, Signal::TERM);
    // The init itself is a shell, which does not take TERM.
    let alive = |pid: &i32| *pid != init && process::start_time(*pid).is_some();
    for _ in 0..150 {
        if !told.iter().any(alive) {
            break;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Signals every process of the host, PID 1 included.
pub(super) fn signal_all(init: i32, signal: Signal) {
    for pid in process::members(init).into_iter().filter_map(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}
