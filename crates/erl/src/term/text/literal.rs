//! Numbers, characters, strings and sigils.

use super::error::{ParseError, ParseErrorKind};
use super::lex::{Kind, Lexer};
use crate::term::{Float, Integer};

/// Does a backslash mean something between these quotes?
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Escapes {
    Read,
    Verbatim,
}

/// `42`, `16#ff`, `1_000`, `1.5e-3`.
pub(super) fn number(lexer: &mut Lexer<'_>) -> Result<Kind, ParseError> {
    let at = lexer.position();
    let whole = digits(lexer, 10);
    let mut after = lexer.rest().chars();
    match (after.next(), after.next()) {
        (Some('#'), _) => {
            lexer.bump();
            let base = whole.parse().ok().filter(|base| (2..=36).contains(base));
            let base = base.ok_or(ParseErrorKind::BadInteger.at(at))?;
            integer(&digits(lexer, base), base).ok_or(ParseErrorKind::BadInteger.at(at))
        }
        (Some('.'), Some('0'..='9')) => float(lexer, whole).ok_or(ParseErrorKind::BadFloat.at(at)),
        _ => integer(&whole, 10).ok_or(ParseErrorKind::BadInteger.at(at)),
    }
}

fn integer(digits: &str, base: u32) -> Option<Kind> {
    Integer::from_digits(false, digits, base).map(Kind::Integer)
}

/// Digits of the base without their underscores; an underscore counts only between two digits.
fn digits(lexer: &mut Lexer<'_>, base: u32) -> String {
    let mut digits = String::new();
    loop {
        digits.push_str(lexer.take_while(|c| c.is_digit(base)));
        let mut after = lexer.rest().chars();
        match (after.next(), after.next()) {
            (Some('_'), Some(next)) if next.is_digit(base) && !digits.is_empty() => lexer.bump(),
            _ => return digits,
        };
    }
}

/// The point comes next. An exponent counts only if it has digits.
fn float(lexer: &mut Lexer<'_>, mut text: String) -> Option<Kind> {
    lexer.bump();
    text.push('.');
    text.push_str(&digits(lexer, 10));
    let rest = lexer.rest();
    if let Some(exponent) = rest.strip_prefix(['e', 'E']) {
        let unsigned = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        if unsigned.starts_with(|c: char| c.is_ascii_digit()) {
            for _ in 0..rest.len() - unsigned.len() {
                lexer.bump();
            }
            text.push_str(&rest[..rest.len() - unsigned.len()]);
            text.push_str(&digits(lexer, 10));
        }
    }
    text.parse().ok().and_then(Float::new).map(Kind::Float)
}

/// `$a`, `$\n`, `$ `.
pub(super) fn character(lexer: &mut Lexer<'_>) -> Result<Kind, ParseError> {
    lexer.bump();
    let at = lexer.position();
    match lexer.bump() {
        Some('\\') => escape(lexer).map(Kind::Char),
        Some(c) => Ok(Kind::Char(c)),
        None => Err(ParseErrorKind::BadEscape.at(at)),
    }
}

/// A string in quotes, or a triple-quoted one.
pub(super) fn string(lexer: &mut Lexer<'_>) -> Result<String, ParseError> {
    match triple_quotes(lexer.rest()) {
        Some(quotes) => triple_quoted(lexer, quotes),
        None => {
            lexer.bump();
            quoted(lexer, '"', Escapes::Read)
        }
    }
}

/// A sigil of OTP 27: `~"…"`, `~b`, `~B` make binaries, `~s`, `~S` strings; a capital takes backslashes as they are.
pub(super) fn sigil(lexer: &mut Lexer<'_>) -> Result<Kind, ParseError> {
    let at = lexer.position();
    lexer.bump();
    let prefix = lexer.take_while(|c| c.is_ascii_alphabetic());
    let (wrap, escapes): (fn(String) -> Kind, _) = match prefix {
        "" | "b" => (Kind::Bin, Escapes::Read),
        "B" => (Kind::Bin, Escapes::Verbatim),
        "s" => (Kind::Str, Escapes::Read),
        "S" => (Kind::Str, Escapes::Verbatim),
        _ => return Err(ParseErrorKind::IllegalCharacter('~').at(at)),
    };
    if let Some(quotes) = triple_quotes(lexer.rest()) {
        return triple_quoted(lexer, quotes).map(wrap);
    }
    let close = lexer.bump().and_then(closing).ok_or(ParseErrorKind::IllegalCharacter('~').at(at))?;
    quoted(lexer, close, escapes).map(wrap)
}

