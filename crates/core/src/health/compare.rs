//! What a node has, against what the one before had, and what it may have.

use std::{collections::BTreeMap, time::Duration};

use super::{Found, MemoryLimit, Past, VitalLimits, Vitals};
use crate::{config::duration, facts::Load, size::size};

/// More than twice what was before is more than before.
const TWICE: u64 = 2;

/// A node that is compared, look by look.
#[derive(Debug)]
pub struct Comparison {
    limits: VitalLimits,
    before: Option<Load>,
    /// What waited before for processes with names.
    waited: BTreeMap<String, u64>,
    /// By supervisor and second: restarts that were there at the first look, and the most that were seen since.
    restarts: BTreeMap<(String, i64), (usize, usize)>,
    /// Errors that were counted at the first look, or before the upgrade.
    errors: Option<u64>,
    /// Errors before the upgrade, and in how long a time.
    errors_before: Option<(u64, Duration)>,
    /// By supervisor: restarts before the restart of the node, and in how long a time.
    restarts_before: BTreeMap<String, (usize, Duration)>,
    looked: bool,
}

impl Comparison {
    /// `before`: none, if nothing ran before, or it is not known what it had.
    pub fn new(limits: VitalLimits, before: Option<Load>) -> Self {
        Self {
            limits,
            before,
            waited: BTreeMap::new(),
            restarts: BTreeMap::new(),
            errors: None,
            errors_before: None,
            restarts_before: BTreeMap::new(),
            looked: false,
        }
    }
    /// The same of a node that goes on: it was looked at before, in the same life. Errors are counted since so long.
    pub fn with(limits: VitalLimits, before: &Vitals, counted: Duration) -> Self {
        let errors_before = before.errors.map(|errors| (errors, counted));
        Self { waited: before.waiting.clone(), errors: before.errors, errors_before, ..Self::new(limits, Some(before.load())) }
    }
    /// The same of a node that follows one that was looked at.
    #[must_use]
    pub fn after(self, past: &Past) -> Self {
        let errors_before = past.errors.map(|errors| (errors, past.counted));
        let before = self.before.map(|before| Load { memory: past.memory, run_queue: past.run_queue, ..before });
        Self { before, waited: past.waiting.clone(), errors_before, restarts_before: past.restarts.clone(), ..self }
    }
    /// What is wrong, a line each. `since`: the watch began so long ago.
    pub fn look(&mut self, since: Duration, now: &Vitals) -> Found {
        let lasting = [self.restarts(since, now), self.errors(since, now)].concat();
        let passing = [self.memory(now), self.run_queue(now)].into_iter().flatten().chain(self.mailboxes(now)).collect();
        self.looked = true;
        Found { lasting, passing, ..Found::default() }
    }
    fn memory(&self, now: &Vitals) -> Option<String> {
        let before = self.before.as_ref().map(|before| before.memory);
        let limit = match (self.limits.memory?, before) {
            (MemoryLimit::Bytes(limit), _) => limit,
            (MemoryLimit::OfBefore(percent), Some(before)) => {
                (before.saturating_mul(u64::from(percent)) / 100).max(before.saturating_add(MemoryLimit::FREE))
            }
            (MemoryLimit::OfBefore(_), None) => return None,
        };
        (now.memory > limit).then(|| line("memory", "memory", &size(now.memory), before.map(size), &size(limit)))
    }
    fn run_queue(&self, now: &Vitals) -> Option<String> {
        let before = self.before.as_ref().map(|before| before.run_queue);
        let usual = u64::from(self.limits.run_queue?).saturating_mul(now.schedulers.max(1));
        let limit = usual.max(before.unwrap_or_default().saturating_mul(TWICE));
        let number = |number: u64| number.to_string();
        (now.run_queue > limit).then(|| line("run_queue", "run queue", &number(now.run_queue), before.map(number), &number(limit)))
    }
    fn mailboxes(&self, now: &Vitals) -> Vec<String> {
        let Some(usual) = self.limits.mailbox else { return Vec::new() };
        let too_many = now.waiting.iter().filter_map(|(name, messages)| {
            let before = self.waited.get(name).copied();
            let limit = u64::from(usual).max(before.unwrap_or_default().saturating_mul(TWICE));
            let number = |number: u64| number.to_string();
            let what = format!("messages that wait for {name}");
            (*messages > limit).then(|| line("mailbox", &what, &number(*messages), before.map(number), &number(limit)))
        });
        too_many.collect()
    }
    fn restarts(&mut self, since: Duration, now: &Vitals) -> Vec<String> {
        let Some(limit) = self.limits.restarts else { return Vec::new() };
        for (supervisor, times) in &now.restarts {
            for time in times {
                let count = times.iter().filter(|other| *other == time).count();
                let seen = self.restarts.entry((supervisor.clone(), *time)).or_default();
                seen.1 = seen.1.max(count);
                if !self.looked {
                    seen.0 = count;
                }
            }
        }
        let mut fresh: BTreeMap<&str, usize> = BTreeMap::new();
        for ((supervisor, _), (first, most)) in &self.restarts {
            *fresh.entry(supervisor).or_default() += most - first;
        }
        let too_many = fresh.into_iter().filter_map(|(supervisor, count)| {
            let before = self.restarts_before.get(supervisor);
            let limit = limit as usize + before.map_or(0, |before| expected(*before, since));
            let what = format!("restarts by {supervisor}");
            let in_time = |count: usize, time| format!("{count} in {}", seconds(time));
            let told = || line("restarts", &what, &in_time(count, since), before.map(|(c, t)| in_time(*c, *t)), &limit.to_string());
            (count > limit).then(told)
        });
        too_many.collect()
    }
    /// A rate of the time watched, but never of less than a minute: one burst is no rate.
    fn errors(&mut self, since: Duration, now: &Vitals) -> Vec<String> {
        let (Some(limit), Some(all)) = (self.limits.errors, now.errors) else { return Vec::new() };
        let fresh = all.saturating_sub(*self.errors.get_or_insert(all));
        let minute = Duration::from_secs(60);
        let allowed = |per_minute: u64| per_minute.saturating_mul(millis(since.max(minute))) / millis(minute);
        let before = self.errors_before.map(|(errors, within)| errors.saturating_mul(millis(minute)) / millis(within.max(minute)));
        let limit = u64::from(limit).max(before.unwrap_or_default().saturating_mul(TWICE));
        let told = || {
            let a_minute = |errors: u64| format!("{errors} a minute");
            line("errors", "errors logged", &format!("{fresh} in {}", seconds(since)), before.map(a_minute), &a_minute(limit))
        };
        if fresh > allowed(limit) { vec![told()] } else { Vec::new() }
    }
}

impl VitalLimits {
    /// That too many processes still run old code, if so.
    pub fn lingering(&self, old_code: &[String]) -> Option<String> {
        const SHOWN: usize = 3;
        let limit = self.old_code.filter(|limit| old_code.len() > *limit as usize)?;
        let some = old_code.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
        Some(format!(
            "{} ({some})",
            line("old_code", "processes in old code", &old_code.len().to_string(), None, &limit.to_string())
        ))
    }
}

/// How many there would be in this time if it went on as before.
fn expected((count, within): (usize, Duration), since: Duration) -> usize {
    let many = count as u64 * millis(since);
    usize::try_from(many.div_ceil(millis(within).max(1))).unwrap_or(usize::MAX)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn seconds(time: Duration) -> String {
    duration::show(Duration::from_secs(time.as_secs().max(1)))
}

/// `memory: 812.0 MB now, 240.1 MB before, at most 720.3 MB (rollout.limits.memory)`
fn line(key: &str, what: &str, now: &str, before: Option<String>, limit: &str) -> String {
    let before = before.map(|before| format!("{before} before, ")).unwrap_or_default();
    format!("{what}: {now} now, {before}at most {limit} (rollout.limits.{key})")
}
