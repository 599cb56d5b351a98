//! The command line. Also the verbs by which this program starts itself anew (`__guard`, `__hub`, `__host`, ...): a new
//! process is the only way into a PID namespace, and forking without executing is not safe in Rust.

mod show;

use std::ffi::OsString;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use indexmap::IndexMap;

use crate::ask::{Answer, Manner, Request, ask};
use crate::error::During;
use crate::launch::{Life, launch};
use crate::state::StateDir;
use crate::{Base, Fault, HostName, HostSpec, LabError, LabSpec, Link, boot, down, guard, hub, mounts, namespace, relay};

/// Exit status for "this machine cannot".
const NOT_POSSIBLE: u8 = 77;
/// Exit status for a command that could not be started, as a shell has it.
const NOT_STARTED: u8 = 127;

/// Throw-away Linux hosts on one machine, for testing deployments over SSH.
///
/// Every host has its own process list, hostname, address, file view, accounts (root, deploy, admin), epmd and sshd. No
/// daemon, no image, no container engine: only kernel namespaces. Exit status 77 means "this machine cannot". The lab
/// lives in the directory LAB_STATE names; labs with different ones do not see each other.
#[derive(Debug, Parser)]
#[command(name = "edeliver-lab", version)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
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
        /// Let its processes close their connections
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
    /// For ssh's ProxyCommand with ProxyUseFdpass
    #[command(hide = true)]
    Connect { address: std::net::IpAddr, port: u16 },

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
struct Words {
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

#[derive(Clone, Copy, Debug, Args)]
struct LinkArgs {
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
struct Kind {
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
struct LifeArgs {
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

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let (error, status) = match obey(cli.verb) {
        Ok(status) => return ExitCode::from(status),
        Err(error @ LabError::NotPossible(_)) => (error, NOT_POSSIBLE),
        Err(error @ LabError::Command { .. }) => (error, NOT_STARTED),
        Err(error) => (error, 1),
    };
    let _ = writeln!(std::io::stderr(), "edeliver-lab: {}", error.line());
    ExitCode::from(status)
}

fn obey(verb: Verb) -> Result<u8, LabError> {
    match verb {
        Verb::Guard { state, life } => guard::guard(&StateDir::at(&state)?, life.into()).map(|()| 0),
        Verb::Hub { state } => hub::hub(StateDir::at(&state)?).map(|()| 0),
        Verb::Host { state } => boot::boot(&StateDir::at(&state)?).map(|never| match never {}),
        Verb::Relay { near, far } => relay::relay(&near, &far).map(|()| 0),
        Verb::Inside { pid, kinds, words } => namespace::inside(pid, &kinds, &words.command),
        Verb::Mount { init, change, path, size } => mounts::change(init, &change, &path, &size).map(|()| 0),
        verb => serve_user(&StateDir::from_env()?, verb),
    }
}

fn serve_user(state: &StateDir, verb: Verb) -> Result<u8, LabError> {
    match verb {
        Verb::Up { n, kind, life } => up(state, LabSpec::fleet_of(n, &kind.into()), life.into()),
        Verb::Add { names, kind, life } => {
            let spec = HostSpec::from(kind);
            let hosts = names.iter().fold(LabSpec::empty(), |lab, name| lab.host(name.as_str(), spec.clone()));
            up(state, hosts, life.into())
        }
        Verb::Down => down::down(state).map(|()| 0),
        Verb::Ssh(words) => {
            let config = state.ssh_config().into_os_string();
            let ssh = ["ssh".into(), "-F".into(), config].into_iter().chain(words.command);
            namespace::run(state, &ssh.collect::<Vec<_>>()).map(|never| match never {})
        }
        Verb::Run(words) => namespace::run(state, &words.command).map(|never| match never {}),
        Verb::Exec { host, words } => namespace::exec(state, &host, &words.command),
        Verb::Connect { address, port } => namespace::connect(state, (address, port).into()).map(|()| 0),
        verb => request(verb).and_then(|(request, view)| show::show(&ask(state, &request)?, view)).map(|()| 0),
    }
}

/// The verbs that are one request to the hub.
fn request(verb: Verb) -> Result<(Request, show::View), LabError> {
    let view = match &verb {
        Verb::List { json: true } | Verb::Netstat { json: true } => show::View::Json,
        _ => show::View::Table,
    };
    let request = match verb {
        Verb::List { .. } => Request::Status,
        Verb::Netstat { .. } => Request::Netstat,
        Verb::Cut { host, peer } => Request::Cut { host, peer },
        Verb::Heal { host, peer } => Request::Heal { host, peer },
        Verb::Link { host, link } => Request::Shape { host, link: link.into() },
        Verb::Stop { host, clean } => {
            let manner = if clean { Manner::Clean } else { Manner::PowerLoss };
            Request::Stop { host, manner }
        }
        Verb::Start { host } => Request::Start { host },
        Verb::Reboot { host } => Request::Reboot { host },
        Verb::Fault { host, fault } => Request::Fault { host, fault },
        _ => unreachable!("all other verbs were served before"),
    };
    Ok((request, view))
}

fn up(state: &StateDir, spec: LabSpec, life: Life) -> Result<u8, LabError> {
    let began = std::time::Instant::now();
    let named = spec.hosts.into_iter().map(|(name, spec)| Ok((name.parse()?, spec)));
    let hosts = named.collect::<Result<IndexMap<HostName, HostSpec>, LabError>>()?;
    let binary = std::env::current_exe().during(|| "find this program".to_owned())?;
    let _lock = state.lock()?;
    let _guard = launch(&binary, state, life)?;
    let count = hosts.len();
    let Answer::Started(started) = ask(state, &Request::Up(hosts))? else {
        return Err(LabError::Refused("the hub did not say what it started".to_owned()));
    };
    let seconds = began.elapsed().as_secs_f64();
    let config = state.proxied_ssh_config();
    let text = format!("{count} hosts up, {started} started now, {seconds:.2} s\nssh -F {} HOST\n", config.display());
    show::print(&text).map(|()| 0)
}
