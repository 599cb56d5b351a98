//! Nodes that can't be called.

use crate::{
    error::{Error, Kind},
    node::link::LinkError,
};

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Find(error) => error.into(),
            error => {
                let hints = error.hints();
                Self { hints, ..Self::new(Kind::Stopped, error) }
            }
        }
    }
}
