//! What the resource files (`.app`, `.rel`, `RELEASES`) have in common.

use crate::term::text::ParseError;
use crate::term::{Atom, Term};
use crate::vsn::{BadVsn, Vsn};

/// A resource file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError {
    /// The file is not Erlang terms.
    #[error("not a file of Erlang terms")]
    Text(#[from] ParseError),
    /// The term is something else.
    #[error("expected {expected}, found {found}")]
    Shape {
        /// What should stand there.
        expected: &'static str,
        /// The beginning of what stands there.
        found: String,
    },
    /// A version that OTP could not use.
    #[error("a version cannot be used")]
    Vsn(#[from] BadVsn),
}

/// How much of an unexpected term an error quotes, in characters.
const QUOTED: usize = 60;

pub(crate) fn shape(expected: &'static str, found: &Term) -> ResourceError {
    let mut text: String = found.to_string();
    if let Some((end, _)) = text.char_indices().nth(QUOTED) {
        text.truncate(end);
        text.push('…');
    }
    ResourceError::Shape { expected, found: text }
}

pub(crate) fn atom(term: &Term, expected: &'static str) -> Result<Atom, ResourceError> {
    term.as_atom().cloned().ok_or_else(|| shape(expected, term))
}

pub(crate) fn list<'a>(term: &'a Term, expected: &'static str) -> Result<&'a [Term], ResourceError> {
    term.as_list().ok_or_else(|| shape(expected, term))
}

pub(crate) fn atoms(term: &Term, expected: &'static str) -> Result<Vec<Atom>, ResourceError> {
    list(term, expected)?.iter().map(|item| atom(item, expected)).collect()
}

pub(crate) fn text(term: &Term, expected: &'static str) -> Result<String, ResourceError> {
    term.to_text().ok_or_else(|| shape(expected, term))
}

pub(crate) fn vsn(term: &Term, expected: &'static str) -> Result<Vsn, ResourceError> {
    Ok(Vsn::new(text(term, expected)?)?)
}
