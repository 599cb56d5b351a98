//! Rolling back while an upgrade is going on: the node itself takes it back.

use super::{Work, activation, blocked};
use crate::{
    config::Engine,
    facts::{Ongoing, Seen},
    hint::Hint,
    name::HostName,
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
        // The operator was lost between making it what boots and committing it.
        let activated = seen.permanent.as_ref() == Some(&ongoing.to);
        if let (true, Some(releases)) = (activated, releases::with_permanent(seen, &ongoing.from)) {
            plan.steps.push(Step::Activate(activation(&switch, &ongoing.from, &releases)));
            plan.undo.extend(switch.boots_again(&ongoing.from, &releases).map(Step::Activate));
        }
        plan
    }
}
