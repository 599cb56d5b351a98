//! Where one host of a fleet is.

use std::{collections::HashMap, sync::Arc};

use edeliver_core::{
    event::{EventKind, HostOutcome, HostResult},
    name::HostName,
    plan::{HostPlan, Verdict},
};

use super::super::{
    Shared, Site,
    host::HostTask,
    outcome::{End, Ending},
};
use crate::ctx::Ctx;

/// One host.
pub(in crate::apply) enum Slot {
    /// It can go on.
    Ready(Box<HostTask>),
    /// It has come to this hook.
    At(Box<HostTask>, String),
    /// It has come to its end.
    Over(End),
    /// It is at work.
    Busy,
}

impl Slot {
    /// The host before its first step, or at its end where there is none.
    pub(in crate::apply) fn new(
        ctx: &Ctx,
        host: &HostPlan,
        sites: &mut HashMap<HostName, Site>,
        shared: &Arc<Shared>,
        ready: &Result<(), String>,
    ) -> Self {
        let reporter = ctx.reporter.for_host(&host.host);
        let over = match (&host.verdict, ready, sites.remove(&host.host)) {
            (Verdict::Nothing, ..) => (HostResult::Done, host.reasons.join("; "), Ending::Nothing),
            (Verdict::Blocked { .. } | Verdict::Unreachable { .. }, ..) => {
                (HostResult::Skipped, host.reasons.join("; "), Ending::LeftOut)
            }
            (Verdict::Change, Err(why), _) => (HostResult::Skipped, why.clone(), Ending::AsBefore),
            (Verdict::Change, Ok(()), None) => (HostResult::Skipped, "there is no connection".to_owned(), Ending::AsBefore),
            (Verdict::Change, Ok(()), Some(site)) => {
                return Self::Ready(Box::new(HostTask::new(host.clone(), site, shared.clone(), reporter, ctx.cancel.clone())));
            }
        };
        reporter.send(EventKind::HostFinished { result: over.0, summary: over.1.clone() });
        Self::Over(end(host, over))
    }

    /// How it ended, if it has.
    pub(in crate::apply) fn end(&self) -> Option<&End> {
        match self {
            Self::Over(end) => Some(end),
            Self::Ready(_) | Self::At(..) | Self::Busy => None,
        }
    }

    pub(in crate::apply) fn into_end(self) -> Option<End> {
        match self {
            Self::Over(end) => Some(end),
            Self::Ready(_) | Self::At(..) | Self::Busy => None,
        }
    }
}

fn end(host: &HostPlan, (result, summary, ending): (HostResult, String, Ending)) -> End {
    End { row: HostOutcome { host: host.host.clone(), result, summary }, ending }
}
