//! Options that several commands share. A command takes a group by `#[command(flatten)]`.

mod rollout;

use std::{path::PathBuf, str::FromStr, time::Duration};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use edeliver_core::config::{Choice, Migrate, TargetSettings, duration, settle};
use edeliver_core::name::{HostName, NameError, TargetName, UserName};
use edeliver_core::select::Selector;

pub use rollout::RolloutArgs;

use crate::{modification::Modification, relup::Edited};

/// Options of every command.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Global {
    /// Show the output of build tools, hooks and remote commands
    #[arg(short = 'V', long, global = true)]
    pub verbose: bool,
    /// Like --verbose, and show what edeliver runs on which host
    #[arg(short = 'D', long, global = true)]
    pub debug: bool,
    /// Show only what happens to each host (this is the default)
    #[arg(short = 'C', long, alias = "quiet", global = true, overrides_with_all = ["verbose", "debug"])]
    pub compact: bool,
    /// No colours, and no line that changes after it was printed
    #[arg(short = 'P', long, global = true)]
    pub plain: bool,
    /// Print each event as one line of JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,
    /// Answer every question with yes
    #[arg(short = 'y', long, global = true)]
    pub yes: bool,
    /// Folder of the project, instead of the current one
    #[arg(long, value_name = "DIR", global = true, value_hint = clap::ValueHint::DirPath)]
    pub project: Option<PathBuf>,
    /// Given by `mix edeliver`.
    #[arg(long, global = true, hide = true)]
    pub runs_as_mix_task: bool,
    /// What edeliver 1.x took with every command and has no meaning here.
    #[command(flatten)]
    pub without_meaning: WithoutMeaning,
}

/// Options of edeliver 1.x that scripts may give and that change nothing; what for is said once.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WithoutMeaning {
    /// Push docker images.
    #[arg(long, global = true, hide = true)]
    push: bool,
    /// Fetch dependencies of one environment only.
    #[arg(long, global = true, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "")]
    only: Option<String>,
}

impl WithoutMeaning {
    /// Why each of those that were given changes nothing.
    pub(crate) fn reasons(&self) -> Vec<&'static str> {
        let push = self.push.then_some("--push changes nothing: releases are no docker images here");
        let only = self.only.as_ref().map(|_| "--only changes nothing: just the dependencies of MIX_ENV are ever fetched");
        push.into_iter().chain(only).collect()
    }
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Verbosity {
    /// What happens to each host.
    #[default]
    Compact,
    /// And what the commands there print.
    Verbose,
    /// And what edeliver runs.
    Debug,
}

impl Global {
    /// How much is told.
    pub fn verbosity(&self) -> Verbosity {
        match (self.debug, self.verbose) {
            (true, _) => Verbosity::Debug,
            (false, true) => Verbosity::Verbose,
            (false, false) => Verbosity::Compact,
        }
    }
}

/// Which hosts.
#[derive(Debug, Clone, clap::Args)]
pub struct TargetArgs {
    /// The target, as it is called in the configuration
    #[arg(value_name = "TARGET", default_value = "staging")]
    pub target: TargetName,
    /// Only these hosts of the target; may be repeated, or separated by commas
    #[arg(long = "host", value_name = "[USER@]HOST", value_delimiter = ',')]
    pub hosts: Vec<HostArg>,
    /// Only hosts with this tag, or whose names fit this pattern; may be repeated, or separated by commas
    #[arg(long = "on", value_name = "@TAG|PATTERN", value_delimiter = ',', conflicts_with = "hosts")]
    pub on: Vec<Selector>,
}

impl TargetArgs {
    /// All hosts of a target.
    pub fn all_of(target: TargetName) -> Self {
        Self { target, hosts: Vec::new(), on: Vec::new() }
    }
}

/// A host picked on the command line, perhaps with another login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostArg {
    /// Login instead of the configured one.
    pub user: Option<UserName>,
    /// The host's name in the configuration.
    pub name: HostName,
}

