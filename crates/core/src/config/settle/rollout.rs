//! Reading `[rollout]`, of all targets and of one.

use std::time::Duration;

use super::{Settling, limits::limits, targets::FUNCTION};
use crate::{
    config::{
        Rate,
        raw::{Kind, Value},
        scope::Scope,
        settings::RolloutSettings,
        typed::{FromValue, Wrong, list},
    },
    strategy::{Share, WaveSize},
};

impl Settling<'_> {
    pub(super) fn rollout(&self, mut scope: Scope<'_>) -> Option<RolloutSettings> {
        let waves = scope.get_by("waves", at_least_one);
        let max_unavailable = scope.get("max_unavailable");
        let max_failures = scope.get("max_failures");
        let on_failure = scope.get("on_failure");
        let soak: Option<Duration> = scope.get("soak");
        let health = scope.get("health");
        let bandwidth = scope.get("bandwidth");
        let migrate = scope.get("migrate");
        let traffic = self.traffic(&mut scope);
        let peers = scope.get("peers");
        let settled = scope.get_by("settled", |value| FUNCTION.text(value));
        let settle_within = scope.get("settle_within");
        let min_healthy = scope.get("min_healthy");
        let limits = limits(scope.table("limits"));
        scope.finish();
        Some(RolloutSettings {
            waves: waves?,
            max_unavailable,
            max_failures: max_failures?,
            on_failure: on_failure?,
            soak: soak.unwrap_or_default(),
            health: health?,
            bandwidth,
            migrate,
            traffic: traffic?,
            limits: limits?,
            peers: peers?,
            settled,
            settle_within: settle_within?,
            min_healthy,
        })
    }
}

fn at_least_one(value: &Value) -> Result<Vec<WaveSize>, Wrong> {
    let waves = list(value, WaveSize::from_value)?;
    match waves.is_empty() {
        true => Err(Wrong::Kind("a list of waves", "write it like [1, \"10%\", \"rest\"]")),
        false => Ok(waves),
    }
}

/// A number may be written without quotes.
fn words(value: &Value) -> Option<String> {
    match &value.kind {
        Kind::Int(number) => Some(number.to_string()),
        Kind::Text(text) | Kind::Word(text) => Some(text.clone()),
        _ => None,
    }
}

impl FromValue for WaveSize {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let how = "write it like 1, \"10%\", \"@canary\", \"eu-*\" or \"rest\"";
        words(value).and_then(|text| text.parse().ok()).ok_or(Wrong::Kind("who belongs to a wave", how))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl FromValue for Rate {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let how = "write it like \"20MB/s\" or \"100Mbit/s\": from 1KB/s to 4GB/s";
        words(value).and_then(|text| text.parse().ok()).ok_or(Wrong::Kind("bytes in a second", how))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}

impl FromValue for Share {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        let how = "write it like 2 or \"25%\"";
        words(value).and_then(|text| text.parse().ok()).ok_or(Wrong::Kind("a number of hosts or a part of them", how))
    }
    fn show(&self) -> String {
        self.to_string()
    }
}
