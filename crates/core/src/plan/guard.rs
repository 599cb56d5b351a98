//! The dead-man switch of a restart: which plans get one, and what the host does when nobody confirms.

use super::{HostPlan, ReleaseRef, switch};
use crate::{
    config::TargetSettings,
    facts::HostFacts,
    name::Version,
    step::{Guard, Step},
};

/// The plan with a dead-man switch from the end of the node that serves until the new one is confirmed. There is none where no node served, and
/// none where this login may not write: its end could not be told from a run that goes on.
pub(super) fn guarded(mut plan: HostPlan, facts: &HostFacts, settings: &TargetSettings, release: Option<&ReleaseRef>) -> HostPlan {
    let serves = facts.seen.as_ref().is_ok_and(|seen| seen.writable && switch::is_up(seen));
    let Some((stop, new)) = restart(&plan).filter(|_| serves) else { return plan };
    let back = goes_back_to(&plan).unwrap_or(&new).clone();
    let remember = release.filter(|release| release.version == new && back != new).map(|release| release.manifest);
    let confirm = Step::Confirm { version: new.clone() };
    if let Step::Stop { guard, .. } = &mut plan.steps[stop] {
        *guard = Some(Guard { within: settings.upgrade.limits.confirm, new, back, remember });
    }
    let last = plan.steps.iter().rposition(|step| matches!(step, Step::Start { .. } | Step::Watch(_))).unwrap_or(stop);
    plan.steps.insert(last + 1, confirm);
    plan
}

/// Where the step is that stops the node, and what is started then.
fn restart(plan: &HostPlan) -> Option<(usize, Version)> {
    let stop = plan.steps.iter().position(|step| matches!(step, Step::Stop { .. }))?;
    plan.steps[stop..].iter().find_map(|step| match step {
        Step::Start { version, .. } => Some((stop, version.clone())),
        _ => None,
    })
}

/// What the plan's way back makes the release that boots, and starts.
fn goes_back_to(plan: &HostPlan) -> Option<&Version> {
    let activated = plan.undo.iter().find_map(|step| if let Step::Activate(it) = step { Some(&it.version) } else { None })?;
    plan.undo.iter().any(|step| matches!(step, Step::Start { version, .. } if version == activated)).then_some(activated)
}

/// A way back is not left for where it comes from: the host starts what it leads to.
pub(super) fn forwards(plan: &mut HostPlan) {
    for step in &mut plan.steps {
        if let Step::Stop { guard: Some(guard), .. } = step {
            (guard.back, guard.remember) = (guard.new.clone(), None);
        }
    }
}

impl HostPlan {
    /// What its dead-man switch does, in order.
    pub fn alone(&self, guard: &Guard) -> Vec<&Step> {
        match guard.goes_back() {
            true => self.undo.iter().filter(|step| !matches!(step, Step::Hook { .. })).collect(),
            false => self.steps.iter().filter(|step| matches!(step, Step::Start { .. })).collect(),
        }
    }
}
