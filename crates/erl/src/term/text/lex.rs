//! Text to tokens, by the rules of `erl_scan`.

use super::error::{ParseError, ParseErrorKind, Position};
use super::literal;
use crate::term::{Atom, Float, Integer};
use std::str::Chars;

/// A token and where it starts.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) at: Position,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Atom(Atom),
    /// A reserved word; no atom unless quoted.
    Reserved(&'static str),
    Integer(Integer),
    Float(Float),
    /// A character literal, `$a`.
    Char(char),
    /// A string or a sigil that makes one.
    Str(String),
    /// A sigil that makes a binary, `~"abc"`.
    Bin(String),
    /// `{`, `=>` and the like.
    Punct(&'static str),
    /// The full stop that ends a term.
    Dot,
    End,
}

impl Kind {
    /// The token as a message names it.
    pub(super) fn describe(&self) -> String {
        match self {
            Self::Atom(name) => format!("atom `{name}`"),
            Self::Reserved(word) => format!("reserved word `{word}`"),
            Self::Integer(_) | Self::Float(_) => "a number".to_owned(),
            Self::Char(_) => "a character".to_owned(),
            Self::Str(_) | Self::Bin(_) => "a string".to_owned(),
            Self::Punct(sign) => format!("`{sign}`"),
            Self::Dot => "the full stop".to_owned(),
            Self::End => "the end of the text".to_owned(),
        }
    }
}

/// Longest first, so that the first match is the right one.
const PUNCTUATION: [&str; 18] = ["<<", ">>", "=>", ":=", "{", "}", "[", "]", "(", ")", ",", "|", "#", ":", "/", "+", "-", "*"];

/// Words the compiler reserves. `maybe` and `else` are reserved only where a feature is on, as in OTP 27; there they must
/// be quoted, so the printer quotes them, but here they may stand bare.
const RESERVED: [&str; 27] = [
    "after", "begin", "case", "try", "cond", "catch", "andalso", "orelse", "end", "fun", "if", "let", "of", "receive", "when",
    "bnot", "not", "div", "rem", "band", "and", "bor", "bxor", "bsl", "bsr", "or", "xor",
];

/// Must this word be quoted to be an atom?
pub(super) fn needs_quotes(word: &str) -> bool {
    let plain = word.chars().next().is_some_and(starts_atom) && word.chars().all(continues_name);
    !plain || RESERVED.contains(&word) || word == "maybe" || word == "else"
}

fn starts_atom(c: char) -> bool {
    c.is_ascii_lowercase() || matches!(c, 'ß'..='ö' | 'ø'..='ÿ')
}

fn starts_variable(c: char) -> bool {
    c == '_' || c.is_ascii_uppercase() || matches!(c, 'À'..='Ö' | 'Ø'..='Þ')
}

fn continues_name(c: char) -> bool {
    starts_atom(c) || starts_variable(c) || c.is_ascii_digit() || c == '@'
}

fn is_space(c: char) -> bool {
    c <= ' ' || matches!(c, '\u{80}'..='\u{a0}')
}

/// Reads tokens one by one.
pub(super) struct Lexer<'a> {
    rest: Chars<'a>,
    at: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.chars(), at: Position::START }
    }

    pub(super) fn position(&self) -> Position {
        self.at
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest.as_str()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    pub(super) fn bump(&mut self) -> Option<char> {
        let next = self.rest.next()?;
        if next == '\n' {
            self.at = Position { line: self.at.line + 1, column: 1 };
        } else {
            self.at.column += 1;
        }
        Some(next)
    }

    pub(super) fn bump_if(&mut self, wanted: char) -> bool {
        self.peek() == Some(wanted) && self.bump().is_some()
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let start = self.rest();
        while self.peek().is_some_and(&wanted) {
            self.bump();
        }
        &start[..start.len() - self.rest().len()]
    }

    pub(super) fn next(&mut self) -> Result<Token, ParseError> {
        self.skip_blank();
        let at = self.at;
        self.token().map(|kind| Token { at, kind })
    }

    fn skip_blank(&mut self) {
        loop {
            self.take_while(is_space);
            if self.peek() != Some('%') {
                return;
            }
            self.take_while(|c| c != '\n');
        }
    }

    fn token(&mut self) -> Result<Kind, ParseError> {
        let Some(first) = self.peek() else {
            return Ok(Kind::End);
        };
        match first {
            '0'..='9' => literal::number(self),
            '"' => literal::string(self).map(Kind::Str),
            '~' => literal::sigil(self),
            '$' => literal::character(self),
            '\'' => self.quoted_atom(),
            '.' if self.is_full_stop() => {
                self.bump();
                Ok(Kind::Dot)
            }
            c if starts_atom(c) => self.word(),
            c => self.punctuation(c),
        }
    }

    fn is_full_stop(&self) -> bool {
        self.rest().chars().nth(1).is_none_or(|c| is_space(c) || c == '%')
    }

    fn word(&mut self) -> Result<Kind, ParseError> {
        let at = self.at;
        let word = self.take_while(continues_name);
        match RESERVED.iter().find(|reserved| **reserved == word) {
            Some(reserved) => Ok(Kind::Reserved(reserved)),
            None => atom(word, at),
        }
    }

    fn quoted_atom(&mut self) -> Result<Kind, ParseError> {
        let at = self.at;
        self.bump();
        let name = literal::quoted(self, '\'', literal::Escapes::Read)?;
        atom(&name, at)
    }

    fn punctuation(&mut self, first: char) -> Result<Kind, ParseError> {
        let rest = self.rest();
        let Some(sign) = PUNCTUATION.iter().find(|sign| rest.starts_with(**sign)) else {
            return Err(ParseErrorKind::IllegalCharacter(first).at(self.at));
        };
        for _ in sign.chars() {
            self.bump();
        }
        Ok(Kind::Punct(sign))
    }
}

fn atom(name: &str, at: Position) -> Result<Kind, ParseError> {
    Atom::new(name).map(Kind::Atom).map_err(|_| ParseErrorKind::AtomTooLong.at(at))
}
