//! Terms to text.

use super::lex::needs_quotes;
use crate::term::{Atom, Export, Pid, Term};
use std::fmt::{self, Write};

/// Lines longer than this are broken where they can be.
const WIDTH: usize = 100;

/// A term that `file:consult/1` could not read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a {0} has no written form")]
pub struct NotConsultable(pub &'static str);

/// Has every part of the term a written form?
pub(super) fn check(term: &Term) -> Result<(), NotConsultable> {
    match term {
        Term::Pid(_) => Err(NotConsultable("pid")),
        Term::Port(_) => Err(NotConsultable("port")),
        Term::Reference(_) => Err(NotConsultable("reference")),
        Term::Fun(_) => Err(NotConsultable("local fun")),
        Term::Atom(name) if !name.as_str().chars().all(is_scannable) => Err(NotConsultable("non-character in an atom")),
        Term::Tuple(elements) | Term::List(elements) => elements.iter().try_for_each(check),
        Term::Improper(elements, tail) => elements.iter().chain([&**tail]).try_for_each(check),
        Term::Map(pairs) => pairs.iter().flat_map(|(key, value)| [key, value]).try_for_each(check),
        _ => Ok(()),
    }
}

/// U+FFFE and U+FFFF are no characters to `erl_scan`, not even escaped.
fn is_scannable(c: char) -> bool {
    !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// A character that makes a list of integers look like text; the ones `io_lib:printable_unicode_list/1` knows.
fn is_printable(c: char) -> bool {
    matches!(c, '\u{8}'..='\r' | '\u{1b}' | ' '..='~' | '\u{a0}'..) && is_scannable(c)
}

/// One line.
impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        flat(f, self)
    }
}

fn flat(out: &mut dyn Write, term: &Term) -> fmt::Result {
    match term {
        Term::Atom(name) => atom(out, name),
        Term::Integer(value) => write!(out, "{value}"),
        Term::Float(value) => write!(out, "{value}"),
        Term::Binary(bytes) => binary(out, bytes),
        Term::Bits(bits) => {
            let (last, whole) = bits.bytes().split_last().expect("a bitstring has a last byte");
            out.write_str("<<")?;
            whole.iter().try_for_each(|byte| write!(out, "{byte},"))?;
            write!(out, "{}:{}>>", last >> (8 - bits.last()), bits.last())
        }
        Term::Tuple(elements) => enclosed(out, "{", elements, "}"),
        Term::List(elements) => match printable(term) {
            Some(text) => quoted(out, &text, '"'),
            None => enclosed(out, "[", elements, "]"),
        },
        Term::Improper(elements, tail) => {
            enclosed(out, "[", elements, "|")?;
            flat(out, tail)?;
            out.write_str("]")
        }
        Term::Map(pairs) => {
            out.write_str("#{")?;
            for (at, (key, value)) in pairs.iter().enumerate() {
                out.write_str(if at == 0 { "" } else { "," })?;
                flat(out, key)?;
                out.write_str(" => ")?;
                flat(out, value)?;
            }
            out.write_str("}")
        }
        Term::Export(Export { module, function, arity }) => {
            out.write_str("fun ")?;
            atom(out, module)?;
            out.write_str(":")?;
            atom(out, function)?;
            write!(out, "/{arity}")
        }
        opaque => unwritable(out, opaque),
    }
}

/// What only people read, roughly as the shell shows it.
fn unwritable(out: &mut dyn Write, term: &Term) -> fmt::Result {
    match term {
        Term::Pid(Pid { node, id, serial, .. }) => write!(out, "<{node}.{id}.{serial}>"),
        Term::Port(port) => write!(out, "#Port<{}.{}>", port.node, port.id),
        Term::Reference(reference) => {
            write!(out, "#Ref<{}", reference.node)?;
            reference.ids.iter().rev().try_for_each(|id| write!(out, ".{id}"))?;
            out.write_str(">")
        }
        _ => out.write_str("#Fun<local>"),
    }
}

