//! The lab as tests, demo and bench use it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output};

use indexmap::IndexMap;

use crate::ask::{Answer, Manner, Request, ask};
use crate::error::During;
use crate::launch::{Life, launch};
use crate::state::StateDir;
use crate::{Fault, HostName, HostSpec, HostTraffic, LabError, LabSpec, Link, Status, binary, disk, down, namespace, possible};

/// A running lab with a state directory of its own; goes down when dropped, or when this process ends in whatever way.
///
/// ```no_run
/// use edeliver_lab::{Lab, LabSpec};
///
/// # fn main() -> Result<(), edeliver_lab::LabError> {
/// let lab = Lab::up(LabSpec::fleet(3))?;
/// let output = lab.ssh("prod1").arg("hostname").output().expect("ssh is there");
/// assert_eq!(output.stdout, b"prod1\n");
/// lab.cut("prod2")?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lab {
    state: StateDir,
    binary: PathBuf,
    /// Our child, which ends soon after the hub.
    guard: Option<Child>,
}

impl Lab {
    /// Whether this machine and account can hold a lab.
    ///
    /// # Errors
    /// Why not, in one line; tests print it and count as ignored.
    pub fn possible() -> Result<(), String> {
        possible::possible()
    }

    /// Whether its hosts can have systemd as PID 1 ([`Base::Systemd`](crate::Base::Systemd)).
    ///
    /// # Errors
    /// Why not, in one line; tests print it and count as ignored.
    pub fn systemd_possible() -> Result<(), String> {
        possible::possible().and_then(|()| disk::systemd::possible())
    }

    /// Starts a lab, and waits until sshd listens on all of its hosts.
    ///
    /// # Errors
    /// If the machine cannot hold one, the program `edeliver-lab` is not to be had, or a host does not start.
    pub fn up(spec: LabSpec) -> Result<Self, LabError> {
        possible::possible().map_err(LabError::NotPossible)?;
        let binary = binary::locate()?;
        let place = tempfile::Builder::new().prefix("edeliver-lab-").tempdir();
        let place = place.during(|| "make a temporary directory".to_owned())?;
        let state = StateDir::at(place.path())?;
        let mut lab = Self { state, binary, guard: None };
        // From here on the guard removes it, should this process be killed.
        let _ = place.keep();
        lab.launch(Life { owner: Some(std::process::id()), ttl: spec.ttl })?;
        lab.start_hosts(spec.hosts)?;
        Ok(lab)
    }

    fn launch(&mut self, life: Life) -> Result<(), LabError> {
        let _lock = self.state.lock()?;
        self.guard = launch(&self.binary, &self.state, life)?;
        Ok(())
    }

    /// One more host.
    ///
    /// # Errors
    /// If the name is none, or the host does not start.
    pub fn add(&self, host: &str, spec: HostSpec) -> Result<(), LabError> {
        self.start_hosts(vec![(host.to_owned(), spec)])
    }

    fn start_hosts(&self, hosts: Vec<(String, HostSpec)>) -> Result<(), LabError> {
        let named = hosts.into_iter().map(|(name, spec)| Ok((name.parse()?, spec)));
        let hosts = named.collect::<Result<IndexMap<HostName, HostSpec>, LabError>>()?;
        self.ask(&Request::Up(hosts)).map(drop)
    }

    /// The configuration for ssh in the lab's network: addresses, key, pinned host keys, no questions. `command` exports
    /// its path as `LAB_SSH_CONFIG`.
    pub fn ssh_config(&self) -> PathBuf {
        self.state.ssh_config()
    }

    /// The private key that root, deploy and admin accept on every host.
    pub fn client_key(&self) -> PathBuf {
        self.state.client_key()
    }

    /// The pinned host keys.
    pub fn known_hosts(&self) -> PathBuf {
        self.state.known_hosts()
    }

    /// The lab's directory, for `LAB_STATE`: with it the program `edeliver-lab` works on this lab.
    pub fn state(&self) -> &Path {
        self.state.path()
    }

