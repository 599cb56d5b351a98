//! How a change goes over the hosts.

use std::time::Duration;

use edeliver_core::{
    config::{OnFailure, Rate, TargetSettings},
    strategy::{Share, WaveSize},
};

/// What stands in `[rollout]` otherwise.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RolloutArgs {
    /// The hosts of the first wave, the second …; the last one again and again: 1,10%,rest or @canary,25%
    #[arg(long, value_name = "SIZE,…", value_delimiter = ',')]
    pub waves: Vec<WaveSize>,
    /// Always so many hosts, one wave after the other; the same as --waves=SIZE
    #[arg(long, value_name = "SIZE", conflicts_with = "waves")]
    pub batch: Option<Share>,
    /// Within a wave, change so many hosts at the same time
    #[arg(long, value_name = "SIZE")]
    pub max_unavailable: Option<Share>,
    /// Before a further wave, so many hosts must run and be well
    #[arg(long, value_name = "SIZE")]
    pub min_healthy: Option<Share>,
    /// So many hosts may fail
    #[arg(long, value_name = "N", value_parser = super::number::<u32>)]
    pub max_failures: Option<u32>,
    /// What is done when more do: begin no other host, bring all that were changed back, or go on
    #[arg(long, value_name = "WHAT", value_parser = super::choice::<OnFailure>())]
    pub on_failure: Option<OnFailure>,
    /// Send no more than this to all hosts together
    #[arg(long, value_name = "RATE")]
    pub bandwidth: Option<Rate>,
    /// Watch every node so long, after an upgrade or a restart
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    pub soak: Option<Duration>,
    /// A host that hears nothing from edeliver for so long takes an upgrade or a restart back by itself
    #[arg(long, value_name = "TIME", value_parser = super::time)]
    pub confirm_within: Option<Duration>,
}

impl RolloutArgs {
    /// The target, as these words have it.
    pub(crate) fn over(&self, target: &mut TargetSettings) {
        let Self { waves, batch, max_unavailable, min_healthy, max_failures, on_failure, bandwidth, soak, confirm_within } = self;
        let rollout = &mut target.rollout;
        match (waves.is_empty(), batch) {
            (false, _) => rollout.waves.clone_from(waves),
            (true, Some(share)) => rollout.waves = vec![WaveSize::Share(*share)],
            (true, None) => {}
        }
        rollout.max_unavailable = max_unavailable.or(rollout.max_unavailable);
        rollout.min_healthy = min_healthy.or(rollout.min_healthy);
        rollout.max_failures = max_failures.unwrap_or(rollout.max_failures);
        rollout.on_failure = on_failure.unwrap_or(rollout.on_failure);
        target.upgrade.limits.confirm = confirm_within.unwrap_or(target.upgrade.limits.confirm);
        rollout.bandwidth = bandwidth.or(rollout.bandwidth);
        if let Some(soak) = soak {
            (rollout.soak, target.upgrade.soak) = (*soak, *soak);
        }
    }
    /// The first of these words that was given.
    pub(crate) fn given(&self) -> Option<&'static str> {
        let words = [
            (!self.waves.is_empty(), "--waves"),
            (self.batch.is_some(), "--batch"),
            (self.max_unavailable.is_some(), "--max-unavailable"),
            (self.min_healthy.is_some(), "--min-healthy"),
            (self.max_failures.is_some(), "--max-failures"),
            (self.on_failure.is_some(), "--on-failure"),
            (self.bandwidth.is_some(), "--bandwidth"),
            (self.soak.is_some(), "--soak"),
            (self.confirm_within.is_some(), "--confirm-within"),
        ];
        words.into_iter().find(|(given, _)| *given).map(|(_, word)| word)
    }
}
