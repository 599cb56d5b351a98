//! How a host ends: what became of it, and the way back where one is called for.

use std::time::Instant;

use edeliver_core::{
    event::{EventKind, HostOutcome, HostResult},
    facts::NodeState,
    step::{Guard, Step},
};

use super::{HostTask, words};
use crate::{
    apply::{
        StepError,
        outcome::{End, Ending},
        told,
    },
    node,
    upgrade::Aftermath,
};

/// Of a node that was started, and not watched for as long as it should have been.
const UNWATCHED: &str = "interrupted: it was not watched to the end";
/// Of a host that has old releases that were to go.
const UNTIDY: &str = "interrupted before old releases were removed";

/// How a host ended.
pub(super) type Ended = (HostResult, String, Ending);

impl HostTask {
    /// It is not begun any more, or not changed any more.
    pub(in crate::apply) fn leave(&self, why: &str) -> End {
        let so_far = if self.so_far.begun { "nothing was changed" } else { "not begun" };
        self.told_end((HostResult::Skipped, format!("{so_far}: {why}; {}", self.state_before("as before")), Ending::AsBefore))
    }

    /// The next step has failed: tells, and gets the old release serving again where that is called for.
    pub(super) async fn over_after_failure(&mut self, error: StepError) -> End {
        let Some(step) = self.plan.steps.get(self.next).cloned() else { return self.over(self.interrupted()).await };
        let (unknown, refused, fenced) = (error.leaves_unknown(), self.refused(&error), error.is_fenced());
        let out_of_reach = error.is_out_of_reach();
        let half_way = matches!(error, StepError::HalfWay(_));
        let aftermath = match &error {
            StepError::Upgrade(error) => error.aftermath(),
            _ => Aftermath::AsBefore,
        };
        let why = match self.joint(self.next) {
            Some(activate) if unknown => words::neither(activate, &error),
            _ => words::why(&step, &error),
        };
        self.reporter.send(told::failed(self.next, step.describe(), error));
        if unknown {
            return self.over((HostResult::Unknown, why, Ending::Otherwise)).await;
        }
        self.so_far.half_way |= half_way;
        self.so_far.touched |= half_way;
        self.so_far.fell |= matches!(aftermath, Aftermath::Restarted | Aftermath::Gone);
        self.so_far.touched |= self.so_far.fell || aftermath == Aftermath::Upgraded;
        let end = match (step, refused) {
            (Step::Resume(_), _) => {
                return self.told_end((HostResult::Failed, format!("{}; {why}", self.state_now()), Ending::Otherwise));
            }
            (Step::Install(_), _) if aftermath == Aftermath::Broken => (HostResult::Broken, why, Ending::Otherwise),
            (Step::Watch(_), _) if self.plan.undo.is_empty() => {
                (HostResult::Broken, format!("{why}; there is nothing to go back to"), Ending::Otherwise)
            }
            (Step::Confirm { .. }, _) => (HostResult::Failed, why, Ending::Otherwise),
            (Step::Remember(_), _) => (HostResult::Done, self.state_now(), Ending::Changed),
            (Step::Prune(_), _) => {
                self.so_far.litter = true;
                (HostResult::Done, self.state_now(), Ending::Changed)
            }
            (_, Some(ending)) => (HostResult::Failed, format!("{why}; {}", self.state_before("as before")), ending),
            (step, _) if !self.so_far.touched && out_of_reach => {
                // What is prepared changes nothing, so the fleet is as it was as far as it is ours.
                let ending = if step.is_preparation() { Ending::AsBefore } else { Ending::Otherwise };
                (HostResult::Failed, format!("{why}; {}", self.state_last_seen()), ending)
            }
            _ if !self.so_far.touched => {
                (HostResult::Failed, format!("{why}; {}", self.state_before("as before")), Ending::AsBefore)
            }
            _ if fenced => {
                let result = if self.so_far.stopped { HostResult::Broken } else { HostResult::Failed };
                (result, format!("{why}; {}", self.state_now()), Ending::Otherwise)
            }
            _ => self.undo(&why).await,
        };
        self.over(end).await
    }

    /// An upgrade that nobody can make permanent any more is taken back.
    pub(super) async fn over_when_interrupted(&mut self) -> End {
        if self.so_far.upgraded.is_none() || self.so_far.committed {
            return self.over(self.interrupted()).await;
        }
        let end = self.undo("interrupted").await;
        self.over(end).await
    }

    /// As when the user interrupts; a host that somebody else has by now is left as it is.
    pub(super) async fn over_without_lease(&mut self, why: &str) -> End {
        let is_taken = self.is_taken();
        let end = match (self.so_far.begun, self.so_far.touched) {
            (false, _) => (HostResult::Skipped, format!("{why}; nothing was begun"), Ending::Locked),
            (true, false) => (HostResult::Failed, format!("{why}; {}", self.state_before("as before")), Ending::AsBefore),
            (true, true) if self.so_far.upgraded.is_some() && !self.so_far.committed && !is_taken => self.undo(why).await,
            (true, true) => (HostResult::Failed, format!("{why}; {}", self.state_now()), Ending::Otherwise),
        };
        self.over(end).await
    }

    pub(super) fn is_taken(&self) -> bool {
        self.shared.lease.as_ref().is_some_and(|lease| lease.is_taken(&self.plan.host))
    }

