//! What a node that is watched is asked at every look, be it restarted or upgraded.

use std::time::Duration;

use edeliver_core::{
    config::{HealthCheck, duration},
    health::{Comparison, Found, Gates, Past, VitalLimits, Vitals},
    step::{Soak, Watch},
};

use super::{
    Session, UpgradeError, health,
    vitals::{self, Ask},
};
use crate::report::Reporter;

/// The questions, and what is known of the answers so far.
pub(crate) struct Checks<'a> {
    health: Option<&'a HealthCheck>,
    patience: Duration,
    ask: Ask<'a>,
    gates: &'a Gates,
    settled: Option<HealthCheck>,
    compared: Option<Comparison>,
    answered: bool,
    told: bool,
    reporter: &'a Reporter,
}

impl<'a> Checks<'a> {
    /// For a node that was started. One look tells nothing of how it does: only one that is watched is compared.
    /// `past`: what was seen of the node before, if it was looked at.
    pub(crate) fn after_start(watch: &'a Watch, past: Option<&Past>, reporter: &'a Reporter) -> Self {
        let compared = Comparison::new(watch.gates.limits.clone(), watch.gates.before.clone());
        let compared = past.into_iter().fold(compared, Comparison::after);
        let compared = (!watch.time.is_zero()).then_some(compared);
        Self::new(
            watch.health.as_ref(),
            watch.health_timeout,
            (&watch.gates, watch.gates.limits.restarts.is_some()),
            compared,
            reporter,
        )
    }
    /// For one that was upgraded. `before`: how it did, and for how long it had counted errors.
    pub(super) fn after_upgrade(soak: &'a Soak, before: Option<&(Vitals, Duration)>, reporter: &'a Reporter) -> Self {
        // Its children have been told from each other: what they may is known better than by their supervisors.
        let limits = VitalLimits { restarts: None, ..soak.gates.limits.clone() };
        let compared = match before {
            Some((vitals, counted)) => Comparison::with(limits, vitals, *counted),
            None => Comparison::new(limits, soak.gates.before.clone()),
        };
        Self::new(soak.health.as_ref(), soak.health_timeout, (&soak.gates, false), Some(compared), reporter)
    }
    fn new(
        health: Option<&'a HealthCheck>,
        patience: Duration,
        (gates, restarts): (&'a Gates, bool),
        compared: Option<Comparison>,
        reporter: &'a Reporter,
    ) -> Self {
        let compared = compared.filter(|_| gates.limits.ask());
        let is_compared = compared.is_some();
        let ask =
            Ask { errors: is_compared && gates.limits.errors.is_some(), restarts: is_compared && restarts, peers: &gates.peers };
        let settled = gates.settled.clone().map(HealthCheck::Function);
        Self { health, patience, ask, gates, settled, compared, answered: false, told: false, reporter }
    }

    /// Asks all of it. `since`: the watch began so long ago.
    pub(crate) async fn look(&mut self, session: &mut Session, since: Duration) -> Found {
        let mut found = self.compare(session, since).await;
        if let Some(check) = self.health {
            found.passing.extend(health::ask(session, check, self.patience).await);
        }
        if found.passing.is_empty() && found.lasting.is_empty() {
            found.unsettled.extend(self.settle(session).await);
        }
        found
    }
    /// Once it has said that it has found its place, it is not asked for that again.
    async fn settle(&mut self, session: &mut Session) -> Option<String> {
        let Some(said) = health::ask(session, self.settled.as_ref()?, self.patience).await else {
            self.settled = None;
            return None;
        };
        let within = duration::show(self.gates.settle_within);
        Some(format!("not settled: {said}; within {within} is wanted (rollout.settled)"))
    }
    /// Nothing is asked any more.
    pub(crate) async fn end(self, session: &mut Session) {
        vitals::stop_counting(session).await;
    }

    async fn compare(&mut self, session: &mut Session, since: Duration) -> Found {
        if self.compared.is_none() && self.ask.peers.is_empty() {
            return Found::default();
        }
        match vitals::ask(session, self.ask).await {
            Ok(vitals) => {
                self.answered = true;
                let found = self.compared.as_mut().map(|compared| compared.look(since, &vitals)).unwrap_or_default();
                Found { unsettled: self.gates.apart(&vitals.apart).into_iter().collect(), ..found }
            }
            Err(error) => self.silent(&error),
        }
    }
    /// A node without distribution was never heard: its start alone says that it runs. One that answered before must go on to.
    fn silent(&mut self, error: &UpgradeError) -> Found {
        let line = format!("it can't be asked how it does: {}", crate::error::chain(error).join(": "));
        if self.answered {
            return Found { passing: vec![line], ..Found::default() };
        }
        if !std::mem::replace(&mut self.told, true) {
            self.reporter.output(&line);
        }
        Found::default()
    }
}
