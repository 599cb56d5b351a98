//! The verdict over a hot upgrade: what differs between two releases, what will be done about it on a running node, and whether that can
//! be done without a restart.
//!
//! Decided from the releases' files alone ([`Changes`]). What only the node knows (busy processes, code that lingers) is asked there, in
//! the preflight.

mod apps;
mod config;
mod modules;
pub mod restarts;
mod rule;
mod shape;
pub mod show;

pub use rule::{Finding, Level, Rule};

use std::borrow::Cow;

use edeliver_erl::{
    beam::{Function, Import},
    changes::Changes,
    term::Atom,
};
use serde::{Deserialize, Serialize};

use crate::{config::UpgradeSettings, step::Direction};

/// What the user allows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// Modules whose native library may be replaced, as their language writes them.
    pub allow_nif: Vec<String>,
    /// Learn the children that `start/2` lists by calling it once more.
    pub discover_children: bool,
}

impl From<&UpgradeSettings> for Policy {
    fn from(settings: &UpgradeSettings) -> Self {
        Self { allow_nif: settings.allow_nif.clone(), discover_children: settings.discover_children }
    }
}

/// The verdict over the way from one release to another, and everything it rests on. Names of modules stand as their language writes
/// them: `Hotapp.Counter`, `hotapp_server`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// Name of the release.
    pub name: String,
    /// The version that runs.
    pub from: String,
    /// The version that is to run.
    pub to: String,
    /// Whether it can be done.
    pub verdict: Verdict,
    /// Restarts first, then warnings, then notes.
    pub findings: Vec<Finding>,
    /// Applications that differ.
    pub apps: Vec<AppJudgement>,
    /// Consolidated protocols that differ: they belong to the release, not to an application.
    pub protocols: Vec<ModuleJudgement>,
    /// What differs in the configuration, one line each.
    pub config: Vec<String>,
    /// Applications whose `start/2` is called once more.
    pub discover: Vec<String>,
}

/// Whether a running node can go this way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Without a restart.
    Hot,
    /// Without a restart, if the user knows better than the files say.
    HotWithWarnings,
    /// By a restart only.
    Restart,
}

impl Verdict {
    /// As it stands in tables.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hot => "hot",
            Self::HotWithWarnings => "hot, with warnings",
            Self::Restart => "restart",
        }
    }
    fn of(findings: &[Finding]) -> Self {
        match findings.iter().map(|finding| finding.level).max() {
            Some(Level::Restart) => Self::Restart,
            Some(Level::Warning) => Self::HotWithWarnings,
            Some(Level::Note) | None => Self::Hot,
        }
    }
}

/// What happens to an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppJudgement {
    /// Its name.
    pub name: String,
    /// Its version before; `None`: it is new.
    pub before: Option<String>,
    /// Its version after; `None`: it is gone.
    pub after: Option<String>,
    /// What is done.
    pub action: AppAction,
    /// Its modules that differ.
    pub modules: Vec<ModuleJudgement>,
}

/// What is done with an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AppAction {
    /// It is loaded and started.
    Start,
    /// It is stopped and unloaded.
    Stop,
    /// Its modules are replaced while it runs.
    Upgrade,
    /// The instructions of its own appup are followed.
    FollowAppup,
}

/// What happens to a module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModuleJudgement {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: Cow<'static, str>,
    /// What is done.
    pub action: Action,
    /// What differs: `code`, `fields +count -n`, `exports +bump/1`.
    pub changes: Vec<String>,
}

/// What is done with a module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It is loaded: nobody had it.
    Add,
    /// It is loaded in place of the old one.
    Load,
    /// Its processes are suspended, it is loaded, their states are migrated by its `code_change`.
    Migrate,
    /// Its processes are suspended while it is loaded, and keep their states.
    Suspend,
    /// Its supervisors are suspended while it is loaded; then children are started, stopped and replaced as it now lists them.
    Supervise,
    /// It is loaded; then the children that `start/2` lists are started, stopped and replaced.
    Children,
    /// The consolidated form is loaded in place of the old one.
    ReloadProtocol,
    /// What its application's appup says.
    Appup,
    /// Nothing: only a version differs that nobody asks for.
    Leave,
    /// It goes, at the very end.
    Remove,
}

/// Judges the way from one release to a newer one. Pure.
pub fn judge(changes: &Changes, policy: &Policy) -> Judgement {
    judge_way(changes, Direction::Up, policy)
}

/// Judges a way in either direction. `changes` are in the order of travel: on the way down, from the newer release to the older one. It is
/// the newer one's `code_change` that migrates states in both directions, and the newer one's appups that know both.
pub fn judge_way(changes: &Changes, direction: Direction, policy: &Policy) -> Judgement {
    let mut judging = Judging { changes, direction, policy, findings: Vec::new(), discover: Vec::new() };
    judging.erts();
    let apps = changes.apps.values().map(|app| judging.app(app)).collect();
    let protocols = judging.protocols();
    judging.structs();
    judging.dangling();
    let config = judging.config();
    let mut findings = judging.findings;
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level)); // stable: within a level as they were found
    Judgement {
        name: changes.name.clone(),
        from: changes.from.as_str().to_owned(),
        to: changes.to.as_str().to_owned(),
        verdict: Verdict::of(&findings),
        findings,
        apps,
        protocols,
        config,
        discover: judging.discover,
    }
}

/// A judgement in the making.
struct Judging<'a> {
    changes: &'a Changes,
    direction: Direction,
    policy: &'a Policy,
    findings: Vec<Finding>,
    discover: Vec<String>,
}

impl Judging<'_> {
    fn tell(&mut self, rule: Rule, app: Option<&str>, module: Option<&str>, what: impl Into<String>) {
        self.findings.push(Finding::new(rule, app, module, what.into()));
    }
    fn erts(&mut self) {
        if let Some((before, after)) = &self.changes.erts {
            self.tell(Rule::Erts, None, None, format!("erts {before} becomes {after}"));
        }
    }
    /// Modules that are gone and still called.
    fn dangling(&mut self) {
        for (caller, gone) in &self.changes.dangling {
            let (caller, gone) = (shown(caller), shown(gone));
            self.tell(Rule::Dangling, None, Some(&caller), format!("{caller} still calls {gone}, which is gone"));
        }
    }
}

/// A module as its language writes it.
pub fn shown(module: &Atom) -> String {
    module.as_str().strip_prefix("Elixir.").unwrap_or(module.as_str()).to_owned()
}

/// A function of a module, likewise: `Hotapp.Setup.run/0`, `hotapp_setup:run/0`.
fn shown_call(call: &Import) -> String {
    let dot = if call.module.as_str().starts_with("Elixir.") { '.' } else { ':' };
    format!("{}{dot}{}", shown(&call.module), shown_function(&call.function))
}

fn shown_function(function: &Function) -> String {
    format!("{}/{}", function.name.as_str(), function.arity)
}

/// A short list in words; what is left out is counted.
fn list(names: impl IntoIterator<Item = String>) -> String {
    const SHOWN: usize = 5;
    let mut names: Vec<String> = names.into_iter().collect();
    let more = names.len().saturating_sub(SHOWN);
    names.truncate(SHOWN);
    if more > 0 {
        names.push(format!("and {more} more"));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests;
