//! All hosts of a plan: each at its own pace, but for hooks, where they wait for each other.

use std::{collections::HashMap, sync::Arc};

use edeliver_core::{
    event::{EventKind, HostOutcome, HostResult},
    name::HostName,
    plan::{HostPlan, Plan, Verdict},
};
use tokio::task::JoinSet;

use super::{
    Shared, Site, StepError,
    hook::Runner,
    host::{HostTask, Pause},
    outcome::{End, Ending},
};
use crate::ctx::Ctx;

/// The hosts, in the plan's order.
pub(super) struct Fleet {
    slots: Vec<Slot>,
}

/// One host.
enum Slot {
    /// It can go on.
    Ready(Box<HostTask>),
    /// It has come to this hook.
    At(Box<HostTask>, String),
    /// It has come to its end.
    Over(End),
    /// It is at work.
    Busy,
}

impl Fleet {
    /// The hosts before their first step. `ready`: why nothing may be begun, if that is so.
    pub(super) fn new(
        ctx: &Ctx,
        plan: &Plan,
        sites: &mut HashMap<HostName, Site>,
        shared: &Arc<Shared>,
        ready: Result<(), String>,
    ) -> Self {
        let slots = plan.hosts.iter().map(|host| {
            let reporter = ctx.reporter.for_host(&host.host);
            let over = match (&host.verdict, &ready, sites.remove(&host.host)) {
                (Verdict::Nothing, ..) => (HostResult::Done, host.reasons.join("; "), Ending::Nothing),
                (Verdict::Blocked { .. } | Verdict::Unreachable { .. }, ..) => {
                    (HostResult::Skipped, host.reasons.join("; "), Ending::LeftOut)
                }
                (Verdict::Change, Err(why), _) => (HostResult::Skipped, why.clone(), Ending::AsBefore),
                (Verdict::Change, Ok(()), None) => (HostResult::Skipped, "there is no connection".to_owned(), Ending::AsBefore),
                (Verdict::Change, Ok(()), Some(site)) => {
                    return Slot::Ready(Box::new(HostTask::new(host.clone(), site, shared.clone(), reporter, ctx.cancel.clone())));
                }
            };
            reporter.send(EventKind::HostFinished { result: over.0, summary: over.1.clone() });
            Slot::Over(end(host, over))
        });
        Self { slots: slots.collect() }
    }

    /// Brings every host to its end.
    pub(super) async fn work(&mut self, hooks: &mut Runner<'_>) {
        loop {
            self.go_on().await;
            let Some(name) = self.next_hook() else { return };
            self.meet(&name, hooks).await;
        }
    }

    /// How it ended, host by host.
    pub(super) fn into_ends(self) -> Vec<End> {
        let over = |slot| match slot {
            Slot::Over(end) => Some(end),
            Slot::Ready(_) | Slot::At(..) | Slot::Busy => None,
        };
        self.slots.into_iter().filter_map(over).collect()
    }

    /// Lets every host that can work come to its next hook or its end.
    async fn go_on(&mut self) {
        let mut tasks = JoinSet::new();
        for (at, slot) in self.slots.iter_mut().enumerate() {
            match std::mem::replace(slot, Slot::Busy) {
                Slot::Ready(mut task) => {
                    tasks.spawn(async move {
                        let pause = task.go_on().await;
                        (at, task, pause)
                    });
                }
                other => *slot = other,
            }
        }
        while let Some(done) = tasks.join_next().await {
            let (at, task, pause) = done.expect("a host's task does not panic and is not aborted");
            self.slots[at] = match pause {
                Pause::Hook(name) => Slot::At(task, name),
                Pause::Over(end) => Slot::Over(end),
            };
        }
    }

    /// The hook that the first host in the plan's order waits for.
    fn next_hook(&self) -> Option<String> {
        self.slots.iter().find_map(|slot| match slot {
            Slot::At(_, name) => Some(name.clone()),
            Slot::Ready(_) | Slot::Over(_) | Slot::Busy => None,
        })
    }

    /// Runs a hook, once, for all hosts that wait for it.
    async fn meet(&mut self, name: &str, hooks: &mut Runner<'_>) {
        // Once the user has interrupted, the hosts go on to their end only.
        if !hooks.cancel.is_requested() {
            self.waiting_for(name).for_each(HostTask::hook_begins);
            let why = match hooks.run(name).await {
                Ok(()) => None,
                Err(StepError::Hook(failure)) => Some(crate::error::chain(&failure).join(": ")),
                Err(other) => Some(other.to_string()),
            };
            if !hooks.cancel.is_requested() || why.is_none() {
                self.waiting_for(name).for_each(|task| task.hook_ended(why.as_deref()));
            }
        }
        for slot in &mut self.slots {
            match std::mem::replace(slot, Slot::Busy) {
                Slot::At(task, waits_for) if waits_for == name => *slot = Slot::Ready(task),
                other => *slot = other,
            }
        }
    }

    fn waiting_for(&mut self, name: &str) -> impl Iterator<Item = &mut HostTask> {
        self.slots.iter_mut().filter_map(move |slot| match slot {
            Slot::At(task, waits_for) if *waits_for == name => Some(&mut **task),
            Slot::At(..) | Slot::Ready(_) | Slot::Over(_) | Slot::Busy => None,
        })
    }
}

fn end(host: &HostPlan, (result, summary, ending): (HostResult, String, Ending)) -> End {
    End { row: HostOutcome { host: host.host.clone(), result, summary }, ending }
}
