//! What a run of edeliver told in JSON.

use serde_json::Value;

/// The events of a run.
pub(super) struct Events(Vec<Value>);

impl Events {
    pub(super) fn read(json: &str) -> Self {
        Self(json.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
    }
    fn find(&self, event: &str, what: &str) -> Option<&Value> {
        let is = |value: &&Value| value["event"] == event && value["what"].as_str().is_some_and(|text| text.starts_with(what));
        self.0.iter().find(is)
    }
    /// Time and note of a step that is done.
    pub(super) fn step(&self, what: &str) -> Option<(u64, Option<&str>)> {
        let value = self.find("step-finished", what)?;
        Some((value["took_ms"].as_u64()?, value["note"].as_str()))
    }
    /// Time from the begin of a step to the last step's end.
    pub(super) fn from(&self, what: &str) -> Option<u64> {
        let begin = self.find("step-started", what)?["elapsed_ms"].as_u64()?;
        let end = self.0.iter().rfind(|value| value["event"] == "step-finished")?["elapsed_ms"].as_u64()?;
        Some(end - begin)
    }
    /// Time of a step until it failed.
    pub(super) fn failed(&self, what: &str) -> Option<u64> {
        let begin = self.find("step-started", what)?["elapsed_ms"].as_u64()?;
        Some(self.find("step-failed", what)?["elapsed_ms"].as_u64()? - begin)
    }
}
