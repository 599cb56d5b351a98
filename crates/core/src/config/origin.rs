//! Where a value comes from.

use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;

/// Where one value was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "from", rename_all = "kebab-case")]
pub enum Origin {
    /// The default, as `default.toml` documents it.
    Default,
    /// Follows from something else.
    Derived {
        /// From what: `the name of the project's folder`.
        why: &'static str,
    },
    /// A file.
    File {
        /// As the user would write it, relative to the project where possible.
        path: String,
        /// Counted from 1; `None` where a script computed the value and the line is not known.
        line: Option<usize>,
    },
    /// An environment variable.
    Env {
        /// Its name.
        name: String,
    },
    /// A flag of the command line.
    Flag {
        /// As it was typed, without its value: `--mix-env`.
        flag: String,
    },
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::Derived { why } => f.write_str(why),
            Self::File { path, line: Some(line) } => write!(f, "{path}:{line}"),
            Self::File { path, line: None } => f.write_str(path),
            Self::Env { name } => write!(f, "${name}"),
            Self::Flag { flag } => f.write_str(flag),
        }
    }
}

/// One effective value, as text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Setting {
    /// The value; secrets are masked.
    pub value: String,
    /// Where it was given.
    pub origin: Origin,
}

/// The origin of every effective value, by its key (`targets.production.keep_releases`), in the order of the documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Origins(IndexMap<String, Setting>);

impl Origins {
    /// One key's value and origin.
    pub fn get(&self, key: &str) -> Option<&Setting> {
        self.0.get(key)
    }
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Setting)> {
        self.0.iter().map(|(key, setting)| (key.as_str(), setting))
    }
    /// Records a value; the last one wins. `shown` is what may be printed.
    pub(super) fn record(&mut self, key: String, shown: String, origin: Origin) {
        self.0.insert(key, Setting { value: shown, origin });
    }
}
