//! When a node that is looked at again and again counts as well, and when nobody waits for that any more.

use std::time::Duration;

/// So often in a row may it not be well: what is too much for a moment may pass.
const UNWELL: u32 = 3;

/// What a look has found, a line each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// What does not become better by itself: it is not the node that was started, or it has fallen too often.
    pub lasting: Vec<String>,
    /// What may be another at the next look.
    pub passing: Vec<String>,
    /// It has not found its place in the cluster yet.
    pub unsettled: Vec<String>,
}

impl Found {
    /// Whether nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.lasting.is_empty() && self.passing.is_empty() && self.unsettled.is_empty()
    }
}

/// What is to be done after a look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// Look again, at the latest after this time. What was found is worth a word.
    Look(Duration, Vec<String>),
    /// It is well.
    Well,
    /// It is not, and that is the end: why.
    Unwell(Vec<String>),
}

/// The watch over one node. Times are counted from its beginning.
#[derive(Debug)]
pub struct Watching {
    time: Duration,
    warm_up: Duration,
    settle_within: Duration,
    /// Since when it has to find its place in the cluster.
    settles_since: Option<Duration>,
    /// What was said of that last: it may take a while, and is told once.
    told: Vec<String>,
    /// Looks in a row at which it was not well.
    unwell: u32,
    /// Since when it is well.
    well_since: Option<Duration>,
}

impl Watching {
    /// It must be well for `time`. `warm_up`: so long the application may take until it is well for the first time.
    /// `settle_within`: so long it may take then to find its place in the cluster.
    pub fn new(time: Duration, warm_up: Duration, settle_within: Duration) -> Self {
        Self { time, warm_up, settle_within, settles_since: None, told: Vec::new(), unwell: 0, well_since: None }
    }
    /// After a look at this time.
    pub fn after(&mut self, at: Duration, mut found: Found) -> Next {
        if !found.lasting.is_empty() {
            return Next::Unwell(found.lasting);
        }
        if self.well_since.is_some() {
            // What it had found once it has lost again.
            found.passing.append(&mut found.unsettled);
        }
        if !found.passing.is_empty() {
            self.unwell += 1;
            let is_hopeless = self.unwell >= UNWELL && (self.well_since.is_some() || at >= self.warm_up);
            return if is_hopeless { Next::Unwell(found.passing) } else { Next::Look(Duration::MAX, found.passing) };
        }
        self.unwell = 0;
        let settles_since = *self.settles_since.get_or_insert(at);
        if !found.unsettled.is_empty() {
            return match self.settle_within.saturating_sub(at.saturating_sub(settles_since)) {
                Duration::ZERO => Next::Unwell(found.unsettled),
                left => Next::Look(left, self.news(found.unsettled)),
            };
        }
        let since = *self.well_since.get_or_insert(at);
        match self.time.saturating_sub(at.saturating_sub(since)) {
            Duration::ZERO => Next::Well,
            left => Next::Look(left, Vec::new()),
        }
    }
    fn news(&mut self, lines: Vec<String>) -> Vec<String> {
        if self.told == lines {
            return Vec::new();
        }
        self.told.clone_from(&lines);
        lines
    }
}