fn closing(open: char) -> Option<char> {
    match open {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        '<' => Some('>'),
        '/' | '|' | '\'' | '"' | '`' | '#' => Some(open),
        _ => None,
    }
}

/// What stands up to the closing quote; the opening one is behind us.
pub(super) fn quoted(lexer: &mut Lexer<'_>, close: char, escapes: Escapes) -> Result<String, ParseError> {
    let at = lexer.position();
    let mut text = String::new();
    loop {
        match lexer.bump() {
            None => return Err(ParseErrorKind::Unterminated(close).at(at)),
            Some(c) if c == close => return Ok(text),
            Some('\\') if escapes == Escapes::Read => text.push(escape(lexer)?),
            Some(c) => text.push(c),
        }
    }
}

/// What follows a backslash: one of the known letters, a code, or the character itself.
fn escape(lexer: &mut Lexer<'_>) -> Result<char, ParseError> {
    let at = lexer.position();
    let read = |lexer: &mut Lexer<'_>| match lexer.bump()? {
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'v' => Some('\u{b}'),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'e' => Some('\u{1b}'),
        's' => Some(' '),
        'd' => Some('\u{7f}'),
        '^' => control(lexer.bump()?),
        'x' => hexadecimal(lexer),
        first @ '0'..='7' => octal(lexer, first),
        other => Some(other),
    };
    read(lexer).ok_or(ParseErrorKind::BadEscape.at(at))
}

/// `\^A` is 1: the low five bits. `\^?` is DEL since OTP 28 and was 31 before.
fn control(letter: char) -> Option<char> {
    match letter {
        '?' => Some('\u{7f}'),
        '@'..='_' | 'a'..='z' => char::from_u32(u32::from(letter) & 31),
        _ => None,
    }
}

/// One to three octal digits.
fn octal(lexer: &mut Lexer<'_>, first: char) -> Option<char> {
    let mut code = first.to_digit(8)?;
    for _ in 0..2 {
        match lexer.peek().and_then(|c| c.to_digit(8)) {
            Some(digit) => code = code * 8 + digit,
            None => break,
        }
        lexer.bump();
    }
    char::from_u32(code)
}

/// `\xHH` or `\x{H…}`.
fn hexadecimal(lexer: &mut Lexer<'_>) -> Option<char> {
    let digits = if lexer.bump_if('{') {
        let digits = lexer.take_while(|c| c.is_ascii_hexdigit());
        lexer.bump_if('}').then_some(digits)?
    } else {
        let start = lexer.rest();
        lexer.bump();
        lexer.bump();
        start.get(..2).filter(|digits| digits.chars().all(|c| c.is_ascii_hexdigit()))?
    };
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}

/// How many quotes open a triple-quoted string here: three or more, and then only blanks before the end of the line.
fn triple_quotes(rest: &str) -> Option<usize> {
    let quotes = rest.len() - rest.trim_start_matches('"').len();
    let first_line = rest[quotes..].split_once('\n')?.0;
    (quotes >= 3 && first_line.trim().is_empty()).then_some(quotes)
}

/// Whole lines, without the indentation of the line that holds the closing quotes and without the last line end.
fn triple_quoted(lexer: &mut Lexer<'_>, quotes: usize) -> Result<String, ParseError> {
    let at = lexer.position();
    take_line(lexer);
    let mut lines: Vec<&str> = Vec::new();
    loop {
        let indent = lexer.rest().len() - lexer.rest().trim_start_matches([' ', '\t']).len();
        if closes(&lexer.rest()[indent..], quotes) {
            let indentation = &lexer.rest()[..indent];
            for _ in 0..indent + quotes {
                lexer.bump();
            }
            let lines: Option<Vec<&str>> = lines.iter().map(|line| dedent(line, indentation)).collect();
            return lines.map(|lines| lines.join("\n")).ok_or(ParseErrorKind::BadIndentation.at(at));
        }
        if lexer.peek().is_none() {
            return Err(ParseErrorKind::Unterminated('"').at(at));
        }
        lines.push(take_line(lexer));
    }
}

fn closes(rest: &str, quotes: usize) -> bool {
    rest.len() - rest.trim_start_matches('"').len() >= quotes
}

fn take_line<'a>(lexer: &mut Lexer<'a>) -> &'a str {
    let line = lexer.take_while(|c| c != '\n');
    lexer.bump();
    line.strip_suffix('\r').unwrap_or(line)
}

fn dedent<'a>(line: &'a str, indentation: &str) -> Option<&'a str> {
    if line.trim().is_empty() { Some("") } else { line.strip_prefix(indentation) }
}
