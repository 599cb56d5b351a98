//! Hidden verb `__hub`: PID 1 of the lab. Owns the bridge, starts and stops hosts, answers requests one after the other.

pub(crate) mod cable;
mod client;
mod cut;
mod fault;
mod host;
mod netstat;
mod shape;

use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use indexmap::{IndexMap, IndexSet};
use nix::mount::MsFlags;
use nix::sys::signal::Signal;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{WaitOptions, wait};

use crate::ask::{Answer, Request};
use crate::error::During;
use crate::name::{HUB, PREFIX, mac};
use crate::state::StateDir;
use crate::{HostName, HostStatus, LabError, Status, disk, launch, mounts, namespace, tool};
use host::Host;

/// The hub's memory. Nothing of it is on disk: a lab that lost its hub is gone.
pub(crate) struct Hub {
    state: StateDir,
    /// In the order in which they were made.
    hosts: IndexMap<HostName, Host>,
    /// Pairs that cannot reach each other.
    splits: IndexSet<[HostName; 2]>,
    /// Addresses given to hosts whose name has no fixed one.
    others: u8,
    /// Whether this kernel has netem; asked when it first matters.
    netem: Option<bool>,
}

/// Runs until it is killed.
pub(crate) fn hub(state: StateDir) -> Result<(), LabError> {
    // With the guard dead nobody would clear away what a hub leaves.
    nix::sys::prctl::set_pdeathsig(Signal::SIGKILL).during(|| "tie the hub to its guard".to_owned())?;
    if let Err(error) = settle().and_then(|()| disk::make_room(&state)) {
        say(&error.line());
        return Err(error);
    }
    let listener = UnixListener::bind(state.socket()).during(|| "open the hub's socket".to_owned())?;
    listener.set_nonblocking(true).during(|| "open the hub's socket".to_owned())?;
    say(launch::READY);
    let mut hub = Hub { state, hosts: IndexMap::new(), splits: IndexSet::new(), others: 0, netem: None };
    loop {
        hub.sleep(&listener);
        hub.reap();
        while let Ok((stream, _)) = listener.accept() {
            hub.converse(stream);
            hub.reap();
        }
    }
}

/// To the one who launched us, who then hears no more.
fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
    if let Ok(null) = std::fs::File::options().write(true).open("/dev/null") {
        let _ = rustix::stdio::dup2_stdout(null);
    }
}

/// Into hub.log.
fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Makes the lab's own view of the machine, and the bridge between hosts.
fn settle() -> Result<(), LabError> {
    namespace::leave_machine()?;
    mounts::make_private()?;
    mounts::fresh("proc", Path::new("/proc"), MsFlags::empty(), "")?;
    mounts::fresh("sysfs", Path::new("/sys"), MsFlags::MS_RDONLY, "")?;
    nix::unistd::sethostname("lab").during(|| "set the hostname".to_owned())?;
    let mac = mac(HUB);
    let script = format!(
        "link set lo up\n\
         link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n\
         link set br0 address {mac}\n\
         link set br0 addrgenmode none\n\
         addr add {HUB}/{PREFIX} dev br0\n\
         link set br0 up\n"
    );
    tool::feed(&["ip", "-batch", "-"], &script).map(drop)
}

impl Hub {
    /// Until someone asks or a host ends; at most a few seconds, for orphans to be reaped.
    fn sleep(&self, listener: &UnixListener) {
        let inits = self.hosts.values().filter_map(|host| Some(host.running.as_ref()?.handle.as_fd()));
        let mut watched: Vec<PollFd<'_>> =
            [listener.as_fd()].into_iter().chain(inits).map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        let _ = poll(&mut watched, Some(&Timespec { tv_sec: 5, tv_nsec: 0 }));
    }

    /// Buries every dead child, hosts and orphans alike.
    fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.note_end(pid.as_raw_nonzero().get(), status.terminating_signal());
        }
    }

    fn converse(&mut self, stream: UnixStream) {
        let mut talk = || {
            stream.set_nonblocking(false)?;
            stream.set_read_timeout(Some(Duration::from_secs(5)))?;
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line)?;
            let request = serde_json::from_str(&line)?;
            let answer = self.answer(request).unwrap_or_else(|error| Answer::Refused(error.line()));
            writeln!(&stream, "{}", serde_json::to_string(&answer)?)
        };
        // A client that went away needs no answer.
        let _: std::io::Result<()> = talk();
    }

    fn answer(&mut self, request: Request) -> Result<Answer, LabError> {
        match request {
            Request::Up(hosts) => return self.up(hosts).map(Answer::Started),
            Request::Stop { host, manner } => self.stop(&host, manner)?,
            Request::Start { host } => self.start_again(&host)?,
            Request::Reboot { host } => self.reboot(&host)?,
            Request::Cut { host, peer: None } => self.cut(&host)?,
            Request::Cut { host, peer: Some(peer) } => self.split(&host, &peer)?,
            Request::Heal { host, peer } => self.heal(&host, peer.as_ref())?,
            Request::Shape { host, link } => self.change_link(&host, link)?,
            Request::Fault { host, fault } => self.fault(&host, fault)?,
            Request::Status => return Ok(Answer::Status(self.status())),
            Request::Netstat => return Ok(Answer::Netstat(self.netstat())),
        }
        Ok(Answer::Done)
    }

    fn status(&self) -> Status {
        let row = |(name, host): (&HostName, &Host)| HostStatus {
            host: name.clone(),
            address: host.address,
            state: host.state(),
            pid: host.running.as_ref().map(|running| running.pid),
            base: host.spec.base,
            link: host.spec.link,
        };
        Status { hosts: self.hosts.iter().map(row).collect() }
    }

    fn find(&self, name: &HostName) -> Result<&Host, LabError> {
        self.hosts.get(name).ok_or_else(|| LabError::NoHost(name.to_string()))
    }

    fn find_mut(&mut self, name: &HostName) -> Result<&mut Host, LabError> {
        self.hosts.get_mut(name).ok_or_else(|| LabError::NoHost(name.to_string()))
    }

    /// The PID 1 of a running host.
    fn init_of(&self, name: &HostName) -> Result<i32, LabError> {
        let running = self.find(name)?.running.as_ref();
        running.map(|running| running.pid).ok_or_else(|| LabError::Stopped(name.to_string()))
    }

    fn new_address(&mut self, name: &HostName) -> Result<Ipv4Addr, LabError> {
        if let Some(address) = name.fixed_address() {
            return Ok(address);
        }
        self.others = self
            .others
            .checked_add(1)
            .filter(|k| *k < 255)
            .ok_or_else(|| LabError::Refused("at most 254 hosts with names other than build, stagingK, prodK".to_owned()))?;
        Ok(crate::name::other_address(self.others))
    }
}
