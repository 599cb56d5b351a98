//! `releases/start_erl.data`: which release the node boots, in one line `ERTS-VSN RELEASE-VSN`.

use crate::vsn::{BadVsn, Vsn};
use std::fmt;

/// What `start_erl.data` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StartErl {
    /// Version of ERTS to boot with.
    pub erts: Vsn,
    /// Version of the release to boot.
    pub vsn: Vsn,
}

/// The file does not name two versions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartErlError {
    /// Not two words in one line.
    #[error("expected the versions of ERTS and of the release in one line")]
    Shape,
    /// A word that is no version.
    #[error("a version cannot be used")]
    Vsn(#[from] BadVsn),
}

impl StartErl {
    /// Reads the file.
    ///
    /// # Errors
    /// Not exactly two words.
    pub fn parse(file: &str) -> Result<Self, StartErlError> {
        let mut words = file.split_ascii_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some(erts), Some(vsn), None) => Ok(Self { erts: Vsn::new(erts)?, vsn: Vsn::new(vsn)? }),
            _ => Err(StartErlError::Shape),
        }
    }
}

/// The file, with a line end, as `release_handler` writes it.
impl fmt::Display for StartErl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.erts, self.vsn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_read_and_written() {
        let start = StartErl::parse("13.1.5 0.2.0-rc.1\n").unwrap();
        assert_eq!((start.erts.as_str(), start.vsn.as_str()), ("13.1.5", "0.2.0-rc.1"));
        assert_eq!(start.to_string(), "13.1.5 0.2.0-rc.1\n");
        assert_eq!(StartErl::parse("13.1.5 0.2.0").unwrap().to_string(), "13.1.5 0.2.0\n");
    }

    #[test]
    fn anything_else_is_an_error() {
        for file in ["", "13.1.5", "13.1.5 0.2.0 x", "13.1.5 .."] {
            assert!(StartErl::parse(file).is_err(), "{file}");
        }
    }
}
