//! The events of steps.

use std::time::Instant;

use edeliver_core::event::EventKind;

use super::StepError;
use crate::{error::Error, report::printable};

/// A step is done; `note`: what came of it.
pub(super) fn finished(index: usize, what: String, began: Instant, note: Option<String>) -> EventKind {
    let took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    EventKind::StepFinished { index, what, took_ms, note }
}

/// A step failed.
pub(super) fn failed(index: usize, what: String, error: StepError) -> EventKind {
    let output = error.output().iter().map(|line| printable(line)).collect();
    let error = Error::from(error);
    let causes = error.causes().iter().map(|cause| printable(cause)).collect();
    EventKind::StepFailed { index, what, causes, output, hints: error.hints }
}
