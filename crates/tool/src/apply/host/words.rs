//! What became of a host, in words.

use edeliver_core::step::{Activate, Direction, Guard, Step};

use super::{super::StepError, HostTask};

impl HostTask {
    /// What was there before, in words; `how`: `again`, `as before`.
    pub(super) fn state_before(&self, how: &str) -> String {
        let expect = &self.plan.expect;
        match (expect.upgraded.as_ref().or(expect.running.as_ref()), &expect.permanent) {
            (Some(running), _) if self.so_far.fell => {
                format!("{running} serving again after a restart, the state of its processes is lost")
            }
            (Some(running), _) if self.was_up() => format!("{running} serving {how}"),
            (_, Some(permanent)) => format!("{permanent} boots {how}, no node runs"),
            (_, None) => "nothing is served, as before".to_owned(),
        }
    }

    /// What was there before, in words, of a host that can't be asked any more and on which nothing was changed.
    pub(super) fn state_last_seen(&self) -> String {
        let expect = &self.plan.expect;
        match (expect.upgraded.as_ref().or(expect.running.as_ref()), &expect.permanent) {
            (Some(running), _) if self.was_up() => format!("{running} was serving when it was last asked"),
            (_, Some(permanent)) => format!("{permanent} was to boot next when it was last asked, and no node ran"),
            (_, None) => "nothing was served when it was last asked".to_owned(),
        }
    }

    /// Where an upgrade went, as its step has it.
    fn way(&self) -> &'static str {
        let downwards = |step: &Step| matches!(step, Step::Install(hot) if hot.direction == Direction::Down);
        if self.plan.steps.iter().any(downwards) { "downgraded" } else { "upgraded" }
    }

    /// What is there now, in words.
    pub(super) fn state_now(&self) -> String {
        let done = &self.so_far;
        let boots = done.activated.as_ref().or(self.plan.expect.permanent.as_ref());
        let expect = &self.plan.expect;
        let still = expect.upgraded.as_ref().or(expect.running.as_ref()).filter(|_| self.was_up());
        let mut now = match (&done.started, boots, still) {
            _ if let Some(back) = &done.taken_back => format!("{back} running, the upgrade was taken back"),
            _ if let Some(upgraded) = &done.upgraded => format!("{upgraded} running, {} without a restart", self.way()),
            _ if done.set_up => "systemd runs the node from its next start on".to_owned(),
            (Some(started), ..) => format!("{started} running"),
            (None, _, _) if done.stopped => "no node runs".to_owned(),
            (None, Some(boots), Some(still)) if boots == still => format!("{still} running"),
            (None, Some(boots), Some(still)) => format!("{boots} boots next, {still} runs until then"),
            (None, Some(boots), None) => format!("{boots} boots next, no node runs"),
            (None, None, _) => "done".to_owned(),
        };
        if done.litter {
            now.push_str("; old releases could not be removed");
        }
        now
    }
}

/// What a host does by itself that nobody can tell any more that all is well.
pub(super) fn alone(guard: &Guard) -> String {
    format!("; {} unless another run is faster", guard.deed())
}

/// That the end of a call which stages and activates was not heard, and why.
pub(super) fn neither(activate: &Activate, error: &StepError) -> String {
    format!("nobody knows whether {} was staged, or boots: {}", activate.version, cause(error))
}

fn cause(error: &StepError) -> String {
    let causes = crate::error::chain(error);
    causes.last().and_then(|cause| cause.lines().next()).map(crate::report::printable).unwrap_or_default()
}

/// What failed, in a few words.
pub(super) fn why(step: &Step, error: &StepError) -> String {
    let cause = cause(error);
    match step {
        Step::Stage(stage) if error.leaves_unknown() => format!("nobody knows whether {} was staged: {cause}", stage.version),
        Step::Stage(stage) => format!("{} was not staged: {cause}", stage.version),
        Step::Activate(activate) => format!("{} was not activated: {cause}", activate.version),
        Step::Start { version, .. } => format!("{version} did not start: {cause}"),
        Step::Stop { .. } => format!("the node was not stopped: {cause}"),
        Step::Install(hot) => format!("{} was not upgraded: {cause}", hot.from),
        Step::Preflight(hot) => format!("{} can't be upgraded now: {cause}", hot.from),
        Step::Drain(_) => format!("it was not drained: {cause}"),
        Step::Resume(_) => format!("it is still drained, for it was not resumed: {cause}"),
        Step::Watch(watch) => format!("{} is not well: {cause}", watch.version),
        Step::Confirm { version } => format!("{version} was not confirmed: {cause}"),
        other => format!("{} failed: {cause}", other.describe()),
    }
}
