//! What failed, told once for all hosts where it failed in the same way.

use edeliver_core::{
    event::{Event, EventKind},
    hint::Hint,
    name::HostName,
};

/// Lines of a step's own output that stand for what the event does not have.
const LAST_LINES: usize = 30;

/// Something that failed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ui::page) struct Trouble {
    /// The step in words; `None`: the command as a whole.
    pub(in crate::ui::page) what: Option<String>,
    /// Outermost first; the last is the remote cause.
    pub(in crate::ui::page) causes: Vec<String>,
    /// Where and when, each with its last output.
    pub(in crate::ui::page) places: Vec<Place>,
    /// All remedies, each once.
    pub(in crate::ui::page) hints: Vec<Hint>,
}

/// Where it failed.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ui::page) struct Place {
    /// `None`: this machine.
    pub(in crate::ui::page) host: Option<HostName>,
    pub(in crate::ui::page) at_ms: u64,
    pub(in crate::ui::page) output: Vec<String>,
}

impl Trouble {
    /// What failed by this event, if one did. `printed`: what the step had printed before.
    pub(super) fn of(event: &Event, printed: &[String]) -> Option<Self> {
        let at_ms = event.elapsed_ms;
        let (what, causes, hints) = match &event.kind {
            EventKind::StepFailed { what, causes, hints, .. } => (Some(what.clone()), causes, hints),
            EventKind::Error { causes, hints, .. } => (None, causes, hints),
            EventKind::NoAnswer { causes, hints, .. } => (Some("no answer".to_owned()), causes, hints),
            _ => return None,
        };
        let places = match &event.kind {
            EventKind::NoAnswer { hosts, .. } => {
                hosts.iter().map(|host| Place { host: Some(host.clone()), at_ms, output: Vec::new() }).collect()
            }
            _ => vec![Place { host: event.host.clone(), at_ms, output: last_output(event, printed) }],
        };
        Some(Self { what, causes: causes.clone(), places, hints: hints.clone() })
    }
    /// Takes what failed in the same way elsewhere.
    fn take(&mut self, other: Self) {
        self.places.extend(other.places);
        for hint in other.hints {
            if !self.hints.contains(&hint) {
                self.hints.push(hint);
            }
        }
    }
}

fn last_output(event: &Event, printed: &[String]) -> Vec<String> {
    match &event.kind {
        EventKind::StepFailed { output, .. } if !output.is_empty() => output.clone(),
        _ => printed[printed.len().saturating_sub(LAST_LINES)..].to_vec(),
    }
}

/// Adds it to those that are alike.
pub(super) fn add(troubles: &mut Vec<Trouble>, new: Trouble) {
    match troubles.iter_mut().find(|known| known.what == new.what && known.causes == new.causes) {
        None => troubles.push(new),
        Some(known) => known.take(new),
    }
}
