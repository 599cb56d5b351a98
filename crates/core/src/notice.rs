//! What programs of the project and webhooks are told about a run: before and after what it does, and when it has failed.

mod host;
mod text;

pub use host::HostNotice;
pub(crate) use text::word as word_of_host;

use serde::{Deserialize, Serialize};

use crate::{
    event::{HostOutcome, Outcome},
    name::{AppName, HostName, RunId, TargetName, Version},
    plan::{Plan, Verdict},
};

/// Schema version of the JSON form (`"v"`).
pub const SCHEMA: u32 = 1;

/// What a run does, as far as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Builds a release.
    Build,
    /// Puts a release on hosts.
    Deploy,
    /// Upgrades running nodes.
    Upgrade,
    /// Goes back to another release.
    Rollback,
}

/// When something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// A build begins.
    BeforeBuild,
    /// The release is in the store.
    AfterBuild,
    /// A deploy begins.
    BeforeDeploy,
    /// Every host has the release.
    AfterDeploy,
    /// An upgrade begins.
    BeforeUpgrade,
    /// Every node is upgraded.
    AfterUpgrade,
    /// A rollback begins.
    BeforeRollback,
    /// Every host is back.
    AfterRollback,
    /// Some of the hosts come next.
    BeforeWave,
    /// They are done.
    AfterWave,
    /// A run that had begun to change something did not come to a good end.
    OnFailure,
}

impl Moment {
    /// All of them, in the order of a run.
    pub const ALL: [Self; 11] = [
        Self::BeforeBuild,
        Self::AfterBuild,
        Self::BeforeDeploy,
        Self::AfterDeploy,
        Self::BeforeUpgrade,
        Self::AfterUpgrade,
        Self::BeforeRollback,
        Self::AfterRollback,
        Self::BeforeWave,
        Self::AfterWave,
        Self::OnFailure,
    ];
    /// Before anything of it is done.
    pub fn before(action: Action) -> Self {
        match action {
            Action::Build => Self::BeforeBuild,
            Action::Deploy => Self::BeforeDeploy,
            Action::Upgrade => Self::BeforeUpgrade,
            Action::Rollback => Self::BeforeRollback,
        }
    }
    /// When all of it is done.
    pub fn after(action: Action) -> Self {
        match action {
            Action::Build => Self::AfterBuild,
            Action::Deploy => Self::AfterDeploy,
            Action::Upgrade => Self::AfterUpgrade,
            Action::Rollback => Self::AfterRollback,
        }
    }
    /// Its key in the configuration.
    pub fn key(self) -> &'static str {
        match self {
            Self::BeforeBuild => "before_build",
            Self::AfterBuild => "after_build",
            Self::BeforeDeploy => "before_deploy",
            Self::AfterDeploy => "after_deploy",
            Self::BeforeUpgrade => "before_upgrade",
            Self::AfterUpgrade => "after_upgrade",
            Self::BeforeRollback => "before_rollback",
            Self::AfterRollback => "after_rollback",
            Self::BeforeWave => "before_wave",
            Self::AfterWave => "after_wave",
            Self::OnFailure => "on_failure",
        }
    }
    /// Its word in messages.
    pub fn word(self) -> String {
        self.key().replace('_', "-")
    }
}

/// What a run is about to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    /// What.
    pub action: Action,
    /// In words: `deploy shop 0.2.0 to production`.
    pub title: String,
    /// Whose hosts; `None` for builds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<TargetName>,
    /// The release, where it is known.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub version: Option<Version>,
    /// Hosts that are going to be changed, in the order of the plan.
    pub hosts: Vec<HostName>,
}

impl Stage {
    /// What a plan does.
    pub fn of(action: Action, plan: &Plan) -> Self {
        let changed = plan.hosts.iter().filter(|host| host.verdict == Verdict::Change);
        Self {
            action,
            title: plan.title.clone(),
            target: plan.target.clone(),
            version: plan.release.as_ref().map(|release| release.version.clone()),
            hosts: changed.map(|host| host.host.clone()).collect(),
        }
    }
}

/// Some of a plan's hosts, which are done together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wave {
    /// Which one, from 1.
    pub number: usize,
    /// How many there are.
    pub of: usize,
    /// Its hosts, in the order of the plan.
    pub hosts: Vec<HostName>,
    /// How it went so far, on hosts of this wave and of those before it.
    pub done: Vec<HostOutcome>,
}

/// How a run ended, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunResult {
    /// Everything went well.
    Done,
    /// It did not.
    Failed,
    /// The user interrupted it.
    Interrupted,
}

impl RunResult {
    /// Of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome { interrupted: true, .. } => Self::Interrupted,
            Outcome { exit_code: 0, .. } => Self::Done,
            Outcome { .. } => Self::Failed,
        }
    }
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// In a word.
    pub result: RunResult,
    /// Host by host, and the exit code.
    #[serde(flatten)]
    pub outcome: Outcome,
    /// What stopped it, outermost first, where that was not on a host.
    pub causes: Vec<String>,
}

/// What is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// [`SCHEMA`].
    pub v: u32,
    /// When: a [`Moment`]'s word, or `start`, `success`, `failure`.
    pub moment: String,
    /// The run.
    pub run: RunId,
    /// The application.
    pub app: AppName,
    /// Who runs edeliver: `account@machine`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub by: Option<String>,
    /// Seconds since the run began to do something.
    pub seconds: u64,
    /// What is done.
    #[serde(flatten)]
    pub stage: Stage,
    /// The wave, of moments about one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub wave: Option<Wave>,
    /// How it ended.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub ended: Option<Ended>,
}

impl Notice {
    /// The JSON form, in one line.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("it has nothing that JSON lacks")
    }
    /// The same for programs that read no JSON. None of these is a setting of edeliver.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let hosts = self.wave.as_ref().map_or(&self.stage.hosts, |wave| &wave.hosts);
        let hosts: Vec<&str> = hosts.iter().map(HostName::as_str).collect();
        let text = |value: Option<&str>| value.unwrap_or_default().to_owned();
        let mut variables = vec![
            (MOMENT, self.moment.clone()),
            ("EDELIVER_RUN_ID", self.run.to_string()),
            ("EDELIVER_RUN_TITLE", self.stage.title.clone()),
            ("EDELIVER_RUN_APP", self.app.to_string()),
            ("EDELIVER_RUN_TARGET", text(self.stage.target.as_ref().map(TargetName::as_str))),
            ("EDELIVER_RUN_VERSION", text(self.stage.version.as_ref().map(Version::as_str))),
            ("EDELIVER_RUN_HOSTS", hosts.join(" ")),
        ];
        if let Some(wave) = &self.wave {
            variables.push(("EDELIVER_RUN_WAVE", format!("{}/{}", wave.number, wave.of)));
        }
        if let Some(ended) = &self.ended {
            variables.push(("EDELIVER_RUN_RESULT", ended.result.word().to_owned()));
            variables.push(("EDELIVER_RUN_EXIT_CODE", ended.outcome.exit_code.to_string()));
        }
        variables
    }
}

/// The variable by which a program knows what it is called for.
pub const MOMENT: &str = "EDELIVER_RUN_MOMENT";

#[cfg(test)]
mod tests;
