//! In which order a change goes over the hosts of a target, and how much may fail on the way.

mod healthy;
mod share;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use healthy::Healthy;
pub use share::{Share, ShareError, WaveSize, WaveSizeError};

use crate::{
    config::{HostSpec, Migrate, OnFailure, Rate, RolloutSettings, TargetSettings},
    name::HostName,
    plan::{HostPlan, Verdict},
};

/// The order of a plan's hosts, and when it ends before the last of them. By default all at once, whatever becomes of each.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollout {
    /// Every host that is changed, once. A wave begins when all hosts of the one before are at their end.
    #[serde(default)]
    pub waves: Vec<Vec<HostName>>,
    /// So many hosts of a wave are changed at the same time; `None`: all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_once: Option<usize>,
    /// So many may fail.
    #[serde(default)]
    pub max_failures: u32,
    /// What is done when more do.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// No more than this leaves this machine for all hosts together, while the release is put there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<Rate>,
    /// When pending migrations are carried out, once, by one of the hosts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub migrate: Option<Migrate>,
    /// What is asked of all hosts before a further wave is begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub healthy: Option<Healthy>,
}

impl Rollout {
    /// Over the hosts that are changed, in their order.
    pub fn over(settings: &TargetSettings, hosts: &[HostPlan]) -> Self {
        let changed: Vec<&HostName> = changed(hosts).collect();
        let RolloutSettings { max_unavailable, max_failures, on_failure, .. } = settings.rollout;
        Self {
            waves: waves(&settings.rollout.waves, &settings.hosts, &changed),
            at_once: max_unavailable.map(|share| share.of(changed.len())),
            max_failures,
            on_failure,
            bandwidth: None,
            migrate: None,
            healthy: Healthy::of(settings, hosts.len()),
        }
    }
    /// All that can be done is done, in one wave: for ways back, and for what nobody would have stopped half way.
    pub fn best_effort(settings: &TargetSettings, hosts: &[HostPlan]) -> Self {
        let changed: Vec<HostName> = changed(hosts).cloned().collect();
        let at_once = settings.rollout.max_unavailable.map(|share| share.of(changed.len()));
        let waves = if changed.is_empty() { Vec::new() } else { vec![changed] };
        let on_failure = OnFailure::Continue;
        Self { waves, at_once, max_failures: 0, on_failure, bandwidth: None, migrate: None, healthy: None }
    }
    /// The same for what brings a release: how fast it travels, and when its migrations are carried out.
    #[must_use]
    pub fn bringing(self, settings: &TargetSettings) -> Self {
        Self { bandwidth: settings.rollout.bandwidth, migrate: settings.rollout.migrate.filter(|_| !self.waves.is_empty()), ..self }
    }
    /// Whether so many failures end it.
    pub fn ends_after(&self, failures: usize) -> bool {
        self.on_failure != OnFailure::Continue && failures > self.max_failures as usize
    }
    /// Whether everything is put on all hosts before the first of them is changed: then what fails there has changed nothing anywhere.
    pub fn prepares_first(&self) -> bool {
        let several = self.on_failure != OnFailure::Continue && self.waves.iter().map(Vec::len).sum::<usize>() > 1;
        several || self.migrate == Some(Migrate::Before)
    }
    /// In words, where it is more than all at once.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.waves.len() > 1 {
            lines.extend(self.waves.iter().enumerate().map(|(at, hosts)| format!("wave {}: {}", at + 1, some(hosts))));
        }
        lines.extend(self.at_once.map(|hosts| format!("at most {hosts} at the same time")));
        lines.extend(self.bandwidth.map(|rate| format!("at most {rate} to all of them together")));
        lines.extend(self.migrate.map(|when| format!("pending migrations are carried out once, {}", when.describe())));
        lines.extend(self.healthy.as_ref().filter(|_| self.waves.len() > 1).map(Healthy::describe));
        let after = match self.max_failures {
            0 => "when a host fails".to_owned(),
            1 => "when more than one host fails".to_owned(),
            several => format!("when more than {several} hosts fail"),
        };
        match self.on_failure {
            OnFailure::Rollback => lines.push(format!("{after}, all that were changed go back")),
            OnFailure::Stop if self.waves.len() > 1 => lines.push(format!("{after}, no other is begun")),
            OnFailure::Stop | OnFailure::Continue => {}
        }
        lines
    }
}

/// The first few names, and how many more.
pub fn some(hosts: &[HostName]) -> String {
    const SHOWN: usize = 6;
    let names: Vec<&str> = hosts.iter().take(SHOWN).map(HostName::as_str).collect();
    match hosts.len().saturating_sub(SHOWN) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}

fn changed(hosts: &[HostPlan]) -> impl Iterator<Item = &HostName> {
    hosts.iter().filter(|host| host.verdict == Verdict::Change).map(|host| &host.host)
}

/// Every host in one wave; none is empty. Percents count from all hosts that are changed.
fn waves(sizes: &[WaveSize], specs: &[HostSpec], hosts: &[&HostName]) -> Vec<Vec<HostName>> {
    let mut left: Vec<&HostName> = hosts.to_vec();
    let mut waves = Vec::new();
    let again = sizes.last().filter(|size| matches!(size, WaveSize::Share(_))).into_iter().cycle();
    for size in sizes.iter().chain(again) {
        let wave: Vec<&HostName> = match size {
            WaveSize::Share(share) => left.drain(..share.of(hosts.len()).min(left.len())).collect(),
            WaveSize::Rest => std::mem::take(&mut left),
            WaveSize::Of(selector) => {
                let means = |name: &&HostName| specs.iter().any(|spec| spec.name == **name && selector.means(spec));
                let (wave, others) = left.into_iter().partition(means);
                left = others;
                wave
            }
        };
        waves.extend((!wave.is_empty()).then_some(wave));
        if left.is_empty() {
            break;
        }
    }
    waves.extend((!left.is_empty()).then_some(left));
    waves.into_iter().map(|wave| wave.into_iter().cloned().collect()).collect()
}