    /// The way back.
    pub(super) async fn undo(&mut self, why: &str) -> Ended {
        if self.is_taken() {
            let summary = format!("{why}; it is not taken back, for the lease is lost and somebody else may be at work here");
            return (HostResult::Broken, summary, Ending::Otherwise);
        }
        let steps = self.plan.undo.clone();
        let mut back = self.so_far.activated.is_none();
        for (at, step) in steps.iter().enumerate() {
            let index = self.plan.steps.len() + at;
            if matches!(step, Step::Start { .. }) && !self.so_far.stopped && self.is_up().await {
                continue; // an upgrade was taken back, or the node came up again by itself
            }
            let began = Instant::now();
            if let Err(error) = self.carry_out(index, step).await {
                if self.boots_as_before(step, &error) {
                    let note = format!("that did not change: {}", words::why(step, &error));
                    self.reporter.send(told::finished(index, step.describe(), began, Some(note)));
                    continue;
                }
                if matches!(step, Step::Revert(_)) && !self.is_up().await {
                    // It fell on its way back; what follows starts the old release.
                    self.so_far.fell = true;
                    self.reporter.send(told::finished(index, step.describe(), began, Some("the node has ended".to_owned())));
                    continue;
                }
                let unknown = error.leaves_unknown() || error.is_out_of_reach();
                let summary = format!("{why}; {}", words::why(step, &error));
                self.reporter.send(told::failed(index, step.describe(), error));
                let result = if unknown { HostResult::Unknown } else { HostResult::Broken };
                return (result, summary, Ending::Otherwise);
            }
            back |= matches!(step, Step::Activate(_));
        }
        let serves = !self.was_up() || !self.so_far.stopped;
        match (back || self.plan.expect.permanent.is_none(), serves) {
            (true, true) => {
                let how = if self.so_far.activated.is_some() || self.was_up() { "again" } else { "as before" };
                (HostResult::Failed, format!("{why}; {}", self.state_before(how)), Ending::AsBefore)
            }
            _ => (HostResult::Broken, format!("{why}; no node runs, and there is nothing to go back to"), Ending::Otherwise),
        }
    }

    /// Whether a step that is to bring back what boots was not needed: a full disk may keep us from writing what is there already.
    fn boots_as_before(&self, step: &Step, error: &StepError) -> bool {
        let changed = self.so_far.half_way || self.so_far.activated.is_some();
        let harmless = !changed && !matches!(error, StepError::HalfWay(_)) && !error.leaves_unknown();
        harmless && matches!((step, &self.plan.expect.permanent), (Step::Activate(to), Some(boots)) if to.version == *boots)
    }

    /// Whether a node is there. One that can't be asked is not started on top of.
    async fn is_up(&self) -> bool {
        let answer = node::state(&*self.site.transport, &self.site.place).await;
        answer.map_or(true, |answer| answer.node.state != NodeState::Down)
    }

    /// Whether the very first thing done to the host was refused because it is not as the plan has it.
    fn refused(&self, error: &StepError) -> Option<Ending> {
        match error {
            _ if self.so_far.begun => None,
            StepError::Stale(_) => Some(Ending::Stale),
            StepError::Locked(_) => Some(Ending::Locked),
            error if error.is_fenced() => Some(Ending::Locked),
            _ => None,
        }
    }

    /// It serves what it is to serve. What an interruption has left out is told: it is no part of that.
    pub(super) fn done(&self) -> Ended {
        let is_untidy = self.plan.steps[self.next..].iter().any(|step| matches!(step, Step::Prune(_)));
        let left_out = if self.so_far.unwatched { Some(UNWATCHED) } else { is_untidy.then_some(UNTIDY) };
        match left_out {
            Some(what) => (HostResult::Done, format!("{}; {what}", self.state_now()), Ending::CutShort),
            None => (HostResult::Done, self.state_now(), Ending::Changed),
        }
    }

    pub(super) fn interrupted(&self) -> Ended {
        match (self.so_far.begun, self.so_far.touched) {
            (true, true) if self.plan.steps[self.next..].iter().all(Step::tidies) => self.done(),
            (false, _) => (HostResult::Skipped, "interrupted before anything was begun".to_owned(), Ending::AsBefore),
            (true, false) => (HostResult::Failed, format!("interrupted; {}", self.state_before("as before")), Ending::AsBefore),
            (true, true) => (HostResult::Failed, format!("interrupted; {}", self.state_now()), Ending::Otherwise),
        }
    }

    /// What was told of the host shall stay so: it does not go back by itself any more.
    async fn call_off(&mut self, result: HostResult) {
        if self.goes_back(result).is_none() && self.so_far.guard.take().is_some() {
            // Who has the host by now has called it off.
            let _ = self.work_on().confirm().await;
        }
    }

    /// What the host does by itself after this end: no node runs, or nobody knows. Else it is told that it need not.
    fn goes_back(&self, result: HostResult) -> Option<&Guard> {
        self.so_far.guard.as_ref().filter(|_| result == HostResult::Unknown || self.so_far.stopped)
    }

    pub(super) async fn over(&mut self, end: Ended) -> End {
        self.former.look_away().await;
        let end = self.back_in_traffic(end).await;
        self.call_off(end.0).await;
        self.told_end(end)
    }

    fn told_end(&self, (result, mut summary, ending): Ended) -> End {
        summary.extend(self.goes_back(result).map(words::alone));
        self.reporter.send(EventKind::HostFinished { result, summary: summary.clone() });
        End { row: HostOutcome { host: self.plan.host.clone(), result, summary }, ending }
    }

    pub(super) fn was_up(&self) -> bool {
        self.plan.expect.node.is_some_and(|node| node != NodeState::Down)
    }
}
