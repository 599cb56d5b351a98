//! What can be said on the command line.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};

use crate::launch::Life;
use crate::{Base, Fault, HostName, HostSpec, Link};

/// Throw-away Linux hosts on one machine, for testing deployments over SSH.
///
/// Every host has its own process list, hostname, address, file view, accounts (root, deploy, admin), epmd and sshd. No
/// daemon, no image, no container engine: only kernel namespaces. Exit status 77 means "this machine cannot". The lab
/// lives in the directory LAB_STATE names; labs with different ones do not see each other.
#[derive(Debug, Parser)]
#[command(name = "edeliver-lab", version)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
    /// Start build, staging1 and prod1 to prodN; what runs already keeps running
    Up {
        /// How many prod hosts
        n: usize,
        #[command(flatten)]
        kind: Kind,
        #[command(flatten)]
        life: LifeArgs,
    },
    /// Start more hosts, of any kind
    Add {
        #[arg(required = true)]
        names: Vec<HostName>,
        #[command(flatten)]
        kind: Kind,
        #[command(flatten)]
        life: LifeArgs,
    },
    /// Remove everything
    Down,
    /// Run a command on a host by ssh: [SSH OPTION]... HOST CMD
    #[command(disable_help_flag = true)]
    Ssh(Words),
    /// Run a command in the lab's network; exports LAB_SSH_CONFIG
    #[command(disable_help_flag = true)]
    Run(Words),
    /// Run a command as root inside a host, not through ssh
    Exec {
        host: HostName,
        #[command(flatten)]
        words: Words,
    },
    /// Show the hosts
    List {
        #[arg(long)]
        json: bool,
    },
    /// Show what passed over the cables: bytes, connections, logins
    Netstat {
        #[arg(long)]
        json: bool,
    },
    #[command(flatten)]
    Order(Order),
    #[command(flatten)]
    Hidden(Hidden),
}

/// What the hub is told to do.
#[derive(Debug, Subcommand)]
pub(super) enum Order {
    /// Drop all packets of a host, or those between it and PEER
    Cut { host: HostName, peer: Option<HostName> },
    /// Undo cut
    Heal { host: HostName, peer: Option<HostName> },
    /// Give a running host another cable; its connections live on
    Link {
        host: HostName,
        #[command(flatten)]
        link: LinkArgs,
    },
    /// Power off a host; its disk stays
    Stop {
        host: HostName,
        /// Let its processes end in order and close their connections
        #[arg(long)]
        clean: bool,
    },
    /// Power on a host
    Start { host: HostName },
    /// Stop --clean and start
    Reboot { host: HostName },
    /// Break something on a host
    Fault {
        host: HostName,
        #[command(subcommand)]
        fault: Fault,
    },
}

/// What this program starts itself (or ssh starts it) as.
#[derive(Debug, Subcommand)]
pub(super) enum Hidden {
    /// For ssh's ProxyCommand with ProxyUseFdpass
    #[command(hide = true)]
    Connect { address: IpAddr, port: u16 },
    #[command(name = "__guard", hide = true)]
    Guard {
        state: PathBuf,
        #[command(flatten)]
        life: LifeArgs,
    },
    #[command(name = "__hub", hide = true)]
    Hub { state: PathBuf },
    #[command(name = "__host", hide = true)]
    Host { state: PathBuf },
    #[command(name = "__relay", hide = true)]
    Relay { near: String, far: String },
    #[command(name = "__inside", hide = true)]
    Inside {
        pid: i32,
        kinds: String,
        #[command(flatten)]
        words: Words,
    },
    #[command(name = "__mount", hide = true)]
    Mount {
        init: i32,
        change: String,
        path: PathBuf,
        #[arg(default_value = "")]
        size: String,
    },
}

#[derive(Debug, Args)]
pub(super) struct Words {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    pub(super) command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct LinkArgs {
    /// Added round trip to the hub, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 0.0)]
    latency: f64,
    /// Speed limit in each direction, megabit per second
    #[arg(long, value_name = "MBIT", default_value_t = 0.0)]
    rate: f64,
    /// Frames lost in each direction, percent
    #[arg(long, value_name = "PCT", default_value_t = 0.0)]
    loss: f64,
}

#[derive(Debug, Args)]
pub(super) struct Kind {
    #[command(flatten)]
    link: LinkArgs,
    /// Which programs hosts have
    #[arg(long, value_enum, default_value_t)]
    base: Base,
    /// Login shell of the user deploy
    #[arg(long, value_name = "PATH")]
    shell: Option<String>,
    /// Commands that hosts lack
    #[arg(long, value_name = "CMD", value_delimiter = ',')]
    without: Vec<String>,
    /// Keep Erlang, Elixir and git on all hosts, not on build alone
    #[arg(long)]
    full: bool,
    /// A line for sshd_config instead of the stock one, such as 'MaxStartups 200'
    #[arg(long, value_name = "LINE")]
    sshd: Vec<String>,
}

#[derive(Clone, Copy, Debug, Args)]
pub(super) struct LifeArgs {
    /// Go down when that process ends
    #[arg(long, value_name = "PID")]
    owner: Option<u32>,
    /// Go down after that many seconds
    #[arg(long, value_name = "S", default_value_t = 3 * 3600)]
    ttl: u64,
}

impl From<LifeArgs> for Life {
    fn from(args: LifeArgs) -> Self {
        Self { owner: args.owner, ttl: Duration::from_secs(args.ttl) }
    }
}

impl From<LinkArgs> for Link {
    fn from(args: LinkArgs) -> Self {
        Self { latency_ms: args.latency, rate_mbit: args.rate, loss_percent: args.loss }
    }
}

impl From<Kind> for HostSpec {
    fn from(kind: Kind) -> Self {
        Self { base: kind.base, shell: kind.shell, without: kind.without, full: kind.full, sshd: kind.sshd, link: kind.link.into() }
    }
}
