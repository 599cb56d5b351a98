//! Restarts of children since an upgrade, against those before it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::config::Engine;

/// What a supervisor has restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restarts {
    /// Its process.
    pub supervisor: String,
    /// How often it has restarted a child.
    pub count: u32,
    /// In how long a time, until it was asked.
    pub within: Duration,
    /// Names that its children are registered by.
    pub names: Vec<String>,
}

/// What is known of each child's processes.
#[derive(Debug)]
pub struct Lives {
    /// How many of the processes that are seen are no restart: with `release_handler` the one that a child was at first.
    first: usize,
    /// A child that was replaced more often, where nothing was before, is in a crash loop.
    harmless: usize,
    before: Vec<Restarts>,
    /// By child, or registered name.
    children: BTreeMap<String, Child>,
}

#[derive(Debug, Default)]
struct Child {
    /// The process of its supervisor, where it is known.
    supervisor: Option<String>,
    processes: BTreeSet<String>,
}

impl Lives {
    /// Nothing is seen yet. `harmless`: so often a child may be restarted where none was before; `None`: as often as it likes.
    pub fn new(engine: Engine, before: &[Restarts], harmless: Option<u32>) -> Self {
        let first = usize::from(engine == Engine::ReleaseHandler);
        let harmless = harmless.map_or(usize::MAX, |harmless| harmless as usize);
        Self { first, harmless, before: before.to_vec(), children: BTreeMap::new() }
    }
    /// A child was seen as this process.
    pub fn seen(&mut self, child: String, supervisor: Option<String>, process: String) {
        let child = self.children.entry(child).or_default();
        child.supervisor = supervisor.or(child.supervisor.take());
        child.processes.insert(process);
    }
    /// Children that were restarted more often in this time than could be expected, a line each.
    pub fn loops(&self, since: Duration) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, child) in &self.children {
            let (count, before) = (self.count(child), self.before(name, child));
            if count > self.harmless.saturating_add(before.map_or(0, |before| expected(before, since))) {
                lines.push(format!("{name} was restarted {count} times{}", compared(before)));
            }
        }
        lines
    }
    /// Those that were restarted at all, for people.
    pub fn note(&self) -> Option<String> {
        let restarted = self.children.iter().filter(|(_, child)| self.count(child) > 0);
        let told: Vec<String> = restarted.map(|(name, child)| format!("{name}{}", compared(self.before(name, child)))).collect();
        (!told.is_empty()).then(|| format!("restarted by its supervisor: {}", told.join(", ")))
    }
    fn count(&self, child: &Child) -> usize {
        child.processes.len().saturating_sub(self.first)
    }
    /// What the child's supervisor had restarted before. It does not say which of its children that was.
    fn before(&self, name: &str, child: &Child) -> Option<&Restarts> {
        self.before.iter().find(|before| match &child.supervisor {
            Some(supervisor) => before.supervisor == *supervisor,
            None => before.names.iter().any(|known| known == name),
        })
    }
}

/// How often a supervisor would restart a child in this time if it went on as before.
fn expected(before: &Restarts, since: Duration) -> usize {
    let millis = u128::from(before.count) * since.as_millis();
    usize::try_from(millis.div_ceil(before.within.as_millis().max(1))).unwrap_or(usize::MAX)
}

fn compared(before: Option<&Restarts>) -> String {
    match before {
        None => String::new(),
        Some(before) => {
            format!(" (its supervisor restarted {} in the {} s before the upgrade)", before.count, before.within.as_secs())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn before(count: u32, seconds: u64) -> Vec<Restarts> {
        let (supervisor, names) = ("<0.1.0>".to_owned(), vec!["worker".to_owned()]);
        vec![Restarts { supervisor, count, within: Duration::from_secs(seconds), names }]
    }

    fn lives(engine: Engine, before: &[Restarts], processes: u32) -> Lives {
        let mut lives = Lives::new(engine, before, Some(1));
        let supervisor = (engine == Engine::Transactional).then(|| "<0.1.0>".to_owned());
        (0..processes).for_each(|at| lives.seen("worker".to_owned(), supervisor.clone(), format!("<0.{at}.1>")));
        lives
    }

    #[test]
    fn a_child_that_was_never_restarted_may_be_once() {
        let second = Duration::from_secs(1);
        for (engine, first) in [(Engine::Transactional, 0), (Engine::ReleaseHandler, 1)] {
            assert!(lives(engine, &[], first + 1).loops(20 * second).is_empty());
            assert_eq!(lives(engine, &[], first + 2).loops(20 * second), ["worker was restarted 2 times"]);
            // As often as before, and more often.
            let (seldom, often) = (lives(engine, &before(2, 8), first + 4), lives(engine, &before(2, 8), first + 5));
            assert!(seldom.loops(10 * second).is_empty());
            assert_eq!(
                often.loops(10 * second),
                ["worker was restarted 5 times (its supervisor restarted 2 in the 8 s before the upgrade)"]
            );
            assert!(often.loops(16 * second).is_empty(), "in a longer time");
        }
    }

    #[test]
    fn the_restarts_of_another_supervisor_excuse_nothing() {
        let others = [Restarts { supervisor: "<0.2.0>".to_owned(), names: Vec::new(), ..before(9, 10).remove(0) }];
        assert_eq!(lives(Engine::Transactional, &others, 2).loops(Duration::from_secs(9)).len(), 1);
        assert_eq!(lives(Engine::Transactional, &[], 0).note(), None);
    }
}
