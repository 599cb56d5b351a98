//! Where and why text is not a term.

use crate::term::MAX_DEPTH;
use std::fmt;

/// A place in a text; both count from 1, columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Character in the line.
    pub column: usize,
}

impl Position {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A text is not Erlang terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {kind}")]
pub struct ParseError {
    /// Where.
    pub at: Position,
    /// Why.
    pub kind: ParseErrorKind,
}

/// Why a text is not Erlang terms.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// Something else was due here.
    #[error("expected {expected}, found {found}")]
    Unexpected {
        /// What may stand here.
        expected: &'static str,
        /// What stands here, as written.
        found: String,
    },
    /// A character that starts nothing.
    #[error("`{0}` starts no term")]
    IllegalCharacter(char),
    /// The text ends within quotes.
    #[error("the closing {0} is missing")]
    Unterminated(char),
    /// `\x`, `\^` or a code that is no character.
    #[error("not an escape sequence of a character")]
    BadEscape,
    /// Base outside 2..=36, digits that are not of the base, or far too many of them.
    #[error("not an integer")]
    BadInteger,
    /// Larger than a double can be.
    #[error("not a floating point number")]
    BadFloat,
    /// An atom of more than 255 characters.
    #[error("an atom has at most 255 characters")]
    AtomTooLong,
    /// A segment of a binary that makes no bits.
    #[error("not a segment of a binary: {0}")]
    BadSegment(&'static str),
    /// A line of a triple-quoted string is indented less than its end.
    #[error("the line is indented less than the closing quotes")]
    BadIndentation,
    /// Tuples, lists and maps too deep in each other.
    #[error("nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// Bytes that are not text in the encoding of the file.
    #[error("not valid UTF-8")]
    NotUtf8,
    /// A resource file holds one term.
    #[error("expected one term in the file, found {0}")]
    NotOneTerm(usize),
}

impl ParseErrorKind {
    pub(super) fn at(self, at: Position) -> ParseError {
        ParseError { at, kind: self }
    }

    pub(super) fn at_start(self) -> ParseError {
        self.at(Position::START)
    }
}
