//! Changing what boots, and removing what nothing needs.

use std::time::Duration;

use edeliver_core::{
    facts::TakenBack,
    name::Version,
    release::RelPath,
    step::{Activate, Prune},
};

use super::{Site, StepError};
use crate::{
    node::Place,
    transport::{Call, Input, Script},
};

/// Joins a script of this directory with what it builds upon.
macro_rules! script {
    ($name:literal, $($file:literal),+) => {
        $crate::transport::Script {
            name: $name,
            text: concat!(include_str!("../node/permanent.sh"), include_str!("root.sh"), $(include_str!($file)),+),
        }
    };
}
pub(super) use script;

pub(super) const ACTIVATE: Script = script!("activate", "activate.sh");
const REMEMBER: Script = script!("remember", "remember.sh");
const DRAINED: Script = script!("note drained", "drained.sh");
const PRUNE: Script = script!("prune", "prune.sh");

/// These scripts write a few small files, or delete some thousands; what takes long is to wait for a busy disk.
const PATIENCE: Duration = Duration::from_secs(300);

/// The first three arguments of every script that changes a root.
pub(super) fn args(site: &Site, boots: Option<&Version>) -> Vec<String> {
    words(&site.place, boots)
}

fn words(place: &Place, boots: Option<&Version>) -> Vec<String> {
    vec![place.root.to_string(), place.app.to_string(), boots.map_or("-".to_owned(), Version::to_string)]
}

/// Makes a release the one that boots next.
pub(super) async fn activate(site: &Site, activate: &Activate) -> Result<(), StepError> {
    call(site, ACTIVATE, activate_words(&site.place, activate), Input::Empty).await
}

/// The arguments of the script that does that.
pub(super) fn activate_words(place: &Place, activate: &Activate) -> Vec<String> {
    let mut args = words(place, activate.from.as_ref());
    args.extend([
        activate.version.to_string(),
        activate.previous.as_ref().map(Version::to_string).unwrap_or_default(),
        activate.decides.to_string(),
        activate.start_erl.as_deref().unwrap_or_default().trim_end().to_owned(),
        activate.releases_file.clone(),
    ]);
    args
}

/// Removes releases. `boots`: what boots by now.
pub(super) async fn prune(site: &Site, prune: &Prune, boots: Option<&Version>) -> Result<(), StepError> {
    let mut args = args(site, boots);
    args.extend([prune.releases_file.len().to_string(), prune.versions.len().to_string()]);
    args.extend(prune.versions.iter().map(Version::to_string));
    args.extend(prune.dirs.iter().map(RelPath::to_string));
    call(site, PRUNE, args, Input::Bytes(prune.releases_file.as_bytes().to_vec())).await
}

/// Notes that a release was taken back.
pub(super) async fn remember(site: &Site, it: &TakenBack, boots: Option<&Version>) -> Result<(), StepError> {
    call(site, REMEMBER, remember_words(&site.place, it, boots), Input::Empty).await
}

/// The arguments of the script that does that.
pub(super) fn remember_words(place: &Place, it: &TakenBack, boots: Option<&Version>) -> Vec<String> {
    let mut args = words(place, boots);
    args.extend([it.version.to_string(), it.manifest.to_string(), it.run.to_string()]);
    args
}

/// Notes that the host is taken out of the traffic by this run; `None`: that it is back.
pub(super) async fn mark_drained(site: &Site, run: Option<&str>, boots: Option<&Version>) -> Result<(), StepError> {
    let mut args = args(site, boots);
    args.push(run.unwrap_or_default().to_owned());
    call(site, DRAINED, args, Input::Empty).await
}

async fn call(site: &Site, script: Script, args: Vec<String>, input: Input) -> Result<(), StepError> {
    let call = Call { input, ..Call::new(script, args, PATIENCE) };
    let reply = site.transport.run(call).await?;
    if reply.status == 0 { Ok(()) } else { Err(StepError::of(script.name, reply)) }
}
