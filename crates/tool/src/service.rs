//! Nodes that systemd runs: what it says of their unit, starting and stopping by it, and writing it.
//!
//! systemd's word is not enough: a unit is "active" long before its node is up. So these functions ask both, and a start counts when
//! `init:get_status()` says so.

mod answer;
mod error;
mod script;

use std::{collections::HashMap, sync::Arc, time::Duration};

use edeliver_core::{
    config::TargetSettings,
    facts::{HostFacts, NodeFacts},
    name::{AppName, HostName, NodeName, Version},
    step::Setup,
    unit::{Unit, UnitFacts, text},
};
use tokio::task::JoinSet;

pub use error::ServiceError;
pub use script::for_an_administrator;

use crate::{
    node::{self, NodeError, Place},
    transport::{Call, Script, Transport},
};

const STATE: Script =
    Script { name: "unit state", text: concat!(include_str!("service/systemctl.sh"), include_str!("service/state.sh")) };
const START: Script = node::asking!("unit start", "node/watch.sh", "service/systemctl.sh", "service/start.sh");
const STOP: Script = Script {
    name: "unit stop",
    text: concat!(include_str!("node/process.sh"), include_str!("service/systemctl.sh"), include_str!("service/stop.sh")),
};
const LOOK: Script = Script {
    name: "setup facts",
    text: concat!(include_str!("node/process.sh"), include_str!("service/systemctl.sh"), include_str!("service/look.sh")),
};
const WRITE: Script =
    Script { name: "write unit", text: concat!(include_str!("service/systemctl.sh"), include_str!("service/write.sh")) };

/// Asking systemd takes milliseconds; on a host that swaps, longer.
const GRACE: Duration = Duration::from_secs(45);
/// A unit that edeliver did not write may wait this long for its node to stop (systemd's own default), whatever the configuration says.
const FOREIGN_STOP: Duration = Duration::from_secs(120);

/// What systemd says of the unit.
///
/// # Errors
/// The connection, or an answer that can't be read.
pub async fn state(host: &dyn Transport, unit: &Unit) -> Result<UnitFacts, NodeError> {
    let args = [unit.scope.word().to_owned(), unit.file_name()];
    let reply = host.run(Call::new(STATE, args, GRACE)).await?.ok(STATE)?;
    answer::unit(&reply.text()).map_err(NodeError::Answer)
}

/// Adds to the facts of every host that is open what systemd says of the target's unit, if it has one.
pub async fn add_facts(
    settings: &TargetSettings,
    app: &AppName,
    facts: &mut [HostFacts],
    open: &HashMap<HostName, Arc<dyn Transport>>,
) {
    let Some(unit) = Unit::of(settings, app) else { return };
    let mut tasks = JoinSet::new();
    for (at, facts) in facts.iter().enumerate() {
        if let Some(host) = open.get(&facts.host) {
            let (host, unit) = (host.clone(), unit.clone());
            tasks.spawn(async move { (at, state(&*host, &unit).await) });
        }
    }
    while let Some(done) = tasks.join_next().await {
        let (at, found) = done.expect("asking a host does not panic and is not aborted");
        match (found, &mut facts[at].seen) {
            (Ok(found), Ok(seen)) => seen.unit = Some(found),
            (Err(error), seen) => *seen = Err(crate::inventory::unseen(error)),
            (Ok(_), Err(_)) => {}
        }
    }
}

