//! What hosts are wanted, and of which kind.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which programs a host has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Base {
    /// The machine's own /usr, less what is hidden from the host.
    #[default]
    Debian,
    /// Nothing but a static BusyBox and sshd: no bash, rsync, scp, sftp, GNU options. The login shell is /bin/sh.
    Busybox,
    /// Like `Debian`, with the machine's own systemd as PID 1: units, user units, `systemctl reboot`. Not possible everywhere, see
    /// [`Lab::systemd_possible`](crate::Lab::systemd_possible).
    Systemd,
}

impl Base {
    /// Whether /usr is the machine's.
    pub(crate) fn is_machines(self) -> bool {
        self != Self::Busybox
    }
}

/// A host's cable to the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// Added round trip time to the hub, milliseconds (twice that between two slow hosts).
    pub latency_ms: f64,
    /// Speed limit in each direction, megabit per second; 0 is none.
    pub rate_mbit: f64,
    /// Frames lost in each direction, percent.
    pub loss_percent: f64,
}

impl Link {
    /// Whether frames have to wait or get lost, which not every kernel can do by itself.
    pub(crate) fn is_slow(&self) -> bool {
        self.latency_ms > 0.0 || self.loss_percent > 0.0
    }
}

/// One host as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HostSpec {
    /// Which programs it has.
    pub base: Base,
    /// Login shell of the user deploy; bash (or BusyBox's sh) if none is given.
    pub shell: Option<String>,
    /// Commands it lacks: file names in /usr/bin.
    pub without: Vec<String>,
    /// Keep Erlang, Elixir and git on it, which only the host `build` has otherwise.
    pub full: bool,
    /// Lines for its sshd_config; each replaces the lab's own of the same keyword. Without any it keeps OpenSSH's stock
    /// limits (MaxStartups 10:30:100, MaxSessions 10).
    pub sshd: Vec<String>,
    /// Its cable.
    pub link: Link,
}

/// A lab as it is wanted.
#[derive(Clone, Debug)]
pub struct LabSpec {
    pub(crate) hosts: Vec<(String, HostSpec)>,
    pub(crate) ttl: Duration,
}

impl LabSpec {
    /// A lab without hosts.
    pub fn empty() -> Self {
        Self { hosts: Vec::new(), ttl: Duration::from_secs(3 * 3600) }
    }

    /// `build`, `staging1` and `prod1` to `prodN`, all of the default kind.
    pub fn fleet(n: usize) -> Self {
        Self::fleet_of(n, &HostSpec::default())
    }

    /// `build`, `staging1` and `prod1` to `prodN`, all as given.
    pub fn fleet_of(n: usize, spec: &HostSpec) -> Self {
        let fixed = ["build".to_owned(), "staging1".to_owned()];
        let prod = (1..=n).map(|k| format!("prod{k}"));
        let names = fixed.into_iter().chain(prod);
        Self { hosts: names.map(|name| (name, spec.clone())).collect(), ..Self::empty() }
    }

    /// One more host.
    #[must_use]
    pub fn host(mut self, name: &str, spec: HostSpec) -> Self {
        self.hosts.push((name.to_owned(), spec));
        self
    }

    /// How long the lab lives at most; three hours if nothing is said.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }
}
