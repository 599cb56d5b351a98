//! Erlang source terms: what `file:consult/1` reads, and text it will read back.
//!
//! Follows `erl_scan` and `erl_parse:normalise/1`: everything a file of terms may hold in OTP 25 to 29, with the
//! triple-quoted strings and sigils of OTP 27. Records, macros, variables and expressions are errors, as they are there.

mod binary;
mod encoding;
mod error;
mod lex;
mod literal;
mod parse;
mod print;

pub use error::{ParseError, ParseErrorKind, Position};
pub use print::NotConsultable;

use super::Term;

/// Reads a file of terms, each ended by a full stop.
///
/// The encoding is UTF-8 unless a comment in the first two lines says `coding: latin-1`, as `epp:read_encoding/1` has it.
///
/// # Errors
/// The place and reason of the first thing that is not a term.
pub fn consult(file: &[u8]) -> Result<Vec<Term>, ParseError> {
    parse::terms(&encoding::decode(file)?)
}

/// Reads a file that holds exactly one term, as most resource files do.
///
/// # Errors
/// As [`consult`]; also no term, or a second one.
pub fn consult_one(file: &[u8]) -> Result<Term, ParseError> {
    let text = encoding::decode(file)?;
    let mut terms = parse::terms(&text)?;
    match (terms.pop(), terms.is_empty()) {
        (Some(term), true) => Ok(term),
        (found, _) => Err(ParseErrorKind::NotOneTerm(terms.len() + usize::from(found.is_some())).at_start()),
    }
}

/// Reads one term; a full stop after it may be left out.
///
/// # Errors
/// The place and reason where the text stops being one term.
pub fn parse(text: &str) -> Result<Term, ParseError> {
    parse::term(text)
}

/// The terms as a file for `file:consult/1`: a coding comment, then each term with a full stop.
///
/// # Errors
/// A pid, port, reference or local fun has no written form.
pub fn to_file<'a>(terms: impl IntoIterator<Item = &'a Term>) -> Result<String, NotConsultable> {
    let mut file = String::from("%% coding: utf-8\n");
    for term in terms {
        print::check(term)?;
        file.push_str(&pretty(term));
        file.push_str(".\n");
    }
    Ok(file)
}

/// The term over as many lines as it needs, for people. What has no written form is shown as the shell shows it.
#[must_use]
pub fn pretty(term: &Term) -> String {
    print::pretty(term)
}

#[cfg(test)]
mod tests;
