//! The dead-man switch of a restart: a watch on the host itself, which goes the plan's way back when edeliver was lost before the release that was
//! started has been confirmed.
//!
//! It begins in front of the script that stops the node, in the same call (`guard/arm.sh`), and ends by a call of its own, over a channel that
//! was opened after the node was found well (`guard/confirm.sh`). In between it hears of edeliver by what the run's lease leaves on the host.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    facts::TakenBack,
    lease::{LASTS, Token},
    name::RunId,
    plan::HostPlan,
    step::{Guard, Step},
};

use super::root;
use crate::{
    node::{self, Environment, Place},
    service,
    transport::{Call, Front, Fronted, Reply, Script, Transport, TransportError, condensed, quote},
};

const ARM: &str = include_str!("guard/arm.sh");
const WATCH: &str = include_str!("guard/watch.sh");
const CONFIRM: Script = Script { name: "confirm", text: concat!(include_str!("root.sh"), include_str!("guard/confirm.sh")) };

/// What the watch and all it may do build upon.
const COMMON: Script = node::asking!("watch", "node/watch.sh");
const LEASE: &str = concat!(include_str!("guard/verb.sh"), include_str!("root.sh"), include_str!("../lease/lease.sh"));
const ACTIVATE: &str = concat!(include_str!("root.sh"), include_str!("activate.sh"));
const REMEMBER: &str = concat!(include_str!("root.sh"), include_str!("remember.sh"));
const START: &str = concat!(include_str!("../node/environment.sh"), include_str!("../node/start.sh"));
const STOP: &str = include_str!("../node/stop.sh");
const UNIT_START: &str = concat!(include_str!("../service/systemctl.sh"), include_str!("../service/start.sh"));
const UNIT_STOP: &str = concat!(include_str!("../service/systemctl.sh"), include_str!("../service/stop.sh"));

/// A renewal may be late by as much as a lease lasts, so less silence than this says nothing.
const LEAST: Duration = Duration::from_secs(20);
/// A small file is removed.
const PATIENCE: Duration = Duration::from_secs(45);

/// What a host says that can't have a watch, before it says why.
pub(super) const NO_WATCH: &str = "edeliver-no-watch ";
/// How the host went back before it could be told.
pub(super) const WENT_BACK: i32 = 60;

/// What a watch is begun with.
pub(super) struct Arms<'a> {
    pub(super) place: &'a Place,
    pub(super) plan: &'a HostPlan,
    pub(super) guard: &'a Guard,
    pub(super) token: &'a Token,
    pub(super) run: &'a RunId,
    pub(super) environment: &'a Environment,
}

impl Arms<'_> {
    /// The way to the host on which the next script begins the watch first.
    pub(super) fn over(&self, inner: Arc<dyn Transport>) -> Fronted {
        let Guard { new, back, .. } = self.guard;
        let args = [self.place.root.to_string(), self.token.to_string(), new.to_string(), back.to_string(), self.text()];
        Fronted::new(inner, Front { text: ARM, args: args.into() }, Ok)
    }
    /// The watch's script, with its arguments and all it may do.
    fn text(&self) -> String {
        let Guard { within, new, back, .. } = self.guard;
        let seconds = (*within).max(LEAST).as_secs();
        let has_unit = self.find(|step| matches!(step, Step::Stop { unit: Some(_), .. }).then_some("unit")).unwrap_or_default();
        let own = [self.token.to_string(), seconds.to_string(), new.to_string(), back.to_string(), self.run.to_string()];
        let words: Vec<String> = self.place.args().into_iter().chain(own).chain([has_unit.to_owned()]).collect();
        let parts = [self.lease(), self.stop(), self.activate(), self.start(), self.remember()];
        let set = quote::set(words.iter().map(String::as_str));
        format!("{}{}{set}\n{}", condensed(COMMON.text), parts.concat(), condensed(WATCH))
    }
    /// The first of what the host does alone that is such.
    fn find<'s, T>(&'s self, such: impl FnMut(&'s Step) -> Option<T>) -> Option<T> {
        self.plan.alone(self.guard).into_iter().find_map(such)
    }
    /// Its own lease of the host.
    fn lease(&self) -> String {
        let what = format!("{}: {} was not confirmed (run {})", self.guard.deed(), self.guard.new, self.run);
        let (root, token) = (self.place.root.to_string(), format!("{}-alone", self.token));
        does("go_lease", &[root, token, "the host itself".to_owned(), what, LASTS.as_secs().to_string()], LEASE)
    }
    fn stop(&self) -> String {
        let stop = self.find(|step| match step {
            Step::Stop { version, timeout, unit, .. } => Some((version.as_ref(), *timeout, unit.as_ref())),
            _ => None,
        });
        let Some((version, timeout, unit)) = stop else { return does("go_stop_node", &[], NOTHING) };
        let unit = unit.map(|unit| does("go_stop_unit", &service::stop_words(self.place, unit, version), UNIT_STOP));
        does("go_stop_node", &node::stop_words(self.place, version, timeout), STOP) + &unit.unwrap_or_default()
    }
    fn start(&self) -> String {
        let start = self.find(|step| match step {
            Step::Start { version, timeout, unit } => Some((version, *timeout, unit.as_ref())),
            _ => None,
        });
        match start {
            None => does("go_start", &[], NOTHING),
            Some((version, timeout, None)) => {
                does("go_start", &node::start_words(self.place, version, timeout, self.environment), START)
            }
            Some((version, timeout, Some(unit))) => {
                does("go_start", &service::start_words(self.place, unit, version, timeout), UNIT_START)
            }
        }
    }
    fn activate(&self) -> String {
        let activate = self.find(|step| if let Step::Activate(activate) = step { Some(activate) } else { None });
        let Some(activate) = activate else { return does("go_activate", &[], NOTHING) };
        does("go_activate", &root::activate_words(self.place, activate), ACTIVATE)
    }
    fn remember(&self) -> String {
        let Some(manifest) = self.guard.remember else { return does("go_remember", &[], NOTHING) };
        let it = TakenBack { version: self.guard.new.clone(), manifest, run: self.run.clone() };
        does("go_remember", &root::remember_words(self.place, &it, Some(&self.guard.back)), REMEMBER)
    }
}

/// A script that has nothing to do.
const NOTHING: &str = ":";

/// A script as a function of the watch.
fn does(name: &'static str, words: &[String], script: &str) -> String {
    quote::function(name, words, &condensed(script))
}

/// Tells the host that it need not go back by itself. Whether that was in time.
///
/// # Errors
/// The connection, or a file that can't be removed.
pub(super) async fn confirm(host: &dyn Transport, place: &Place, token: &Token, run: &RunId) -> Result<Reply, TransportError> {
    host.run(Call::new(CONFIRM, [place.root.to_string(), token.to_string(), run.to_string()], PATIENCE)).await
}

#[cfg(test)]
mod tests;
