//! Finishing what a run has begun: its command once more, for the hosts that are left.
//!
//! A repeated command finds done what was done, because facts are read again. Only what must not happen twice is taken care of here: a
//! rollback for one that is done would go a step too far, and a commit that was built may have changed its name's meaning meanwhile.

use std::collections::BTreeSet;

use crate::{
    event::{Event, EventKind, HostResult},
    name::{HostName, TargetName, Version},
    plan::Plan,
    step::Step,
};

/// What a run's journal says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Past {
    /// The command line, without secrets; the program first.
    pub command: Vec<String>,
    /// The target that it was given.
    pub target: Option<TargetName>,
    /// The hosts of its plan, and how each ended, where it did.
    pub hosts: Vec<(HostName, Option<HostResult>)>,
    /// The release that its plan was about.
    pub release: Option<Version>,
    /// The releases that its plan made the ones that boot.
    pub boots: BTreeSet<Version>,
    /// Whether its plan had migrations.
    pub migrates: bool,
}

/// Which hosts are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// All that are not done.
    Left,
    /// Those that failed, were skipped, or of which nobody knows.
    Failed,
}

/// Why a run's command is not run again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The journal has no command, or another edeliver's.
    #[error("its record has no command that this edeliver understands")]
    NoCommand,
    /// A secret stood in it.
    #[error("a secret stood on its command line, and secrets are not recorded: `{line}`")]
    Secret {
        /// As it was recorded.
        line: String,
    },
    /// Doing it twice is another thing than doing it.
    #[error("`{verb}` is not repeated by itself, because nobody knows how far it came")]
    NotRepeated {
        /// The command's words.
        verb: String,
    },
    /// No host is left.
    #[error("no host failed, was skipped or is unknown in it")]
    NoHosts,
    /// Each host was to go somewhere else.
    #[error("its hosts were to go back to different releases: {}", versions.join(", "))]
    Several {
        /// Those.
        versions: Vec<String>,
    },
}

/// Verbs that may be repeated, and whether they are about hosts of a target.
const VERBS: [(&str, bool); 13] = [
    ("deploy", true),
    ("upgrade", true),
    ("update", true),
    ("rollback", true),
    ("start", true),
    ("stop", true),
    ("restart", true),
    ("setup", true),
    ("migrate", false),
    ("build", false),
    ("rehearse", false),
    ("upload", false),
    ("download", false),
];

/// Whether a command is about hosts of a target, and so changes them under a lease.
pub fn is_of_hosts(verb: &str) -> bool {
    VERBS.contains(&(verb, true))
}

