//! Nodes: their state told truly, starting and stopping them.
//!
//! A node is found by its process and asked with the `erl_call` of its own release, so no VM is started for a question and the cookie
//! stays on the host. The functions here are typed; what carries them out (fixed scripts over a [`Transport`] for now) is this module's
//! own business.

pub(crate) mod answer;
pub(crate) mod base64;
pub mod code;
mod error;
pub mod find;
pub mod link;

use std::time::Duration;

use edeliver_core::{
    config::HostSpec,
    facts::{NodeFacts, NodeState},
    name::{AppName, HostPath, NodeName, Version},
};

pub use answer::{Answer, Modules};
pub use edeliver_core::facts::Incarnation;
pub use error::NodeError;
pub use find::Found;
pub use link::Link;

use crate::transport::{Call, Output, Script, Transport};

/// A script that finds and asks a node: what all of them share, and then these files of `src/`.
macro_rules! asking {
    ($name:literal, $($file:literal),+) => {
        $crate::transport::Script {
            name: $name,
            text: concat!(
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/node/process.sh")),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/node/permanent.sh")),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/node/files.sh")),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/node/vm.sh")),
                include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/node/ask.sh")),
                $(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/src/", $file))),+
            ),
        }
    };
}
pub(crate) use asking;

const STATE: Script = asking!("node state", "node/state.sh");
const START: Script = asking!("node start", "node/watch.sh", "node/environment.sh", "node/start.sh");
const STOP: Script = asking!("node stop", "node/watch.sh", "node/stop.sh");

/// What a script may take beyond the wait that it was told: finding the process, asking it, cleaning up.
const GRACE: Duration = Duration::from_secs(45);

/// A release root on a host, and the node that serves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The root: `DELIVER_TO/APP`.
    pub root: HostPath,
    /// Name of the release.
    pub app: AppName,
    /// The node name in the configuration; chooses among several nodes of one root.
    pub node: Option<NodeName>,
}

impl Place {
    /// The release root of this host.
    pub fn on(host: &HostSpec, app: &AppName) -> Self {
        Self { root: host.path.join(app.as_str()), app: app.clone(), node: host.node.clone() }
    }
    /// The first three arguments of every script that deals with a root.
    pub(crate) fn args(&self) -> Vec<String> {
        vec![self.root.to_string(), self.app.to_string(), self.node_arg()]
    }
    fn node_arg(&self) -> String {
        self.node.as_ref().map(ToString::to_string).unwrap_or_default()
    }
}

/// The environment that a node is started with, over that of the machine.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// Shell start-up file, sourced first; may start with `~/`; may be missing; empty: none.
    pub profile: String,
    /// Variables. They may be secrets: they are in no command line and no log.
    pub variables: Vec<(String, String)>,
    /// Names, as shell patterns, of variables that must not come from the machine or the start-up file.
    pub kept_away: &'static [&'static str],
}

impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.variables.iter().map(|(name, _)| name).collect();
        f.debug_struct("Environment").field("profile", &self.profile).field("variables", &names).finish()
    }
}

/// The state of the node, and what boots next: one call, no VM.
///
/// # Errors
/// [`NodeError::Transport`], or an answer that can't be read.
pub async fn state(host: &dyn Transport, place: &Place) -> Result<Answer, NodeError> {
    ask(host, place, "").await
}

/// As [`state`], with the MD5 of all loaded modules: 20 ms and 40 KB more.
///
/// # Errors
/// As [`state`].
pub async fn state_and_code(host: &dyn Transport, place: &Place) -> Result<Answer, NodeError> {
    ask(host, place, "code").await
}

async fn ask(host: &dyn Transport, place: &Place, extra: &str) -> Result<Answer, NodeError> {
    let mut args = place.args();
    args.push(extra.to_owned());
    let reply = host.run(Call::new(STATE, args, GRACE)).await?.ok(STATE)?;
    Answer::parse(&reply.text()).map_err(NodeError::Answer)
}

