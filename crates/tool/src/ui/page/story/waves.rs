//! Which hosts were changed at the same time.

use std::collections::HashSet;

use edeliver_core::name::HostName;

use super::Story;

/// A wave that was begun.
#[derive(Debug)]
pub(super) struct Begun {
    pub(super) number: usize,
    pub(super) of: usize,
    pub(super) hosts: Vec<HostName>,
    pub(super) from_ms: u64,
    /// When it ended, and how many of its hosts had failed.
    pub(super) end: Option<(u64, usize)>,
}

/// Hosts that stand together.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::ui::page) struct Wave<'a> {
    pub(in crate::ui::page) title: String,
    pub(in crate::ui::page) hosts: Vec<&'a HostName>,
    /// From its begin to its end, or as far as it came; `None`: it was not begun.
    pub(in crate::ui::page) time: Option<(u64, u64)>,
    pub(in crate::ui::page) failed: usize,
}

/// The waves that were begun, those that were planned and not begun, and the other hosts. Each host stands where it comes first.
pub(super) fn of(story: &Story) -> Vec<Wave<'_>> {
    let begun = story.begun_waves.iter().map(|wave| begun(story, wave));
    let mut waves: Vec<Wave<'_>> = begun.chain(planned(story)).chain([rest(story)]).collect();
    let mut known: HashSet<&HostName> = HashSet::new();
    for wave in &mut waves {
        wave.hosts.retain(|host| known.insert(*host));
    }
    waves.retain(|wave| !wave.hosts.is_empty());
    waves
}

fn begun<'a>(story: &Story, wave: &'a Begun) -> Wave<'a> {
    let (to_ms, failed) = wave.end.unwrap_or((story.length_ms, 0));
    let title = format!("Wave {} of {}", wave.number, wave.of);
    Wave { title, hosts: wave.hosts.iter().collect(), time: Some((wave.from_ms, to_ms.max(wave.from_ms))), failed }
}

fn planned(story: &Story) -> impl Iterator<Item = Wave<'_>> {
    let rollouts = story.plans.iter().map(|plan| &plan.rollout.waves).filter(|waves| waves.len() > 1);
    rollouts.flat_map(|waves| {
        let title = |at| format!("Wave {} of {}: not begun", at + 1, waves.len());
        waves.iter().enumerate().map(move |(at, hosts)| Wave {
            title: title(at),
            hosts: hosts.iter().collect(),
            time: None,
            failed: 0,
        })
    })
}

fn rest(story: &Story) -> Wave<'_> {
    Wave { title: "In no wave".to_owned(), hosts: story.hosts.keys().collect(), time: None, failed: 0 }
}