impl Past {
    /// Takes note of an event of the run.
    pub fn take(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { command, target, .. } => {
                (self.command, self.target) = (command.clone(), target.clone());
            }
            // Later ones are the way back, or what follows.
            EventKind::Planned { plan, .. } if self.hosts.is_empty() && plan.target.is_some() && plan.target == self.target => {
                self.take_plan(plan);
            }
            EventKind::HostFinished { result, .. } => self.ended(event.host.as_ref(), *result),
            EventKind::RunFinished { outcome } => outcome.hosts.iter().for_each(|row| self.ended(Some(&row.host), row.result)),
            _ => {}
        }
    }
    fn take_plan(&mut self, plan: &Plan) {
        self.hosts = plan.hosts.iter().map(|host| (host.host.clone(), None)).collect();
        self.release = plan.release.as_ref().map(|release| release.version.clone());
        self.migrates = plan.rollout.migrate.is_some();
        let steps = plan.hosts.iter().flat_map(|host| &host.steps);
        self.boots.extend(steps.filter_map(|step| match step {
            Step::Activate(activate) => Some(activate.version.clone()),
            _ => None,
        }));
    }
    fn ended(&mut self, host: Option<&HostName>, result: HostResult) {
        self.hosts.iter_mut().filter(|(name, _)| Some(name) == host).for_each(|(_, ended)| *ended = Some(result));
    }
    /// The hosts that are meant.
    pub fn left(&self, which: Which) -> Vec<&HostName> {
        let is_meant = |result: &Option<HostResult>| match which {
            Which::Left => *result != Some(HostResult::Done),
            Which::Failed => !matches!(result, Some(HostResult::Done | HostResult::TakenBack)),
        };
        self.hosts.iter().filter(|(_, result)| is_meant(result)).map(|(host, _)| host).collect()
    }
    /// The words that finish the run, without the program. `verb`: the words of its command.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn again(&self, verb: &[String], which: Which) -> Result<Vec<String>, Refused> {
        if self.command.iter().any(|word| word.contains("***")) {
            return Err(Refused::Secret { line: self.command.join(" ") });
        }
        let (Some(first), Some((_, words))) = (verb.first(), self.command.split_first()) else { return Err(Refused::NoCommand) };
        let Some((_, of_hosts)) = VERBS.iter().find(|(known, _)| known == first) else {
            return Err(Refused::NotRepeated { verb: verb.join(" ") });
        };
        if let Some(words) = self.migrations_left(which) {
            return Ok(words);
        }
        let mut words = without(words, &["--yes", "-y", "--json"], &["--project"]);
        if *of_hosts {
            words = self.for_hosts(words, which)?;
            words = self.to_version(words, first)?;
        } else if which == Which::Failed {
            return Err(Refused::NoHosts);
        }
        Ok(words)
    }
    /// What carries the migrations out, if nothing else can be left: they follow a change, and every host is changed.
    fn migrations_left(&self, which: Which) -> Option<Vec<String>> {
        let target = self.target.as_ref().filter(|_| self.migrates && which == Which::Left && !self.hosts.is_empty())?;
        self.left(which).is_empty().then(|| vec!["migrate".to_owned(), target.to_string()])
    }
    fn for_hosts(&self, words: Vec<String>, which: Which) -> Result<Vec<String>, Refused> {
        let left = self.left(which);
        if left.is_empty() && which == Which::Failed {
            return Err(Refused::NoHosts);
        }
        // With none left, what comes after the hosts may be; before there was a plan, nothing was begun.
        if left.is_empty() || left.len() == self.hosts.len() {
            return Ok(words);
        }
        let named: Vec<String> = left.iter().map(|host| spelled(&words, host)).collect();
        Ok(with(without(&words, &[], &["--host", "--on"]), format!("--host={}", named.join(","))))
    }
    /// The very release that the run was about, which is not built or chosen once more.
    fn to_version(&self, words: Vec<String>, verb: &str) -> Result<Vec<String>, Refused> {
        let version = match verb {
            "deploy" | "upgrade" | "update" => self.release.as_ref(),
            "rollback" if self.boots.len() > 1 && values(&words, "--version").is_empty() => {
                return Err(Refused::Several { versions: self.boots.iter().map(ToString::to_string).collect() });
            }
            "rollback" => self.boots.first(),
            _ => None,
        };
        let Some(version) = version.filter(|_| values(&words, "--version").is_empty()) else { return Ok(words) };
        let words = without(&words, &[], &["--revision", "--to", "--tag", "--branch"]);
        Ok(with(words, format!("--version={version}")))
    }
}

/// The words, with this one before a `--`.
fn with(mut words: Vec<String>, word: String) -> Vec<String> {
    let at = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words.insert(at, word);
    words
}

/// As the user has named the host, which may be with a login.
fn spelled(words: &[String], host: &HostName) -> String {
    let is_it = |named: &&str| named.rsplit('@').next() == Some(host.as_str());
    values(words, "--host").iter().flat_map(|value| value.split(',')).find(is_it).unwrap_or(host.as_str()).to_owned()
}

/// The values of an option.
fn values<'a>(words: &'a [String], option: &str) -> Vec<&'a str> {
    let joined = |word: &'a str| word.strip_prefix(option)?.strip_prefix('=');
    let mut found: Vec<&str> = words.iter().filter_map(|word| joined(word)).collect();
    found.extend(words.windows(2).filter(|pair| pair[0] == option).map(|pair| pair[1].as_str()));
    found
}

/// Without these flags, and without these options and their values.
fn without(words: &[String], flags: &[&str], options: &[&str]) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        let name = word.split_once('=').map_or(word.as_str(), |(name, _)| name);
        if options.contains(&word.as_str()) {
            words.next();
        } else if !flags.contains(&word.as_str()) && !options.contains(&name) {
            kept.push(word.clone());
        }
    }
    kept
}

#[cfg(test)]
mod tests;