/// Has systemd start the node, and waits as [`node::start`] does.
///
/// # Errors
/// Why the node is not up.
pub async fn start(
    host: &dyn Transport,
    place: &Place,
    unit: &Unit,
    version: &Version,
    timeout: Duration,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<NodeFacts, ServiceError> {
    let args = start_words(place, unit, version, timeout);
    let (status, facts, log) = node::run_telling(host, START, args, timeout + GRACE, tell).await?;
    match status {
        0 => Ok(facts),
        20 => Err(NodeError::Died { log }.into()),
        21 => Err(NodeError::NotUp { after: timeout, state: facts.state, log }.into()),
        22 => Err(NodeError::OtherVersion { runs: facts.booted, wanted: version.clone() }.into()),
        25 => Err(NodeError::NotPermanent { wanted: version.clone(), log }.into()),
        status => Err(ServiceError::of(unit, START.name, status, log)),
    }
}

/// Has systemd stop the node, if it was booted into `version` (`None`: whatever it runs). A node that was started otherwise is stopped
/// too, as [`node::stop`] does it.
///
/// # Errors
/// It goes on.
pub async fn stop(
    host: &dyn Transport,
    place: &Place,
    unit: &Unit,
    version: Option<&Version>,
    timeout: Duration,
    tell: &mut (dyn FnMut(&str) + Send),
) -> Result<(), ServiceError> {
    let args = stop_words(place, unit, version);
    let (status, _, log) = node::run_telling(host, STOP, args, timeout.max(FOREIGN_STOP) + GRACE, tell).await?;
    match status {
        0 => Ok(()),
        // Not systemd's, or there is no systemd that could have one.
        51 | 53 => Ok(node::stop(host, place, version, timeout, tell).await?),
        status => Err(ServiceError::of(unit, STOP.name, status, log)),
    }
}

/// The arguments of the script that has systemd start a node.
pub(crate) fn start_words(place: &Place, unit: &Unit, version: &Version, timeout: Duration) -> Vec<String> {
    let mut args = place.args();
    args.extend([version.to_string(), timeout.as_secs().max(1).to_string(), unit.scope.word().to_owned(), unit.file_name()]);
    args
}

/// The arguments of the script that has it stop one.
pub(crate) fn stop_words(place: &Place, unit: &Unit, version: Option<&Version>) -> Vec<String> {
    let [root, _, node] = <[String; 3]>::try_from(place.args()).expect("a place has three arguments");
    let wanted = version.map(ToString::to_string).unwrap_or_default();
    vec![root, node, wanted, unit.scope.word().to_owned(), unit.file_name()]
}

/// What [`edeliver_core::plan::setup()`] has to know of a host. `environment`: the file as it should be.
///
/// # Errors
/// The connection, or an answer that can't be read.
pub async fn look(
    host: &dyn Transport,
    place: &Place,
    unit: &Unit,
    profile: &str,
    environment: &str,
) -> Result<edeliver_core::plan::SetupFacts, ServiceError> {
    let args = vec![
        place.root.to_string(),
        unit.scope.word().to_owned(),
        unit.file_name(),
        unit.path("~"),
        unit.environment_path("~"),
        profile.to_owned(),
        environment.to_owned(),
    ];
    let reply = host.run(Call::new(LOOK, args, GRACE)).await?.ok(LOOK)?;
    answer::setup(&reply.text()).map_err(|error| ServiceError::Node(NodeError::Answer(error)))
}

/// What a host's node is started with: the target's environment, and the host's own node name, as mix's start script takes it.
pub fn variables(all: &[(String, String)], node: Option<&NodeName>) -> Vec<(String, String)> {
    let mut variables = all.to_vec();
    if let Some(node) = node {
        variables.retain(|(name, _)| name != "RELEASE_NODE");
        variables.push(("RELEASE_NODE".to_owned(), node.to_string()));
        let long = node.as_str().split_once('@').is_some_and(|(_, host)| host.contains('.'));
        if long && variables.iter().all(|(name, _)| name != "RELEASE_DISTRIBUTION") {
            variables.push(("RELEASE_DISTRIBUTION".to_owned(), "name".to_owned()));
        }
    }
    variables
}

/// The file with these.
pub fn environment_file(variables: &[(String, String)]) -> String {
    text::environment(variables.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// Writes the unit and its environment.
///
/// # Errors
/// What could not be written, or that lingering could not be switched on.
pub async fn write(host: &dyn Transport, setup: &Setup, environment: &str) -> Result<(), ServiceError> {
    let reply = host.run(Call::new(WRITE, script::arguments(setup, environment), GRACE)).await?;
    match reply.status {
        0 => Ok(()),
        70 => Err(ServiceError::Linger { user: setup.user.clone(), log: reply.tail }),
        status => Err(ServiceError::of(&setup.unit, WRITE.name, status, reply.tail)),
    }
}

#[cfg(test)]
mod tests;
