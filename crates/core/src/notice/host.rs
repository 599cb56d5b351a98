//! What a program is told that takes one host out of the traffic, or brings it back.

use serde::{Deserialize, Serialize};

use super::{MOMENT, SCHEMA};
use crate::{
    name::{AppName, HostName, RunId, TargetName, Version},
    plan::Plan,
};

/// What is told. The same keys as in a [`super::Notice`], with the one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostNotice {
    /// [`SCHEMA`].
    pub v: u32,
    /// `drain` or `resume`.
    pub moment: String,
    /// The run.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub run: Option<RunId>,
    /// The application.
    pub app: AppName,
    /// Who runs edeliver: `account@machine`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// What the run does, in words.
    pub title: String,
    /// Whose host it is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<TargetName>,
    /// The release that is brought, where one is.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Version>,
    /// The host, as the configuration calls it.
    pub host: HostName,
}

impl HostNotice {
    /// About one host of a plan.
    pub fn of(plan: &Plan, run: Option<RunId>, app: AppName, by: Option<String>, host: HostName) -> Self {
        Self {
            v: SCHEMA,
            moment: String::new(),
            run,
            app,
            by,
            title: plan.title.clone(),
            target: plan.target.clone(),
            version: plan.release.as_ref().map(|release| release.version.clone()),
            host,
        }
    }
    /// The JSON form, in one line.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("it has nothing that JSON lacks")
    }
    /// The same for programs that read no JSON.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        vec![
            (MOMENT, self.moment.clone()),
            ("EDELIVER_RUN_ID", text(self.run.as_ref().map(RunId::as_str))),
            ("EDELIVER_RUN_TITLE", self.title.clone()),
            ("EDELIVER_RUN_APP", self.app.to_string()),
            ("EDELIVER_RUN_TARGET", text(self.target.as_ref().map(TargetName::as_str))),
            ("EDELIVER_RUN_VERSION", text(self.version.as_ref().map(Version::as_str))),
            ("EDELIVER_RUN_HOSTS", self.host.to_string()),
            ("EDELIVER_RUN_HOST", self.host.to_string()),
        ]
    }
}
