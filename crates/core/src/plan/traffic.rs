//! Taking hosts out of the traffic before their nodes are stopped or upgraded, and bringing them back when they are well.

use super::{HostPlan, Verdict, switch};
use crate::{
    config::{TargetSettings, Traffic},
    facts::{HostFacts, Seen},
    step::Step,
};

/// The same plans, with what that takes. A host that an earlier run has left drained comes back in any of them that leaves a node there.
pub(super) fn around(mut hosts: Vec<HostPlan>, settings: &TargetSettings, facts: &[HostFacts]) -> Vec<HostPlan> {
    for plan in &mut hosts {
        let seen = facts.iter().find(|facts| facts.host == plan.host).and_then(|facts| facts.seen.as_ref().ok());
        if let (Some(seen), Verdict::Change | Verdict::Nothing) = (seen, &plan.verdict) {
            host(plan, settings.rollout.traffic.as_ref(), seen);
        }
    }
    hosts
}

fn host(plan: &mut HostPlan, traffic: Option<&Traffic>, seen: &Seen) {
    if let Some(run) = &seen.drained {
        let how = if traffic.is_some() { "" } else { "; nothing says how it comes back: `rollout.resume` is not set" };
        plan.reasons.push(format!("it was drained (run {run}), and not resumed since{how}"));
    }
    let Some(traffic) = traffic else { return };
    let drains = plan.steps.iter().position(ends_service).filter(|_| switch::is_up(seen));
    if let Some(at) = drains {
        plan.steps.insert(at, Step::Drain(traffic.clone()));
    }
    if (drains.is_some() || seen.drained.is_some()) && is_up_after(plan, seen) {
        let end = plan.steps.iter().position(|step| matches!(step, Step::Prune(_) | Step::Remember(_)));
        plan.steps.insert(end.unwrap_or(plan.steps.len()), Step::Resume(traffic.clone()));
        plan.verdict = Verdict::Change;
    }
}

/// Whether the node serves nobody while this is done, or may serve them badly.
pub(super) fn ends_service(step: &Step) -> bool {
    matches!(step, Step::Stop { .. } | Step::Install(_) | Step::Revert(_))
}

/// Whether a node is there when all is done.
pub(super) fn is_up_after(plan: &HostPlan, seen: &Seen) -> bool {
    match plan.steps.iter().rfind(|step| matches!(step, Step::Stop { .. } | Step::Start { .. })) {
        Some(last) => matches!(last, Step::Start { .. }),
        None => switch::is_up(seen),
    }
}
