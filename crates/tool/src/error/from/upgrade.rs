//! Nodes that could not be upgraded.

use crate::{
    error::{Error, Kind},
    upgrade::{JourneyError, UpgradeError},
};

impl From<UpgradeError> for Error {
    fn from(error: UpgradeError) -> Self {
        let kind = if matches!(error, UpgradeError::NoJourney) { Kind::Internal } else { Kind::Stopped };
        match error {
            UpgradeError::Transport(error) => error.into(),
            error => {
                let hints = error.hints();
                Self { hints, ..Self::new(kind, error) }
            }
        }
    }
}

impl From<JourneyError> for Error {
    fn from(error: JourneyError) -> Self {
        match error {
            JourneyError::Store(error) => error.into(),
            JourneyError::Judge(error) => (*error).into(),
            error => Self::new(Kind::Internal, error),
        }
    }
}
