//! What the command line says about the configuration.

use edeliver_core::config::{Origin, Place, classic, raw::Table};

use crate::cli::{Words, options::Verbosity};

/// What the command line says about settings, and what a classic config may ask about the command.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub(super) table: Table,
    pub(super) context: Vec<(String, String)>,
}

impl Flags {
    /// What edeliver 1.x told configs and hooks about the command.
    pub fn of_command(words: &Words, verbosity: Verbosity) -> Self {
        let mut flags = Self::default();
        let word = |index: usize| words.command.get(index).cloned().unwrap_or_default();
        flags.context("COMMAND", word(0));
        flags.context("COMMAND_INFO", word(1));
        if verbosity > Verbosity::Compact {
            flags.context("VERBOSE", "true");
            flags.context("MODE", if verbosity == Verbosity::Debug { "debug" } else { "verbose" });
        }
        if let Some(target) = &words.target {
            flags.context("DEPLOY_ENVIRONMENT", target);
            flags.context("NODE_ENVIRONMENT", target);
            flags.context("NODE_ACTION", word(0));
        }
        flags
    }
    /// `flag` (`--mix-env`) gives the setting at a key path (`build.mix_env`) this value.
    pub fn set(&mut self, key: &str, value: &str, flag: &str) {
        self.table.set(key, value, &Place::of(Origin::Flag { flag: flag.to_owned() }));
    }
    /// A variable that a classic config sees while it is read: `COMMAND`, `DEPLOY_ENVIRONMENT`, `VERBOSE` …
    pub fn context(&mut self, variable: &str, value: impl Into<String>) {
        self.context.push((variable.to_owned(), value.into()));
    }
    /// Everything a classic config sees: the context, and variables that mean what flags say.
    pub(super) fn variables(&self) -> Vec<(String, String)> {
        let flags = self.table.words().into_iter();
        let named = flags.filter_map(|(key, value)| Some((classic::variable_of(&key)?.to_owned(), value)));
        self.context.iter().cloned().chain(named).collect()
    }
}