    /// A program in the lab's network; files, processes and all else are this machine's. What is still running when the
    /// lab goes down is killed.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = self.lab_program();
        command.args(["run", "--"]).arg(program);
        command
    }

    /// `ssh HOST`, ready for a command line; `user@host` for others than deploy.
    pub fn ssh(&self, host: &str) -> Command {
        let mut command = self.command("ssh");
        command.arg("-F").arg(self.ssh_config()).arg(host);
        command
    }

    /// Runs a command as root inside a host, not through ssh, and waits for it.
    ///
    /// # Errors
    /// If it could not be started here; a command that is not there ends with status 127.
    pub fn exec<S: AsRef<OsStr>>(&self, host: &str, argv: &[S]) -> Result<Output, LabError> {
        let mut command = self.lab_program();
        command.args(["exec", host, "--"]).args(argv);
        command.output().during(|| format!("run edeliver-lab exec {host}"))
    }

    fn lab_program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.env("LAB_STATE", self.state.path());
        command
    }

    /// Where this process sees the host's root directory. Changes with every start of the host.
    ///
    /// # Errors
    /// If the host is unknown or stopped.
    pub fn host_root(&self, host: &str) -> Result<PathBuf, LabError> {
        let init = namespace::init_of(&self.state, &host.parse()?)?;
        Ok(namespace::host_process(self.state.hub()?.pid, init).join("root"))
    }

    /// All hosts and what they do.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub fn status(&self) -> Result<Status, LabError> {
        match self.ask(&Request::Status)? {
            Answer::Status(status) => Ok(status),
            _ => Err(LabError::Refused("the hub gave no status".to_owned())),
        }
    }

    /// What passed over each running host's cable since it was started.
    ///
    /// # Errors
    /// If the hub does not answer.
    pub fn netstat(&self) -> Result<IndexMap<String, HostTraffic>, LabError> {
        match self.ask(&Request::Netstat)? {
            Answer::Netstat(rows) => {
                let running = rows.into_iter().filter_map(|(name, row)| Some((name.to_string(), row?)));
                Ok(running.collect())
            }
            _ => Err(LabError::Refused("the hub gave no counters".to_owned())),
        }
    }

    /// Breaks something on a running host, or mends it.
    ///
    /// # Errors
    /// If the host is not running, or the fault does not apply (no sshd to kill).
    pub fn fault(&self, host: &str, fault: Fault) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Fault { host, fault })
    }

    /// No packet reaches or leaves the host, and nobody is told.
    ///
    /// # Errors
    /// If the host is not running.
    pub fn cut(&self, host: &str) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Cut { host, peer: None })
    }

    /// Two hosts lose each other; all others still reach both.
    ///
    /// # Errors
    /// If one of them is not running.
    pub fn split(&self, host: &str, peer: &str) -> Result<(), LabError> {
        let peer = Some(peer.parse()?);
        self.do_to(host, |host| Request::Cut { host, peer })
    }

    /// Undoes `cut` and every `split` of the host.
    ///
    /// # Errors
    /// If the host is not running.
    pub fn heal(&self, host: &str) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Heal { host, peer: None })
    }

    /// Gives a running host another cable; its connections live on.
    ///
    /// # Errors
    /// If the host is not running, or the kernel can neither delay frames nor make TAP devices.
    pub fn shape(&self, host: &str, link: Link) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Shape { host, link })
    }

    /// Power loss: no farewell passes the cable; the disk is kept.
    ///
    /// # Errors
    /// If the host is not running.
    pub fn stop(&self, host: &str) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Stop { host, manner: Manner::PowerLoss })
    }

    /// Powers a stopped host on, and waits for its sshd.
    ///
    /// # Errors
    /// If the host is unknown or does not start.
    pub fn start(&self, host: &str) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Start { host })
    }

    /// Ends the host's processes in order and starts it again; /etc/rc.local runs, /run is empty.
    ///
    /// # Errors
    /// If the host is not running or does not start.
    pub fn reboot(&self, host: &str) -> Result<(), LabError> {
        self.do_to(host, |host| Request::Reboot { host })
    }

    /// The hub's process on this machine; to kill it is the lab's power loss.
    ///
    /// # Errors
    /// If it is not running.
    pub fn hub_pid(&self) -> Result<i32, LabError> {
        Ok(self.state.hub()?.pid)
    }

    fn do_to(&self, host: &str, request: impl FnOnce(HostName) -> Request) -> Result<(), LabError> {
        self.ask(&request(host.parse()?)).map(drop)
    }

    fn ask(&self, request: &Request) -> Result<Answer, LabError> {
        ask(&self.state, request)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // Nobody to tell of a failure; the guard tries the same.
        if down::down(&self.state).is_ok()
            && let Some(guard) = &mut self.guard
        {
            let _ = guard.wait();
        }
    }
}
