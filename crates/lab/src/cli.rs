//! The command line. Also the verbs by which this program starts itself anew (`__guard`, `__hub`, `__host`, ...): a new
//! process is the only way into a PID namespace, and forking without executing is not safe in Rust.

mod grammar;
mod show;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use indexmap::IndexMap;

use self::grammar::{Cli, Hidden, Order, Verb};
use self::show::View;
use crate::ask::{Answer, Manner, Request, ask};
use crate::error::During;
use crate::launch::{Life, launch};
use crate::state::StateDir;
use crate::{HostName, HostSpec, LabError, LabSpec, boot, down, guard, hub, mounts, namespace, possible, relay};

/// Exit status for "this machine cannot".
const NOT_POSSIBLE: u8 = 77;
/// Exit status for a command that could not be started, as a shell has it.
const NOT_STARTED: u8 = 127;

/// Parses the command line and does what it says.
pub fn main() -> ExitCode {
    let (error, status) = match obey(Cli::parse().verb) {
        Ok(status) => return ExitCode::from(status),
        Err(error @ LabError::NotPossible(_)) => (error, NOT_POSSIBLE),
        Err(error @ LabError::Command { .. }) => (error, NOT_STARTED),
        Err(error) => (error, 1),
    };
    let _ = writeln!(std::io::stderr(), "edeliver-lab: {}", error.line());
    ExitCode::from(status)
}

fn obey(verb: Verb) -> Result<u8, LabError> {
    let state = StateDir::from_env()?;
    match verb {
        Verb::Up { n, kind, life } => up(&state, LabSpec::fleet_of(n, &kind.into()), life.into()),
        Verb::Add { names, kind, life } => {
            let spec = HostSpec::from(kind);
            let hosts = names.iter().fold(LabSpec::empty(), |lab, name| lab.host(name.as_str(), spec.clone()));
            up(&state, hosts, life.into())
        }
        Verb::Down => down::down(&state).map(|()| 0),
        Verb::Ssh(words) => {
            let config = state.ssh_config().into_os_string();
            let ssh = ["ssh".into(), "-F".into(), config].into_iter().chain(words.command);
            namespace::run(&state, &ssh.collect::<Vec<_>>()).map(|never| match never {})
        }
        Verb::Run(words) => namespace::run(&state, &words.command).map(|never| match never {}),
        Verb::Exec { host, words } => namespace::exec(&state, &host, &words.command),
        Verb::List { json } => show::show(&ask(&state, &Request::Status)?, View::json(json)).map(|()| 0),
        Verb::Netstat { json } => show::show(&ask(&state, &Request::Netstat)?, View::json(json)).map(|()| 0),
        Verb::Order(order) => ask(&state, &order.into()).map(|_done| 0),
        Verb::Hidden(part) => play(part),
    }
}

/// The parts that this program plays in a lab.
fn play(part: Hidden) -> Result<u8, LabError> {
    match part {
        Hidden::Connect { address, port } => namespace::connect(&StateDir::from_env()?, (address, port).into())?,
        Hidden::Guard { state, life } => guard::guard(&StateDir::at(&state)?, life.into())?,
        Hidden::Hub { state } => hub::hub(StateDir::at(&state)?)?,
        Hidden::Host { state } => match boot::boot(&StateDir::at(&state)?)? {},
        Hidden::Relay { near, far } => relay::relay(&near, &far)?,
        Hidden::Inside { pid, kinds, words } => return namespace::inside(pid, &kinds, &words.command),
        Hidden::Mount { init, change, path, size } => mounts::change(init, &change, &path, &size)?,
    }
    Ok(0)
}

fn up(state: &StateDir, spec: LabSpec, life: Life) -> Result<u8, LabError> {
    possible::possible().map_err(LabError::NotPossible)?;
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

impl From<Order> for Request {
    fn from(order: Order) -> Self {
        match order {
            Order::Cut { host, peer } => Self::Cut { host, peer },
            Order::Heal { host, peer } => Self::Heal { host, peer },
            Order::Link { host, link } => Self::Shape { host, link: link.into() },
            Order::Stop { host, clean: true } => Self::Stop { host, manner: Manner::Clean },
            Order::Stop { host, clean: false } => Self::Stop { host, manner: Manner::PowerLoss },
            Order::Start { host } => Self::Start { host },
            Order::Reboot { host } => Self::Reboot { host },
            Order::Fault { host, fault } => Self::Fault { host, fault },
        }
    }
}