/// Starts the node and waits until `init:get_status()` is `{started, started}` and its version is the one asked for. A node that runs
/// that version already is fine. Lines that the start script and the release's log print go to `tell`.
///
/// # Errors
/// Why the node is not up, with the last lines of its log.
pub async fn start(
    host: &dyn Transport,
    place: &Place,
    version: &Version,
    timeout: Duration,
    environment: &Environment,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<NodeFacts, NodeError> {
    let args = start_words(place, version, timeout, environment);
    let (status, facts, log) = run_telling(host, START, args, timeout + GRACE, tell).await?;
    match status {
        0 => Ok(facts),
        20 => Err(NodeError::Died { log }),
        21 => Err(NodeError::NotUp { after: timeout, state: facts.state, log }),
        22 => Err(NodeError::OtherVersion { runs: facts.booted, wanted: version.clone() }),
        23 => Err(NodeError::NoScript { log }),
        24 => Err(NodeError::Profile { profile: environment.profile.clone(), log }),
        25 => Err(NodeError::NotPermanent { wanted: version.clone(), log }),
        status => Err(NodeError::Script { script: START.name, status, log }),
    }
}

/// Stops the node, if it was booted into `version` (`None`: whatever it runs), and waits until its process has gone: an orderly
/// `init:stop()` first, after `timeout` SIGTERM, then SIGKILL, each of which is told.
///
/// # Errors
/// The process belongs to another user, or does not go away.
pub async fn stop(
    host: &dyn Transport,
    place: &Place,
    version: Option<&Version>,
    timeout: Duration,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<(), NodeError> {
    let args = stop_words(place, version, timeout);
    let (status, _, log) = run_telling(host, STOP, args, timeout + GRACE, tell).await?;
    match status {
        0 => Ok(()),
        30 => Err(NodeError::NotOurs { log }),
        31 => Err(NodeError::StaysAlive { log }),
        32 => Err(NodeError::Unseen { log }),
        status => Err(NodeError::Script { script: STOP.name, status, log }),
    }
}

/// The arguments of the script that starts a node.
pub(crate) fn start_words(place: &Place, version: &Version, timeout: Duration, environment: &Environment) -> Vec<String> {
    let mut args = place.args();
    args.extend([version.to_string(), timeout.as_secs().max(1).to_string(), environment.profile.clone()]);
    args.extend(environment.kept_away.iter().map(|pattern| format!("-{pattern}")));
    args.extend(environment.variables.iter().map(|(name, value)| format!("{name}={value}")));
    args
}

/// The arguments of the script that stops one.
pub(crate) fn stop_words(place: &Place, version: Option<&Version>, timeout: Duration) -> Vec<String> {
    let mut args = place.args();
    args.extend([version.map(ToString::to_string).unwrap_or_default(), timeout.as_secs().max(1).to_string()]);
    args
}

/// Runs a script whose lines are for the user, but for those that begin with `fact `.
pub(crate) async fn run_telling(
    host: &dyn Transport,
    script: Script,
    args: Vec<String>,
    timeout: Duration,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<(i32, NodeFacts, Vec<String>), NodeError> {
    let mut facts = answer::NodeLines::default();
    let mut log = Vec::new();
    let mut line = |text: &str| match text.strip_prefix("fact ") {
        Some(fact) => _ = facts.take(fact),
        None => {
            log.push(crate::report::printable(text));
            tell(text);
        }
    };
    let call = Call { output: Output::Lines(&mut line), ..Call::new(script, args, timeout) };
    let reply = host.run(call).await?;
    Ok((reply.status, facts.facts(None), log))
}

/// Whether this state is one in which the node does its work, as far as can be known.
pub fn is_up(state: NodeState) -> bool {
    matches!(state, NodeState::Running | NodeState::NoDistribution | NodeState::Unasked)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    fn scripts(folder: &Path, found: &mut Vec<String>) {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            match path.is_dir() {
                true => scripts(&path, found),
                false if path.extension().is_some_and(|end| end == "sh") => found.push(fs::read_to_string(&path).unwrap()),
                false => {}
            }
        }
    }

    /// The link is lost, or edeliver: the transport ends the script by a signal. What it leaves may have a cookie in it.
    #[test]
    fn a_script_that_is_ended_leaves_no_private_folder() {
        let mut all = Vec::new();
        scripts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
        let makes = |script: &&String| script.contains("=$(private_dir)");
        let (made, kept): (Vec<_>, Vec<_>) = all.iter().filter(makes).partition(|script| script.contains("trap 'rm -rf \"$"));
        assert!(made.len() >= 5 && kept.is_empty(), "{kept:#?}");
    }
}
