//! Which hosts the user means.

use edeliver_core::{
    config::{HostSpec, Settings, TargetSettings},
    name::{HostName, TargetName},
};

use crate::cli::{
    options::{HostArg, TargetArgs},
    words::nearest,
};

/// The user named something that the configuration does not have.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// Nothing to choose from.
    #[error("the configuration has no target")]
    NoTargets,
    /// No such target.
    #[error("there is no target `{name}`")]
    Target {
        /// What was asked for.
        name: TargetName,
        /// What it resembles.
        like: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
    /// No such host in it.
    #[error("the target `{target}` has no host `{name}`")]
    Host {
        /// The target.
        target: TargetName,
        /// What was asked for.
        name: HostName,
        /// What it resembles.
        like: Option<String>,
        /// Those that there are.
        known: Vec<String>,
    },
}

/// The target with just the hosts that were picked (all, if none was), in the order of the configuration.
pub(super) fn pick(settings: &Settings, args: &TargetArgs) -> Result<TargetSettings, TargetError> {
    let mut target = settings.targets.get(&args.target).cloned().ok_or_else(|| no_target(settings, &args.target))?;
    if let Some(stranger) = args.hosts.iter().find(|picked| target.hosts.iter().all(|host| host.name != picked.name)) {
        return Err(no_host(&target, &stranger.name));
    }
    if !args.hosts.is_empty() {
        target.hosts = target.hosts.iter().filter_map(|host| picked(host, &args.hosts)).collect();
    }
    Ok(target)
}

/// The host with the login it was picked with; `None` if it was not picked.
fn picked(host: &HostSpec, picks: &[HostArg]) -> Option<HostSpec> {
    let pick = picks.iter().rev().find(|pick| pick.name == host.name)?;
    Some(HostSpec { user: pick.user.clone().or_else(|| host.user.clone()), ..host.clone() })
}

fn no_target(settings: &Settings, name: &TargetName) -> TargetError {
    let known: Vec<String> = settings.targets.keys().map(ToString::to_string).collect();
    if known.is_empty() {
        return TargetError::NoTargets;
    }
    let like = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    TargetError::Target { name: name.clone(), like, known }
}

fn no_host(target: &TargetSettings, name: &HostName) -> TargetError {
    let known: Vec<String> = target.hosts.iter().map(|host| host.name.to_string()).collect();
    let like = nearest(name.as_str(), known.iter().map(String::as_str)).map(str::to_owned);
    TargetError::Host { target: target.name.clone(), name: name.clone(), like, known }
}
