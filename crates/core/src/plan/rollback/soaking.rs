//! Rolling back while an upgrade is going on: the node itself takes it back.

use super::{Work, activation, blocked};
use crate::{
    config::Engine,
    facts::{Ongoing, Seen},
    hint::Hint,
    name::{HostName, Version},
    plan::{
        HostPlan, Verdict, hot, releases,
        switch::{self, Switch},
    },
    step::{Ending, Step},
};

impl Work<'_> {
    pub(super) fn take_back(&self, host: &HostName, seen: &Seen) -> HostPlan {
        let (Some(ongoing), Some(going_on)) = (&seen.node.ongoing, hot::ongoing(seen)) else {
            return blocked(host, seen, "no upgrade is going on".to_owned(), self.remedy(seen));
        };
        let to_there = self.request.to.as_ref().is_none_or(|to| *to == ongoing.from);
        match (ongoing.left_ms, to_there) {
            (Some(_), true) => self.revert(host, seen, ongoing, going_on),
            (Some(_), false) => {
                let name = &self.settings.name;
                let hint =
                    Hint::command("take that upgrade back first", format!("edeliver rollback {name} --version={}", ongoing.from));
                blocked(host, seen, going_on, hint)
            }
            (None, _) => blocked(host, seen, going_on, Hint::text("wait a moment, and look at `edeliver status` then")),
        }
    }
    fn revert(&self, host: &HostName, seen: &Seen, ongoing: &Ongoing, going_on: String) -> HostPlan {
        let switch = Switch { app: &self.request.app, settings: self.settings, seen };
        let ending = Ending {
            from: ongoing.from.clone(),
            to: ongoing.to.clone(),
            engine: Engine::Transactional,
            timeout: self.settings.step_timeout,
        };
        let mut plan = HostPlan {
            host: host.clone(),
            expect: switch::precondition(seen),
            verdict: Verdict::Change,
            reasons: vec![going_on, format!("the node goes back to {} without a restart, with its state", ongoing.from)],
            steps: vec![Step::Revert(ending)],
            undo: Vec::new(),
        };
        if let (Some(boots), Some(releases)) = (self.to_be_replaced(seen, ongoing), releases::with_permanent(seen, &ongoing.from)) {
            plan.steps.push(Step::Activate(activation(&switch, &ongoing.from, &releases)));
            plan.undo.push(Step::Activate(switch.boots_after_all(boots, &ongoing.from, &releases)));
        }
        plan
    }
    /// What boots, if it is not to stay so: the operator was lost between making the upgrade permanent and committing it, or another release was
    /// deployed meanwhile, which is to boot next unless the user names the one that shall.
    fn to_be_replaced<'s>(&self, seen: &'s Seen, ongoing: &Ongoing) -> Option<&'s Version> {
        let boots = seen.permanent.as_ref().filter(|boots| **boots != ongoing.from)?;
        (*boots == ongoing.to || self.request.to.is_some()).then_some(boots)
    }
}
