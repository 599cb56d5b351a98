//! The steps that go on: when one is worth a line before it is over.

use std::collections::HashMap;

use edeliver_core::name::HostName;

/// A step that takes longer than this is announced before it is over: a log that stands still must say on what.
const ANNOUNCED_AFTER_MS: u64 = 2_000;

/// Whose step; `None`: the run's own.
type Whose = Option<HostName>;

/// Steps by whose they are. A host has one at a time.
#[derive(Debug, Default)]
pub(super) struct Running(HashMap<Whose, Step>);

#[derive(Debug)]
struct Step {
    what: String,
    since_ms: u64,
    announced: bool,
    printed: bool,
    kind: Kind,
}

/// When a step is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// When that is said.
    Step,
    /// With the next event of the run.
    Wait,
}

impl Running {
    pub(super) fn begin(&mut self, whose: Whose, what: &str, since_ms: u64, kind: Kind) {
        self.0.insert(whose, Step { what: what.to_owned(), since_ms, announced: false, printed: false, kind });
    }
    /// An event of the run: what it waited for has come.
    pub(super) fn end_wait(&mut self) {
        if self.0.get(&None).is_some_and(|step| step.kind == Kind::Wait) {
            self.0.remove(&None);
        }
    }
    /// The step is over. Gives whether lines that it printed were told.
    pub(super) fn end(&mut self, whose: &Whose) -> bool {
        self.0.remove(whose).is_some_and(|step| step.printed)
    }
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
    /// A line that it printed is about to be told: gives the line to put before the first one.
    pub(super) fn printed(&mut self, whose: &Whose) -> Option<String> {
        let step = self.0.get_mut(whose)?;
        step.printed = true;
        (!std::mem::replace(&mut step.announced, true)).then(|| step.announcement())
    }
    /// The steps that turn out to be slow at this time, each once.
    pub(super) fn slow(&mut self, now_ms: u64) -> Vec<(Whose, String)> {
        let is_slow = |step: &Step| !step.announced && now_ms.saturating_sub(step.since_ms) >= ANNOUNCED_AFTER_MS;
        let mut slow: Vec<_> = self.0.iter_mut().filter(|(_, step)| is_slow(step)).collect();
        slow.sort_unstable_by_key(|(whose, _)| *whose);
        slow.into_iter()
            .map(|(whose, step)| {
                step.announced = true;
                (whose.clone(), step.announcement())
            })
            .collect()
    }
}

impl Step {
    fn announcement(&self) -> String {
        format!("{} ...", self.what)
    }
}
