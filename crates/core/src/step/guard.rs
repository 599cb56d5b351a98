//! What a host does by itself when edeliver is lost while its node is restarted.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{config::duration, name::Version, release::ManifestId};

/// From the end of the old node on the host waits to be told that the new one is well ([`super::Step::Confirm`]). If it hears nothing from
/// edeliver for so long, it goes the plan's way back alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guard {
    /// How long.
    pub within: Duration,
    /// The release that is started.
    pub new: Version,
    /// The release that serves again then; the same one: it is started, if nothing runs.
    pub back: Version,
    /// The manifest of a release that was rolled out and is then noted as taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remember: Option<ManifestId>,
}

impl Guard {
    /// Whether there is another release to go back to.
    pub fn goes_back(&self) -> bool {
        self.new != self.back
    }
    /// What the host does, in words.
    pub fn deed(&self) -> String {
        match self.goes_back() {
            true => format!("the host goes back to {} by itself", self.back),
            false => format!("the host starts {} by itself", self.back),
        }
    }
    pub(super) fn describe(&self) -> String {
        format!("; unless that is confirmed within {}, {}", duration::show(self.within), self.deed())
    }
}
