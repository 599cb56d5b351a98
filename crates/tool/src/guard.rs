//! The dead-man switch of a restart: a watch on the host itself, which goes the plan's way back when edeliver was lost before the release that was
//! started has been confirmed.
//!
//! It begins in front of the script that stops the node, in the same call (`guard/arm.sh`), and ends by a call of its own, over a channel that
//! was opened after the node was found well (`guard/confirm.sh`). In between it hears of edeliver by what the run's lease leaves on the host.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use edeliver_core::{
    facts::TakenBack,
    lease::{LASTS, Token},
    name::RunId,
    plan::HostPlan,
    step::{Guard, Step},
};

use crate::{
    apply::root,
    node::{self, Environment, Place},
    service,
    transport::{
        Call, Counts, Front, GitRemote, Reply, Script, Stream, Transport, TransportError, condensed,
        quote::{self, word},
    },
};

const ARM: &str = include_str!("guard/arm.sh");
const WATCH: &str = include_str!("guard/watch.sh");
const CONFIRM: Script = Script { name: "confirm", text: concat!(include_str!("apply/root.sh"), include_str!("guard/confirm.sh")) };

/// What the watch and all it may do build upon.
const COMMON: Script = node::asking!("watch", "node/watch.sh");
const LEASE: &str = concat!(include_str!("apply/root.sh"), include_str!("lease/lease.sh"));
const ACTIVATE: &str = concat!(include_str!("apply/root.sh"), include_str!("apply/activate.sh"));
const REMEMBER: &str = concat!(include_str!("apply/root.sh"), include_str!("apply/remember.sh"));
const START: &str = concat!(include_str!("node/environment.sh"), include_str!("node/start.sh"));
const STOP: &str = include_str!("node/stop.sh");
const UNIT_START: &str = concat!(include_str!("service/systemctl.sh"), include_str!("service/start.sh"));
const UNIT_STOP: &str = concat!(include_str!("service/systemctl.sh"), include_str!("service/stop.sh"));

/// A renewal may be late by as much as a lease lasts, so less silence than this says nothing.
const LEAST: Duration = Duration::from_secs(20);
/// A small file is removed.
const PATIENCE: Duration = Duration::from_secs(45);

/// What a host says that can't have a watch, before it says why.
pub(crate) const NO_WATCH: &str = "edeliver-no-watch ";
/// How the host went back before it could be told.
pub(crate) const WENT_BACK: i32 = 60;

/// What a watch is begun with.
pub(crate) struct Arms<'a> {
    pub(crate) place: &'a Place,
    pub(crate) plan: &'a HostPlan,
    pub(crate) guard: &'a Guard,
    pub(crate) token: &'a Token,
    pub(crate) run: &'a RunId,
    pub(crate) environment: &'a Environment,
}

