//! One host: its steps in order, and what to do when one fails.

mod traffic;
mod words;

use std::{sync::Arc, time::Instant};

use edeliver_core::{
    event::{EventKind, HostOutcome, HostResult},
    facts::NodeState,
    health::Past,
    lease::Loss,
    name::Version,
    plan::HostPlan,
    step::{Guard, Step},
};

use tokio::sync::Mutex;

use super::{
    HookFailure, Shared, Site, StepError,
    outcome::{End, Ending},
    step, told,
};
use crate::{
    cancel::{Cancel, Level},
    node,
    report::Reporter,
    upgrade::{Aftermath, Before, Session},
};

/// Where a host's task stops.
pub(super) enum Pause {
    /// Before the first step that changes what serves or boots.
    Prepared,
    /// At this hook.
    Hook(String),
    /// At its end.
    Over(End),
}

/// A host at work.
pub(super) struct HostTask {
    plan: HostPlan,
    site: Site,
    shared: Arc<Shared>,
    reporter: Reporter,
    cancel: Cancel,
    /// The step to be done next.
    next: usize,
    /// When the hook it waits for began; why it failed.
    hook: Option<(Instant, Option<String>)>,
    so_far: SoFar,
    /// The way to the node, while it is upgraded.
    session: Mutex<Session>,
    /// The node that will be stopped, while it is looked at; what was seen of it.
    before: Option<Before>,
    past: Option<Past>,
}

/// What has been done to the host.
#[derive(Debug, Clone, Default)]
struct SoFar {
    /// A step is done or was begun that changes something.
    begun: bool,
    /// What boots or runs was touched, so a failure is to be undone.
    touched: bool,
    /// A step has failed with a part of it done.
    half_way: bool,
    /// The node has been stopped and not started again.
    stopped: bool,
    /// What the host does by itself, unless it is told that it need not.
    guard: Option<Guard>,
    /// The release that was made the one that boots.
    activated: Option<Version>,
    /// The release that was started.
    started: Option<Version>,
    /// The release that the running node was upgraded to.
    upgraded: Option<Version>,
    /// And for good.
    committed: bool,
    /// The release that it was taken back to.
    taken_back: Option<Version>,
    /// The node was restarted when an upgrade failed.
    fell: bool,
    /// Releases could not be removed.
    litter: bool,
    /// systemd has the unit.
    set_up: bool,
    /// It is out of the traffic, or may be.
    drained: bool,
}

impl HostTask {
    pub(super) fn new(plan: HostPlan, site: Site, shared: Arc<Shared>, reporter: Reporter, cancel: Cancel) -> Self {
        let run = shared.run.as_ref().map_or("run".to_owned(), ToString::to_string);
        let session = Mutex::new(Session::new(site.transport.clone(), site.place.clone(), run));
        let (before, past) = (None, None);
        let so_far = SoFar { drained: plan.expect.drained, ..SoFar::default() };
        Self { plan, site, shared, reporter, cancel, next: 0, hook: None, so_far, session, before, past }
    }

    /// Whether what serves or boots was touched, so that it is to be brought to an end.
    pub(super) fn is_changed(&self) -> bool {
        self.so_far.touched
    }

    /// Does what changes nothing that serves or boots.
    pub(super) async fn prepare(&mut self) -> Pause {
        self.work(Step::is_preparation).await.unwrap_or(Pause::Prepared)
    }

    /// Works until the next hook or the end.
    pub(super) async fn go_on(&mut self) -> Pause {
        if let Some((_, Some(why))) = self.hook.take() {
            return Pause::Over(self.over_after_failure(StepError::Hook(HookFailure::from(why).into())).await);
        }
        match self.work(|_| true).await {
            Some(pause) => pause,
            None => Pause::Over(self.over((HostResult::Done, self.state_now(), Ending::Changed)).await),
        }
    }

    /// Does the next steps, as long as they are such; `None`: they are done.
    async fn work(&mut self, such: fn(&Step) -> bool) -> Option<Pause> {
        while let Some(step) = self.plan.steps.get(self.next).cloned().filter(such) {
            // What was started is told of, whether it was watched to the end or not.
            if self.cancel.is_requested() && self.so_far.may_stop() && !matches!(step, Step::Confirm { .. }) {
                return Some(Pause::Over(self.over_when_interrupted().await));
            }
            if let Some(why) = self.lost_lease().await {
                return Some(Pause::Over(self.over_without_lease(&why).await));
            }
            if let Step::Hook { name } = step {
                return Some(Pause::Hook(name));
            }
            if let Err(error) = self.carry_out(self.next, &step).await {
                return Some(Pause::Over(self.over_after_failure(error).await));
            }
            self.next += 1;
        }
        None
    }

