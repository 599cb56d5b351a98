//! Errors of the configuration and of hooks.

use edeliver_core::hint::Hint;

use crate::{
    config::{ConfigError, import::ImportError},
    error::{Error, Kind},
    hook::HookError,
};

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::new(Kind::Config, error) }
    }
}

impl From<HookError> for Error {
    fn from(error: HookError) -> Self {
        let hint = match &error {
            HookError::Stopped { .. } => Some(Hint::text("a hook that is satisfied returns; only `return` lets the run go on")),
            HookError::Failed { .. }
            | HookError::Timeout { .. }
            | HookError::Gone { .. }
            | HookError::Shell(_)
            | HookError::Talk { .. } => None,
        };
        let error = Self::new(Kind::Stopped, error);
        match hint {
            Some(hint) => error.hint(hint),
            None => error,
        }
    }
}

impl From<ImportError> for Error {
    fn from(error: ImportError) -> Self {
        let hints = error.hints();
        Self { hints, ..Self::new(Kind::Config, error) }
    }
}
