//! Why there is no valid configuration, and what to do about it.

use std::{io, path::PathBuf};

use edeliver_core::{config::Problems, hint::Hint};

use super::{CLASSIC, Form, TOML};
use crate::hook::shell::ShellError;

/// Why there is no valid configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is none.
    #[error("there is no {TOML} and no {CLASSIC} in {}", project.display())]
    Missing {
        /// Where it was looked for.
        project: PathBuf,
    },
    /// A file can't be read.
    #[error("can't read {path}")]
    Read {
        /// The file as the user would write it.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It says something wrong.
    #[error(transparent)]
    Invalid(#[from] Problems),
    /// bash could not run it to its end.
    #[error("can't read {path}, which is a bash script")]
    Script {
        /// The file as the user would write it.
        path: String,
        /// Why.
        #[source]
        source: ShellError,
    },
    /// Something is to be built, and nobody said where.
    #[error("no build host is configured")]
    NoBuildHost {
        /// What kind of configuration there is.
        form: Form,
    },
}

impl ConfigError {
    /// What to do about it.
    pub fn hints(&self) -> Vec<Hint> {
        match self {
            Self::Missing { .. } => vec![
                Hint::text("go to the project's folder, or name it with --project"),
                Hint::command(
                    "a new configuration can begin as a copy of the defaults",
                    format!("edeliver config default > {TOML}"),
                ),
            ],
            Self::NoBuildHost { form: Form::Classic } => {
                vec![Hint::text(format!("set BUILD_HOST, BUILD_USER and BUILD_AT in {CLASSIC}"))]
            }
            Self::NoBuildHost { .. } => vec![Hint::text(format!("add [build] with host and path to {TOML}"))],
            Self::Script { source: ShellError::Start(_), .. } => {
                vec![
                    Hint::text("install bash"),
                    Hint::command("or write an edeliver.toml, which needs none", "edeliver config import"),
                ]
            }
            Self::Script { .. } | Self::Read { .. } | Self::Invalid(_) => Vec::new(),
        }
    }
}