    /// It is not begun any more, or not changed any more.
    pub(super) fn leave(&self, why: &str) -> End {
        let so_far = if self.so_far.begun { "nothing was changed" } else { "not begun" };
        self.told_end((HostResult::Skipped, format!("{so_far}: {why}; {}", self.state_before("as before")), Ending::AsBefore))
    }

    /// All hosts are at the hook; it begins.
    pub(super) fn hook_begins(&mut self) {
        let what = self.plan.steps.get(self.next).map(Step::describe).unwrap_or_default();
        self.reporter.send(EventKind::StepStarted { index: self.next, what });
        self.hook = Some((Instant::now(), None));
    }
    /// The hook has ended, or failed for this reason.
    pub(super) fn hook_ended(&mut self, why: Option<&str>) {
        let began = self.hook.take().map_or_else(Instant::now, |(began, _)| began);
        if let Some(why) = why {
            self.hook = Some((began, Some(why.to_owned())));
            return;
        }
        let what = self.plan.steps.get(self.next).map(Step::describe).unwrap_or_default();
        self.reporter.send(told::finished(self.next, what, began, None));
        self.next += 1;
    }

    /// Carries one step out and tells of it, but for its failure.
    async fn carry_out(&mut self, index: usize, step: &Step) -> Result<(), StepError> {
        let (what, began) = (step.describe(), Instant::now());
        self.reporter.send(EventKind::StepStarted { index, what: what.clone() });
        if !self.so_far.begun && self.before.is_none() {
            self.look_before().await;
        }
        if matches!(step, Step::Stop { .. } | Step::Start { .. } | Step::Drain(_)) {
            step::check_precondition(&self.site, &self.plan.expect, self.so_far.begun).await?;
            match step {
                Step::Drain(_) => self.so_far.drained = true,
                _ => self.so_far.touched = true,
            }
        }
        if matches!(step, Step::Stop { .. }) {
            self.end_look_before().await;
        }
        if let Step::Stop { guard: Some(guard), .. } = step {
            self.so_far.guard = self.work_on().holder().map(|_| guard.clone());
        }
        if index + 1 < self.plan.steps.len() {
            self.site.transport.another_follows();
        }
        let is_traffic = matches!(step, Step::Drain(_) | Step::Resume(_)); // these say what an interruption leaves
        let work = self.work_on();
        let note = tokio::select! {
            note = work.carry_out(step, self.so_far.activated.as_ref()) => note?,
            () = self.cancel.reached(Level::Kill), if !is_traffic => return Err(StepError::Interrupted),
        };
        if matches!(step, Step::Stop { .. }) && note.is_some() {
            self.so_far.guard = None;
        }
        self.reporter.send(told::finished(index, what, began, note));
        self.so_far.note(step);
        Ok(())
    }

    /// Begins to look at the node that is there, if the one after it will be compared with it.
    async fn look_before(&mut self) {
        let watch = self.plan.steps.iter().find_map(|step| if let Step::Watch(watch) = step { Some(watch) } else { None });
        let stops = self.plan.steps.iter().any(|step| matches!(step, Step::Stop { .. }));
        let Some(watch) = watch.filter(|_| stops) else { return };
        let session = Session::new(self.site.transport.clone(), self.site.place.clone(), "run".to_owned());
        self.before = Before::begin(session, watch).await;
    }
    async fn end_look_before(&mut self) {
        if let Some(before) = self.before.take() {
            self.past = before.end().await;
        }
    }

