//! Upgrades whose rehearsal has found something.

use edeliver_core::hint::Hint;

use crate::{
    error::{Error, Kind},
    rehearsal::RehearsalError,
};

impl From<RehearsalError> for Error {
    fn from(error: RehearsalError) -> Self {
        let kind = match &error {
            RehearsalError::Transport(_) | RehearsalError::Left { .. } => Kind::Stopped,
            RehearsalError::Failed { .. } | RehearsalError::NotHot { .. } => Kind::Blocked,
            RehearsalError::Interrupted => Kind::Interrupted,
        };
        match error {
            RehearsalError::Transport(error) => error.into(),
            error @ RehearsalError::Failed { .. } => {
                let hint = "its node has the environment of builds, and `rehearsal_env` of [upgrade], which ports belong into";
                Self::new(kind, error).context("the rehearsal failed").hint(Hint::text(hint))
            }
            error => Self::new(kind, error),
        }
    }
}
