//! Erlang terms as values.
//!
//! [`Term`] is what both written forms, [source text](text) and the [external term format](etf), are
//! read into and written from. Terms that only mean something inside a node (pids, ports, references, funs) are carried
//! unchanged and cannot be taken apart.

mod atom;
pub mod etf;
mod ident;
mod number;
mod order;
#[cfg(test)]
pub(crate) mod testing;
pub mod text;

pub use atom::{Atom, AtomTooLong};
pub use ident::{Export, Fun, Pid, Port, Reference};
pub use number::{Float, Integer};

use std::collections::BTreeMap;

/// How deeply tuples, lists and maps may be nested before a reader gives up.
///
/// Ours, not OTP's: release files nest about ten levels, debug information some tens. A limit is what keeps a hostile file
/// from exhausting the stack of a reader that follows the nesting by recursion.
pub const MAX_DEPTH: usize = 256;

/// An Erlang term.
///
/// Equality is Erlang's `=:=`, the order is the one of map keys: by type, integers before floats, otherwise by value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Term {
    /// An atom, `ok`.
    Atom(Atom),
    /// An integer of any size, `42`.
    Integer(Integer),
    /// A floating point number, `1.5`; always finite.
    Float(Float),
    /// A binary, `<<"abc">>`.
    Binary(Vec<u8>),
    /// A bitstring that does not end at a byte border, `<<5:3>>`.
    Bits(Bits),
    /// A tuple, `{a, b}`.
    Tuple(Vec<Term>),
    /// A proper list, `[a, b]`; a string is a list of its characters' codes.
    List(Vec<Term>),
    /// An improper list, `[a | b]`; made by [`Term::improper`], so that the tail is never a list.
    Improper(Vec<Term>, Box<Term>),
    /// A map, `#{a => 1}`.
    Map(BTreeMap<Term, Term>),
    /// A process identifier.
    Pid(Pid),
    /// A port identifier.
    Port(Port),
    /// A reference.
    Reference(Reference),
    /// `fun Module:Function/Arity`.
    Export(Export),
    /// A local fun, opaque.
    Fun(Fun),
}

/// A bitstring whose last byte is used in part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bits {
    bytes: Vec<u8>,
    last: u8,
}

impl Bits {
    /// A bitstring of `bytes`, of whose last byte only the upper `last` bits count; the unused bits are cleared.
    ///
    /// None unless there is a last byte and `last` is 1..=7; whole bytes are a [`Term::Binary`].
    #[must_use]
    pub fn new(mut bytes: Vec<u8>, last: u8) -> Option<Self> {
        if !(1..=7).contains(&last) {
            return None;
        }
        let end = bytes.last_mut()?;
        *end &= 0xffu8 << (8 - last);
        Some(Self { bytes, last })
    }

    /// The bytes, unused bits of the last one zero.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bits of the last byte count, 1..=7.
    #[must_use]
    pub fn last(&self) -> u8 {
        self.last
    }
}

impl Term {
    /// An atom known when this program is written.
    ///
    /// # Panics
    /// When the literal is longer than an atom may be (255 characters).
    #[must_use]
    pub fn atom(literal: &'static str) -> Self {
        Self::Atom(Atom::literal(literal))
    }

    /// A string, which in Erlang is the list of its characters' codes.
    #[must_use]
    pub fn string(text: &str) -> Self {
        Self::List(text.chars().map(|c| Self::from(i64::from(u32::from(c)))).collect())
    }

    /// A binary.
    #[must_use]
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        Self::Binary(bytes.into())
    }

    /// A tuple.
    #[must_use]
    pub fn tuple(elements: impl IntoIterator<Item = Term>) -> Self {
        Self::Tuple(elements.into_iter().collect())
    }

    /// A proper list.
    #[must_use]
    pub fn list(elements: impl IntoIterator<Item = Term>) -> Self {
        Self::List(elements.into_iter().collect())
    }

    /// `[elements | tail]`, which is a proper list when the tail is one.
    #[must_use]
    pub fn improper(mut elements: Vec<Term>, tail: Term) -> Self {
        match tail {
            Self::List(rest) => {
                elements.extend(rest);
                Self::List(elements)
            }
            Self::Improper(rest, tail) => {
                elements.extend(rest);
                Self::Improper(elements, tail)
            }
            tail if elements.is_empty() => tail,
            tail => Self::Improper(elements, Box::new(tail)),
        }
    }

    /// The name, if this is an atom.
    #[must_use]
    pub fn as_atom(&self) -> Option<&Atom> {
        match self {
            Self::Atom(atom) => Some(atom),
            _ => None,
        }
    }

    /// Is this the atom of that name?
    #[must_use]
    pub fn is_atom(&self, name: &str) -> bool {
        self.as_atom().is_some_and(|atom| atom.as_str() == name)
    }

    /// The value, if this is an integer that fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Integer(integer) => integer.to_i64(),
            _ => None,
        }
    }

    /// The elements, if this is a tuple.
    #[must_use]
    pub fn as_tuple(&self) -> Option<&[Term]> {
        match self {
            Self::Tuple(elements) => Some(elements),
            _ => None,
        }
    }

    /// The elements, if this is a proper list.
    #[must_use]
    pub fn as_list(&self) -> Option<&[Term]> {
        match self {
            Self::List(elements) => Some(elements),
            _ => None,
        }
    }

    /// The bytes, if this is a binary.
    #[must_use]
    pub fn as_binary(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The pairs, if this is a map.
    #[must_use]
    pub fn as_map(&self) -> Option<&BTreeMap<Term, Term>> {
        match self {
            Self::Map(pairs) => Some(pairs),
            _ => None,
        }
    }

    /// The text, if this is a list of character codes. The empty list is the empty string.
    #[must_use]
    pub fn to_text(&self) -> Option<String> {
        self.as_list()?.iter().map(Self::to_char).collect()
    }

    fn to_char(&self) -> Option<char> {
        self.as_i64().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32)
    }

    /// The value of `key` in a property list: the second element of the first pair that starts with the atom `key`.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&Term> {
        self.as_list()?.iter().find_map(|entry| match entry.as_tuple() {
            Some([name, value]) if name.is_atom(key) => Some(value),
            _ => None,
        })
    }
}

impl From<Atom> for Term {
    fn from(atom: Atom) -> Self {
        Self::Atom(atom)
    }
}

impl From<i64> for Term {
    fn from(value: i64) -> Self {
        Self::Integer(Integer::from(value))
    }
}

impl From<bool> for Term {
    fn from(value: bool) -> Self {
        Self::atom(if value { "true" } else { "false" })
    }
}