    /// All that steps need.
    fn work_on(&self) -> step::Work<'_> {
        step::Work {
            site: &self.site,
            shared: &self.shared,
            plan: &self.plan,
            reporter: &self.reporter,
            session: &self.session,
            past: self.past.as_ref(),
            cancel: &self.cancel,
        }
    }

    /// The next step has failed: tells, and gets the old release serving again where that is called for.
    async fn over_after_failure(&mut self, error: StepError) -> End {
        let Some(step) = self.plan.steps.get(self.next).cloned() else { return self.over(self.interrupted()).await };
        let (unknown, refused, fenced) = (error.leaves_unknown(), self.refused(&error), error.is_fenced());
        let out_of_reach = error.is_out_of_reach();
        let half_way = matches!(error, StepError::HalfWay(_));
        let aftermath = match &error {
            StepError::Upgrade(error) => error.aftermath(),
            _ => Aftermath::AsBefore,
        };
        let why = words::why(&step, &error);
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
    async fn over_when_interrupted(&mut self) -> End {
        if self.so_far.upgraded.is_none() || self.so_far.committed {
            return self.over(self.interrupted()).await;
        }
        let end = self.undo("interrupted").await;
        self.over(end).await
    }

    /// Why the next step must not be begun for want of the lease. Between the end of a node and the start of the next the host alone has a say
    /// (see `Lease::fence`): nothing would serve otherwise.
    async fn lost_lease(&self) -> Option<String> {
        let lease = self.shared.lease.as_ref().filter(|_| self.so_far.may_stop())?;
        let (Loss::Host(why) | Loss::Quorum(why)) = lease.sure_of(&self.plan.host).await.err()?;
        Some(format!("the lease is lost: {why}"))
    }

    /// As when the user interrupts; a host that somebody else has by now is left as it is.
    async fn over_without_lease(&mut self, why: &str) -> End {
        let is_taken = self.is_taken();
        let end = match (self.so_far.begun, self.so_far.touched) {
            (false, _) => (HostResult::Skipped, format!("{why}; nothing was begun"), Ending::Locked),
            (true, false) => (HostResult::Failed, format!("{why}; {}", self.state_before("as before")), Ending::AsBefore),
            (true, true) if self.so_far.upgraded.is_some() && !self.so_far.committed && !is_taken => self.undo(why).await,
            (true, true) => (HostResult::Failed, format!("{why}; {}", self.state_now()), Ending::Otherwise),
        };
        self.over(end).await
    }

    fn is_taken(&self) -> bool {
        self.shared.lease.as_ref().is_some_and(|lease| lease.is_taken(&self.plan.host))
    }

    /// The way back.
    async fn undo(&mut self, why: &str) -> (HostResult, String, Ending) {
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

    fn interrupted(&self) -> (HostResult, String, Ending) {
        match (self.so_far.begun, self.so_far.touched) {
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

    async fn over(&mut self, end: (HostResult, String, Ending)) -> End {
        self.end_look_before().await;
        let end = self.back_in_traffic(end).await;
        self.call_off(end.0).await;
        self.told_end(end)
    }

    fn told_end(&self, (result, mut summary, ending): (HostResult, String, Ending)) -> End {
        summary.extend(self.goes_back(result).map(words::alone));
        self.reporter.send(EventKind::HostFinished { result, summary: summary.clone() });
        End { row: HostOutcome { host: self.plan.host.clone(), result, summary }, ending }
    }

    fn was_up(&self) -> bool {
        self.plan.expect.node.is_some_and(|node| node != NodeState::Down)
    }
}

impl SoFar {
    /// Whether an interruption may stop here: not between the end of one node and the start of the next, nor between the release that boots
    /// and the word to the node that runs it.
    fn may_stop(&self) -> bool {
        let is_permanent_on_disk_only = self.upgraded.is_some() && self.activated.is_some() && !self.committed;
        !self.stopped && !is_permanent_on_disk_only
    }
    /// This step is done.
    fn note(&mut self, step: &Step) {
        self.begun |= !matches!(step, Step::Drain(_)); // which is looked at once more before the node is touched
        match step {
            Step::Activate(activate) => {
                self.touched = true;
                self.activated = Some(activate.version.clone());
            }
            Step::Install(hot) => {
                self.touched = true;
                self.upgraded = Some(hot.to.clone());
            }
            Step::Commit(_) => self.committed = true,
            Step::Revert(ending) => (self.upgraded, self.taken_back) = (None, Some(ending.from.clone())),
            Step::Setup(_) => self.set_up = true,
            Step::Resume(_) => self.drained = false,
            Step::Confirm { .. } => self.guard = None,
            Step::Stop { .. } => (self.stopped, self.started) = (true, None),
            Step::Start { version, .. } => (self.stopped, self.started) = (false, Some(version.clone())),
            _ => {}
        }
    }
}