impl FromStr for HostArg {
    type Err = NameError;
    fn from_str(value: &str) -> Result<Self, NameError> {
        match value.rsplit_once('@') {
            Some((user, name)) => Ok(Self { user: Some(user.parse()?), name: name.parse()? }),
            None => Ok(Self { user: None, name: value.parse()? }),
        }
    }
}

/// A length of time on the command line: `30s`, `5m`, `1h30m`.
pub(crate) fn time(text: &str) -> Result<Duration, &'static str> {
    duration::parse(text).ok_or("write it like 30s, 5m or 1h30m")
}

/// Reads how many.
pub(crate) fn number<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse().map_err(|_| "it is a number like 5")
}

/// How a plan is treated.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct PlanArgs {
    /// Show what would be done and stop; hosts are asked, nothing is changed
    #[arg(long)]
    pub plan: bool,
    /// With --plan: exit with 10 if there is something to do
    #[arg(long, requires = "plan")]
    pub exit_code: bool,
    /// Go on without the hosts that can't be reached or where it can't be done
    #[arg(long)]
    pub skip_blocked: bool,
    /// Wait while somebody else changes the target, at most this long; without a time for as long as it takes
    #[arg(long, value_name = "TIME", num_args = 0..=1, require_equals = true, default_missing_value = LockWait::FOREVER)]
    pub lock_wait: Option<LockWait>,
}

/// How long somebody else is waited for; `None`: for as long as it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LockWait(pub Option<Duration>);

impl LockWait {
    /// As it is written.
    pub const FOREVER: &str = "forever";
}

impl FromStr for LockWait {
    type Err = &'static str;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::FOREVER { Ok(Self(None)) } else { time(text).map(|time| Self(Some(time))) }
    }
}

/// What becomes of new relups.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RelupArgs {
    /// Have this module of the release change the relup; default: `build.relup_mod`, or the one that uses `Edeliver.Relup.Modification`
    #[arg(long, value_name = "MODULE", value_parser = settle::module)]
    pub relup_mod: Option<String>,
    /// Leave the relup as it was generated
    #[arg(long, alias = "skip-relup-modification", conflicts_with = "relup_mod")]
    pub skip_relup_mod: bool,
}

impl RelupArgs {
    /// Which module changes them, where that is said.
    pub(crate) fn modification(&self) -> Option<Modification> {
        match (&self.relup_mod, self.skip_relup_mod) {
            (Some(module), _) => Some(Modification::Named(module.clone())),
            (None, true) => Some(Modification::Skipped),
            (None, false) => None,
        }
    }
    /// What becomes of a relup that the store has already. What is said about modules would have no effect if it stayed.
    pub(crate) fn edited(&self) -> Edited {
        if self.modification().is_some() { Edited::Renewed } else { Edited::Stays }
    }
}

/// What follows when everything else went well.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct ThenArgs {
    /// Carry out pending migrations, as `edeliver migrate TARGET` does: `before` the first host is changed, `after-first-wave`, or `after`
    /// all of them, which is the default
    #[arg(long, value_name = "WHEN", num_args = 0..=1, require_equals = true, default_missing_value = "", value_parser = migrate_when)]
    pub run_migrations: Option<MigrateWhen>,
}

/// When migrations are run: as configured, unless it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MigrateWhen(Option<Migrate>);

fn migrate_when(text: &str) -> Result<MigrateWhen, String> {
    if text.is_empty() {
        return Ok(MigrateWhen(None));
    }
    let when = Migrate::of_word(text).ok_or_else(|| format!("choose one of: {}", Migrate::words().join(", ")))?;
    Ok(MigrateWhen(Some(when)))
}

/// One of the words that the configuration has for it.
fn choice<T: Choice + Send + Sync>() -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(T::words()).try_map(|word| T::of_word(&word).ok_or("it is none of the possible values"))
}

impl ThenArgs {
    /// The target, as these words have it.
    pub(crate) fn over(self, target: &mut TargetSettings) {
        if let Some(MigrateWhen(when)) = self.run_migrations {
            target.rollout.migrate = when.or(target.rollout.migrate).or(Some(Migrate::After));
        }
    }
}