impl Arms<'_> {
    /// The way to the host on which the next script begins the watch first.
    pub(crate) fn over(&self, inner: Arc<dyn Transport>) -> Armed {
        let Guard { new, back, .. } = self.guard;
        let args = [self.place.root.to_string(), self.token.to_string(), new.to_string(), back.to_string(), self.text()];
        Armed { inner, front: Front { text: ARM, args: args.into() } }
    }
    /// The watch's script, with its arguments and all it may do.
    fn text(&self) -> String {
        let Guard { within, new, back, .. } = self.guard;
        let seconds = (*within).max(LEAST).as_secs();
        let mut words = self.place.args();
        let own = [self.token.to_string(), seconds.to_string(), new.to_string(), back.to_string(), self.run.to_string()];
        words.extend(own);
        let parts = [self.lease(), self.stop(), self.activate(), self.start(), self.remember()];
        format!("{}{}{}\n{}", condensed(COMMON.text), parts.concat(), set(&words), condensed(WATCH))
    }
    /// Its own lease of the host: `go_lease take`.
    fn lease(&self) -> String {
        let what = format!("{}: {} was not confirmed (run {})", self.guard.deed(), self.guard.new, self.run);
        let words = [format!("{}-alone", self.token), "the host itself".to_owned(), what, LASTS.as_secs().to_string()];
        let words = quote::words(words.iter().map(String::as_str));
        format!("go_lease() (\nset -- {} \"$1\" {words}\n{})\n", word(self.place.root.as_str()), condensed(LEASE))
    }
    fn steps(&self) -> impl Iterator<Item = &Step> {
        self.plan.alone(self.guard).into_iter()
    }
    fn stop(&self) -> String {
        let stop = self.steps().find_map(|step| match step {
            Step::Stop { version, timeout, unit, .. } => Some((version.as_ref(), *timeout, unit.as_ref())),
            _ => None,
        });
        let Some((version, timeout, unit)) = stop else { return nothing("go_stop") };
        let node = does("stop_node", &node::stop_words(self.place, version, timeout), STOP);
        match unit {
            None => node + "go_stop() { stop_node; }\n",
            // As `service::stop` does it.
            Some(unit) => {
                let unit = does("stop_unit", &service::stop_words(self.place, unit, version), UNIT_STOP);
                node + &unit + "go_stop() {\nstop_unit\ncase $? in 0) ;; 51 | 53) stop_node ;; *) return 1 ;; esac\n}\n"
            }
        }
    }
    fn start(&self) -> String {
        let start = self.steps().find_map(|step| match step {
            Step::Start { version, timeout, unit } => Some((version, *timeout, unit.as_ref())),
            _ => None,
        });
        match start {
            None => nothing("go_start"),
            Some((version, timeout, None)) => {
                does("go_start", &node::start_words(self.place, version, timeout, self.environment), START)
            }
            Some((version, timeout, Some(unit))) => {
                does("go_start", &service::start_words(self.place, unit, version, timeout), UNIT_START)
            }
        }
    }
    fn activate(&self) -> String {
        let activate = self.steps().find_map(|step| if let Step::Activate(activate) = step { Some(activate) } else { None });
        let Some(activate) = activate else { return nothing("go_activate") };
        let work = does("activate", &root::activate_words(self.place, activate), ACTIVATE);
        format!("{work}go_activate() {{ printf '%s' {} | activate; }}\n", word(&activate.releases_file))
    }
    fn remember(&self) -> String {
        let Some(manifest) = self.guard.remember else { return nothing("go_remember") };
        let it = TakenBack { version: self.guard.new.clone(), manifest, run: self.run.clone() };
        does("go_remember", &root::remember_words(self.place, &it, Some(&self.guard.back)), REMEMBER)
    }
}

/// A function that is a script with its arguments, in a shell of its own.
fn does(name: &str, words: &[String], script: &str) -> String {
    format!("{name}() (\n{}\n{})\n", set(words), condensed(script))
}

fn nothing(name: &str) -> String {
    format!("{name}() {{ :; }}\n")
}

fn set(words: &[String]) -> String {
    format!("set -- {}", quote::words(words.iter().map(String::as_str)))
}

/// Tells the host that it need not go back by itself. Whether that was in time.
///
/// # Errors
/// The connection, or a file that can't be removed.
pub(crate) async fn confirm(host: &dyn Transport, place: &Place, token: &Token, run: &RunId) -> Result<Reply, TransportError> {
    host.run(Call::new(CONFIRM, [place.root.to_string(), token.to_string(), run.to_string()], PATIENCE)).await
}

/// A transport whose scripts begin the host's watch first.
pub(crate) struct Armed {
    inner: Arc<dyn Transport>,
    front: Front,
}

#[async_trait]
impl Transport for Armed {
    async fn run(&self, mut call: Call<'_>) -> Result<Reply, TransportError> {
        call.before.push(self.front.clone());
        self.inner.run(call).await
    }
    fn another_follows(&self) {
        self.inner.another_follows();
    }
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.inner.connect(port).await
    }
    fn git(&self, path: &str) -> GitRemote {
        self.inner.git(path)
    }
    fn is_single(&self) -> bool {
        self.inner.is_single()
    }
    fn counts(&self) -> Counts {
        self.inner.counts()
    }
    async fn close(&self) {
        self.inner.close().await;
    }
}

#[cfg(test)]
mod tests;
