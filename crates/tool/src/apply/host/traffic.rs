//! A host that was drained comes back, however its steps ended, as long as a node serves there.

use std::time::Instant;

use edeliver_core::{
    config::Traffic,
    event::{EventKind, HostResult},
    step::Step,
};

use super::{HostTask, ends::Ended, words};
use crate::{
    apply::{outcome::Ending, told},
    cancel::Level,
};

impl HostTask {
    /// The end, once the host is back in the traffic, or with the word that it is not.
    pub(super) async fn back_in_traffic(&mut self, end: Ended) -> Ended {
        let Some(traffic) = self.traffic().filter(|_| self.so_far.drained) else { return end };
        let (result, summary, ending) = end;
        if !self.serves(result) {
            return (result, format!("{summary}; it stays drained"), ending);
        }
        let step = Step::Resume(traffic);
        let (index, began) = (self.plan.steps.len() + self.plan.undo.len(), Instant::now());
        self.reporter.send(EventKind::StepStarted { index, what: step.describe() });
        match self.work_on().carry_out(&step, self.so_far.activated.as_ref()).await {
            Ok(note) => {
                self.so_far.drained = false;
                self.reporter.send(told::finished(index, step.describe(), began, note));
                (result, summary, ending)
            }
            Err(error) => {
                let why = words::why(&step, &error);
                self.reporter.send(told::failed(index, step.describe(), error));
                (HostResult::Failed, format!("{summary}; {why}"), Ending::Otherwise)
            }
        }
    }
    fn traffic(&self) -> Option<Traffic> {
        self.plan.steps.iter().find_map(|step| match step {
            Step::Drain(traffic) | Step::Resume(traffic) => Some(traffic.clone()),
            _ => None,
        })
    }
    /// Whether a node serves there and may be sent traffic, as far as is known.
    fn serves(&self, result: HostResult) -> bool {
        let is_known = !matches!(result, HostResult::Unknown | HostResult::Broken);
        let is_up = !self.so_far.stopped && (self.was_up() || self.so_far.started.is_some());
        is_known && is_up && !self.is_taken() && self.cancel.level() < Level::Kill
    }
}
