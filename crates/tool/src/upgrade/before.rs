//! How a node does before it is restarted: looked at when the run begins with its host, and once more right before it is stopped.

use std::time::Duration;

use edeliver_core::{
    health::{Past, VitalLimits, Vitals},
    step::Watch,
};
use tokio::time::Instant;

use super::{
    Session,
    vitals::{self, Ask},
};

/// A node that is looked at.
pub(crate) struct Before {
    session: Session,
    limits: VitalLimits,
    first: Vitals,
    since: Instant,
}

impl Before {
    /// Begins, where the node after it is to be compared. `None`: that needs nothing, or the node can't be asked, which its successor has not to
    /// suffer for.
    pub(crate) async fn begin(mut session: Session, watch: &Watch) -> Option<Self> {
        let limits = watch.gates.limits.clone();
        if watch.time.is_zero() || watch.gates.before.is_none() || !limits.ask() {
            return None;
        }
        let (first, since) = (vitals::ask(&mut session, what(&limits)).await.ok()?, Instant::now());
        Some(Self { session, limits, first, since })
    }
    /// Ends, and gives what there was meanwhile.
    pub(crate) async fn end(mut self) -> Option<Past> {
        let last = vitals::ask(&mut self.session, what(&self.limits)).await;
        let counted: Duration = self.since.elapsed();
        vitals::stop_counting(&mut self.session).await;
        Some(Past::of(&self.first, last.ok()?, counted))
    }
}

fn what(limits: &VitalLimits) -> Ask<'_> {
    Ask { errors: limits.errors.is_some(), restarts: limits.restarts.is_some(), peers: &[] }
}
