//! What a node did before it was restarted.

use std::{collections::BTreeMap, time::Duration};

use super::Vitals;

/// What was seen of it, between two looks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// Bytes.
    pub(super) memory: u64,
    /// Processes that waited to be run.
    pub(super) run_queue: u64,
    /// Messages that waited for processes with names.
    pub(super) waiting: BTreeMap<String, u64>,
    /// By supervisor: how often it has restarted a child, and in how long a time.
    pub(super) restarts: BTreeMap<String, (usize, Duration)>,
    /// Errors that were logged, if they were counted.
    pub(super) errors: Option<u64>,
    /// In how long a time.
    pub(super) counted: Duration,
}

impl Past {
    /// Of the first and the last look, so long apart.
    pub fn of(first: &Vitals, last: Vitals, counted: Duration) -> Self {
        let errors = last.errors.map(|errors| errors.saturating_sub(first.errors.unwrap_or_default()));
        let restarts = restarts(first, &last, counted);
        Self { memory: last.memory, run_queue: last.run_queue, waiting: last.waiting, restarts, errors, counted }
    }
}

/// Supervisors forget: what both looks have seen counts, over the time from the oldest of it to the last look, or between the looks if that is more.
fn restarts(first: &Vitals, last: &Vitals, counted: Duration) -> BTreeMap<String, (usize, Duration)> {
    let mut seen: BTreeMap<&str, BTreeMap<i64, usize>> = BTreeMap::new();
    for (supervisor, times) in first.restarts.iter().chain(&last.restarts) {
        let known = seen.entry(supervisor).or_default();
        for time in times {
            let count = times.iter().filter(|other| *other == time).count();
            let most = known.entry(*time).or_default();
            *most = count.max(*most);
        }
    }
    let rate = |times: &BTreeMap<i64, usize>| {
        let oldest = *times.first_key_value()?.0;
        // That second, and the one that it is, may be parts of seconds.
        let age = Duration::from_secs(u64::try_from(last.now.saturating_sub(oldest)).unwrap_or_default() + 1);
        Some((times.values().sum(), age.max(counted)))
    };
    seen.into_iter().filter_map(|(supervisor, times)| Some((supervisor.to_owned(), rate(&times)?))).collect()
}