fn enclosed(out: &mut dyn Write, open: &str, elements: &[Term], close: &str) -> fmt::Result {
    out.write_str(open)?;
    for (at, element) in elements.iter().enumerate() {
        out.write_str(if at == 0 { "" } else { "," })?;
        flat(out, element)?;
    }
    out.write_str(close)
}

fn atom(out: &mut dyn Write, name: &Atom) -> fmt::Result {
    match needs_quotes(name.as_str()) {
        true => quoted(out, name.as_str(), '\''),
        false => out.write_str(name.as_str()),
    }
}

fn printable(list: &Term) -> Option<String> {
    list.to_text().filter(|text| !text.is_empty() && text.chars().all(is_printable))
}

/// As text if it is text, else as bytes.
fn binary(out: &mut dyn Write, bytes: &[u8]) -> fmt::Result {
    match str::from_utf8(bytes) {
        Ok(text) if !text.is_empty() && text.chars().all(is_printable) => {
            out.write_str("<<")?;
            quoted(out, text, '"')?;
            out.write_str(if text.is_ascii() { ">>" } else { "/utf8>>" })
        }
        _ => {
            out.write_str("<<")?;
            for (at, byte) in bytes.iter().enumerate() {
                write!(out, "{}{byte}", if at == 0 { "" } else { "," })?;
            }
            out.write_str(">>")
        }
    }
}

fn quoted(out: &mut dyn Write, text: &str, quote: char) -> fmt::Result {
    out.write_char(quote)?;
    for c in text.chars() {
        match c {
            '\\' => out.write_str("\\\\")?,
            '\n' => out.write_str("\\n")?,
            '\r' => out.write_str("\\r")?,
            '\t' => out.write_str("\\t")?,
            c if c == quote => write!(out, "\\{c}")?,
            c if is_printable(c) && c >= ' ' => out.write_char(c)?,
            c => write!(out, "\\x{{{:x}}}", u32::from(c))?,
        }
    }
    out.write_char(quote)
}

/// Over several lines where one does not do.
pub(super) fn pretty(term: &Term) -> String {
    let mut out = String::new();
    broken(&mut out, term, 0, 0);
    out
}

/// Writes a term that starts at column `indent` and has `after` characters of closing signs behind it.
fn broken(out: &mut String, term: &Term, indent: usize, after: usize) {
    if let Some(line) = within(term, WIDTH.saturating_sub(indent + after)) {
        return out.push_str(&line);
    }
    match term {
        Term::Tuple(elements) => column(out, "{", elements, "}", indent, after),
        Term::List(elements) if printable(term).is_none() => column(out, "[", elements, "]", indent, after),
        Term::Improper(elements, tail) => {
            column(out, "[", elements, " |", indent, 2);
            new_line(out, indent + 1);
            broken(out, tail, indent + 1, after + 1);
            out.push(']');
        }
        Term::Map(pairs) => {
            out.push_str("#{");
            for (at, (key, value)) in pairs.iter().enumerate() {
                separate(out, at, indent + 2);
                broken(out, key, indent + 2, 3);
                out.push_str(" =>");
                new_line(out, indent + 6);
                broken(out, value, indent + 6, after + 1);
            }
            out.push('}');
        }
        atomic => out.push_str(&atomic.to_string()),
    }
}

fn column(out: &mut String, open: &str, elements: &[Term], close: &str, indent: usize, after: usize) {
    out.push_str(open);
    for (at, element) in elements.iter().enumerate() {
        separate(out, at, indent + open.len());
        broken(out, element, indent + open.len(), after + 1);
    }
    out.push_str(close);
}

fn separate(out: &mut String, at: usize, indent: usize) {
    if at > 0 {
        out.push(',');
        new_line(out, indent);
    }
}

fn new_line(out: &mut String, indent: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// The term in one line of at most `width` bytes. Gives up as soon as it is longer, so that trying costs no more than the
/// line would.
fn within(term: &Term, width: usize) -> Option<String> {
    struct Line {
        text: String,
        width: usize,
    }
    impl Write for Line {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.text.push_str(part);
            if self.text.len() > self.width { Err(fmt::Error) } else { Ok(()) }
        }
    }
    let mut line = Line { text: String::new(), width };
    flat(&mut line, term).ok().map(|()| line.text)
}
