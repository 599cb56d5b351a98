//! One host: its steps in order, and what to do when one fails.

mod ends;
mod former;
mod so_far;
mod traffic;
mod words;

use std::{sync::Arc, time::Instant};

use edeliver_core::{
    event::EventKind,
    lease::Loss,
    plan::HostPlan,
    step::{Activate, Step},
};
use tokio::sync::{Mutex, OwnedSemaphorePermit};

use self::{former::Former, so_far::SoFar};
use super::{HookFailure, Shared, Site, StepError, outcome::End, stage, step, told};
use crate::{
    cancel::{Cancel, Level},
    report::Reporter,
    upgrade::Session,
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
    /// What has become of the next step already, in one call with the one before it.
    ahead: Option<Result<(), StepError>>,
    /// The way to the node, while it is upgraded.
    session: Mutex<Session>,
    former: Former,
}

impl HostTask {
    pub(super) fn new(plan: HostPlan, site: Site, shared: Arc<Shared>, reporter: Reporter, cancel: Cancel) -> Self {
        let run = shared.run.as_ref().map_or("run".to_owned(), ToString::to_string);
        let session = Mutex::new(Session::new(site.transport.clone(), site.place.clone(), run));
        let so_far = SoFar { drained: plan.expect.drained, ..SoFar::default() };
        Self { plan, site, shared, reporter, cancel, next: 0, hook: None, so_far, ahead: None, session, former: Former::default() }
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
            None => Pause::Over(self.over(self.done()).await),
        }
    }

    /// Does the next steps, as long as they are such; `None`: they are done.
    async fn work(&mut self, such: fn(&Step) -> bool) -> Option<Pause> {
        while let Some(step) = self.plan.steps.get(self.next).cloned().filter(such) {
            let _stream = self.stream(&step).await;
            if let Some(over) = self.over_before(&step).await {
                return Some(Pause::Over(over));
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

    /// Waits until much may be sent to this host, or nothing more is to be begun.
    async fn stream(&self, step: &Step) -> Option<OwnedSemaphorePermit> {
        let Step::Stage(stage) = step else { return None };
        if !stage.sends_much() {
            return None;
        }
        tokio::select! {
            permit = self.shared.streams.clone().acquire_owned() => permit.ok(),
            () = self.cancel.reached(Level::Finish) => None,
        }
    }

    /// The end, where the next step must not be begun. What is done already can't be kept from that.
    async fn over_before(&mut self, step: &Step) -> Option<End> {
        if self.ahead.is_some() {
            return None;
        }
        // What was started is told of, whether it was watched to the end or not.
        if self.cancel.is_requested() && self.so_far.may_stop() && !step.concludes() {
            return Some(self.over_when_interrupted().await);
        }
        let why = self.lost_lease().await?;
        Some(self.over_without_lease(&why).await)
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

    /// What is done in one call with the step at `index`, where that saves a round trip.
    fn joint(&self, index: usize) -> Option<&Activate> {
        self.plan.joint(index).filter(|_| self.shared.joins_steps && self.site.transport.is_far())
    }

    /// Carries one step out and tells of it, but for its failure.
    async fn carry_out(&mut self, index: usize, step: &Step) -> Result<(), StepError> {
        let (what, began) = (step.describe(), Instant::now());
        self.reporter.send(EventKind::StepStarted { index, what: what.clone() });
        if !self.so_far.begun {
            self.former.look(&self.plan, &self.site).await;
        }
        if matches!(step, Step::Stop { .. } | Step::Start { .. } | Step::Drain(_)) {
            step::check_precondition(&self.site, &self.plan.expect, self.so_far.begun).await?;
            match step {
                Step::Drain(_) => self.so_far.drained = true,
                _ => self.so_far.touched = true,
            }
        }
        if matches!(step, Step::Stop { .. }) {
            self.former.look_away().await;
        }
        if let Step::Stop { guard: Some(guard), .. } = step {
            self.so_far.guard = self.work_on().holder().map(|_| guard.clone());
        }
        let last = index + usize::from(self.joint(index).is_some());
        if self.ahead.is_none() && last + 1 < self.plan.steps.len() {
            self.site.transport.another_follows();
        }
        let is_traffic = matches!(step, Step::Drain(_) | Step::Resume(_)); // these say what an interruption leaves
        let (ahead, work, joint) = (self.ahead.take(), self.work_on(), self.joint(index));
        let done = async {
            match (ahead, step) {
                (Some(done), _) => done.map(|()| (None, None)),
                (None, Step::Stage(stage)) => stage::put(&work, stage, joint).await.map(|put| (Some(put.note), put.activated)),
                _ => work.carry_out(step, self.so_far.activated.as_ref()).await.map(|note| (note, None)),
            }
        };
        let (note, ahead) = tokio::select! {
            biased;
            done = done => done?,
            () = self.cancel.reached(Level::Kill), if !is_traffic => return Err(StepError::Interrupted),
        };
        self.ahead = ahead;
        if matches!(step, Step::Stop { .. }) && note.is_some() {
            self.so_far.guard = None;
        }
        self.so_far.unwatched |= matches!(step, Step::Watch(_)) && note.is_some();
        self.reporter.send(told::finished(index, what, began, note));
        self.so_far.note(step);
        Ok(())
    }

    /// All that steps need.
    fn work_on(&self) -> step::Work<'_> {
        step::Work {
            site: &self.site,
            shared: &self.shared,
            plan: &self.plan,
            reporter: &self.reporter,
            session: &self.session,
            past: self.former.past(),
            cancel: &self.cancel,
        }
    }

    /// Why the next step must not be begun for want of the lease. Between the end of a node and the start of the next the host alone has a say
    /// (see `Lease::fence`): nothing would serve otherwise.
    async fn lost_lease(&self) -> Option<String> {
        let lease = self.shared.lease.as_ref().filter(|_| self.so_far.may_stop())?;
        let (Loss::Host(why) | Loss::Quorum(why)) = lease.sure_of(&self.plan.host).await.err()?;
        Some(format!("the lease is lost: {why}"))
    }
}
