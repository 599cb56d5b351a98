//! For which versions an entry of an appup is meant.

use crate::rel::ResourceError;
use crate::resource::shape;
use crate::term::Term;
use std::fmt;

/// A version or a pattern of versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VersionPattern {
    /// This version.
    Exact(String),
    /// Versions that this regular expression finds as a whole; a binary in the file.
    Regex(String),
}

/// A pattern of versions can't be understood.
///
/// OTP uses PCRE. Understood are literals, classes, groups, alternatives, anchors and repetitions, greedy or not; not backreferences,
/// assertions that look around, and `\p{…}`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the pattern of versions {pattern:?} can't be understood: {reason}")]
pub struct BadPattern {
    /// The pattern.
    pub pattern: String,
    /// What is not understood, in the words of the parser.
    pub reason: String,
}

/// How much memory the program of a pattern may take, in bytes.
const SIZE_LIMIT: usize = 1 << 18;

impl VersionPattern {
    pub(super) fn from_term(term: &Term) -> Result<Self, ResourceError> {
        let expected = "a version or a pattern of versions";
        match term {
            Term::Binary(bytes) => match str::from_utf8(bytes) {
                Ok(pattern) => Ok(Self::Regex(pattern.to_owned())),
                Err(_) => Err(shape(expected, term)),
            },
            _ => term.to_text().map(Self::Exact).ok_or_else(|| shape(expected, term)),
        }
    }

    pub(super) fn to_term(&self) -> Term {
        match self {
            Self::Exact(version) => Term::string(version),
            Self::Regex(pattern) => Term::binary(pattern.as_bytes()),
        }
    }

    /// Is the entry for that version? A pattern must find the whole version at its first match: `1|1.2` does not match `1.2`.
    ///
    /// # Errors
    /// A pattern that can't be understood.
    pub fn matches(&self, version: &str) -> Result<bool, BadPattern> {
        match self {
            Self::Exact(exact) => Ok(exact == version),
            Self::Regex(pattern) => {
                let bad = |error: regex_lite::Error| BadPattern { pattern: pattern.clone(), reason: error.to_string() };
                let regex = regex_lite::RegexBuilder::new(pattern).size_limit(SIZE_LIMIT).build().map_err(bad)?;
                Ok(regex.find(version).is_some_and(|found| found.as_str() == version))
            }
        }
    }
}

impl fmt::Display for VersionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_term().fmt(f)
    }
}
