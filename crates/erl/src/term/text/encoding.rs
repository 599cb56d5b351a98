//! Bytes of a source file to text.

use super::error::{ParseError, ParseErrorKind, Position};
use std::borrow::Cow;

/// Text of a file in the encoding its coding comment names.
pub(super) fn decode(file: &[u8]) -> Result<Cow<'_, str>, ParseError> {
    if says_latin1(file) {
        return Ok(Cow::Owned(file.iter().map(|byte| char::from(*byte)).collect()));
    }
    match str::from_utf8(file) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(error) => Err(ParseErrorKind::NotUtf8.at(end_of(&file[..error.valid_up_to()]))),
    }
}

fn end_of(valid: &[u8]) -> Position {
    let line_start = valid.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Position {
        line: 1 + valid.iter().filter(|byte| **byte == b'\n').count(),
        column: 1 + String::from_utf8_lossy(&valid[line_start..]).chars().count(),
    }
}

/// Looks for `coding: NAME` or `coding=NAME` in comments of the first two lines. A name that is neither Latin-1 nor UTF-8
/// counts as none, as in `epp`.
fn says_latin1(file: &[u8]) -> bool {
    let comments = file.split(|byte| *byte == b'\n').take(2).filter_map(comment);
    let names = comments.filter_map(|comment| coding_name(&comment));
    names.into_iter().next().is_some_and(|name| name == "latin-1" || name == "iso-8859-1")
}

fn comment(line: &[u8]) -> Option<String> {
    let start = line.iter().position(|byte| *byte == b'%')?;
    Some(line[start..].iter().map(|byte| char::from(byte.to_ascii_lowercase())).collect())
}

fn coding_name(comment: &str) -> Option<String> {
    let after = comment.split("coding").skip(1).find_map(|rest| rest.trim_start().strip_prefix([':', '=']))?;
    Some(after.trim_start().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect())
}
