//! Bytes to terms.

use super::inflate::inflate;
use super::{DecodeError, DecodeErrorKind as Kind, VERSION, tag};
use crate::term::{Atom, Bits, Export, Float, Fun, Integer, MAX_DEPTH, Pid, Port, Reference, Term};
use std::collections::BTreeMap;

/// Elements a tuple or list gets room for before they have been read.
const ROOM: usize = 64;

/// Reads a term that takes all of `bytes`.
///
/// # Errors
/// Where and why the bytes are not one term.
pub fn decode(bytes: &[u8]) -> Result<Term, DecodeError> {
    decode_within(bytes, usize::MAX)
}

/// The same, of a term that consists of at most so many terms. In memory each takes some 32 bytes, however few it takes here.
///
/// # Errors
/// As [`decode`], and [`Kind::TooMany`].
pub fn decode_within(bytes: &[u8], terms: usize) -> Result<Term, DecodeError> {
    match prefix(bytes, terms)? {
        (term, []) => Ok(term),
        (_, rest) => Err(Kind::Trailing.at(bytes.len() - rest.len())),
    }
}

/// The first elements of a tuple of which only the start is there; none if it is no tuple. What is compressed is not looked into.
#[must_use]
pub fn decode_front(start: &[u8]) -> Vec<Term> {
    let mut reader = Reader { bytes: start, at: 0, depth: 0, left: start.len() };
    let count = match (reader.u8(), reader.u8()) {
        (Ok(VERSION), Ok(tag::SMALL_TUPLE)) => reader.len8(),
        (Ok(VERSION), Ok(tag::LARGE_TUPLE)) => reader.len32(),
        _ => return Vec::new(),
    };
    (0..count.unwrap_or(0)).map_while(|_| reader.term().ok()).collect()
}

/// Reads the term at the start of `bytes`; returns it and what follows it.
///
/// # Errors
/// Where and why the bytes do not start with a term.
pub fn decode_prefix(bytes: &[u8]) -> Result<(Term, &[u8]), DecodeError> {
    prefix(bytes, usize::MAX)
}

fn prefix(bytes: &[u8], terms: usize) -> Result<(Term, &[u8]), DecodeError> {
    let mut reader = Reader { bytes, at: 0, depth: 0, left: terms };
    if reader.u8()? != VERSION {
        return Err(Kind::Version.at(0));
    }
    if reader.bytes.get(reader.at) == Some(&tag::COMPRESSED) {
        return compressed(reader);
    }
    let term = reader.term()?;
    Ok((term, &bytes[reader.at..]))
}

fn compressed(mut reader: Reader<'_>) -> Result<(Term, &[u8]), DecodeError> {
    reader.u8()?;
    let size = reader.len32()?;
    let data = &reader.bytes[reader.at..];
    let (inflated, used) = inflate(data, size, reader.at)?;
    let mut inner = Reader { bytes: &inflated, at: 0, depth: 0, left: reader.left };
    let term = inner.term()?;
    if inner.at != inflated.len() {
        return Err(Kind::Trailing.at(inner.at));
    }
    Ok((term, &data[used..]))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
    /// Terms that may still come.
    left: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Result<&'a [u8], DecodeError> {
        let taken = self.bytes[self.at..].get(..len).ok_or(Kind::Truncated.at(self.at))?;
        self.at += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        self.take(N).map(|bytes| bytes.try_into().expect("took N bytes"))
    }

    fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array().map(u8::from_be_bytes)
    }

    fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    fn u64(&mut self) -> Result<u64, DecodeError> {
        self.array().map(u64::from_be_bytes)
    }

    fn len8(&mut self) -> Result<usize, DecodeError> {
        self.u8().map(usize::from)
    }

    fn len16(&mut self) -> Result<usize, DecodeError> {
        self.array().map(|bytes| usize::from(u16::from_be_bytes(bytes)))
    }

    fn len32(&mut self) -> Result<usize, DecodeError> {
        let at = self.at;
        usize::try_from(self.u32()?).map_err(|_| Kind::Truncated.at(at))
    }

    /// A term, one level deeper.
    fn term(&mut self) -> Result<Term, DecodeError> {
        if self.depth == MAX_DEPTH {
            return Err(Kind::TooDeep.at(self.at));
        }
        self.spend(1)?;
        self.depth += 1;
        let term = self.tagged();
        self.depth -= 1;
        term
    }

    fn spend(&mut self, terms: usize) -> Result<(), DecodeError> {
        self.left = self.left.checked_sub(terms).ok_or(Kind::TooMany.at(self.at))?;
        Ok(())
    }

    fn tagged(&mut self) -> Result<Term, DecodeError> {
        let at = self.at;
        match self.u8()? {
            tag::SMALL_INTEGER => self.u8().map(|value| Term::from(i64::from(value))),
            tag::INTEGER => self.array().map(|bytes| Term::from(i64::from(i32::from_be_bytes(bytes)))),
            tag::SMALL_BIG => self.len8().and_then(|len| self.big(len)),
            tag::LARGE_BIG => self.len32().and_then(|len| self.big(len)),
            tag::NEW_FLOAT => self.array().and_then(|bytes| float(f64::from_be_bytes(bytes), at)),
            tag::FLOAT => self.float_text(at),
            tag::ATOM | tag::SMALL_ATOM | tag::ATOM_UTF8 | tag::SMALL_ATOM_UTF8 => {
                self.at = at;
                self.atom().map(Term::Atom)
            }
            tag::NIL => Ok(Term::List(Vec::new())),
            tag::STRING => self.string(),
            tag::BINARY => self.len32().and_then(|len| self.take(len)).map(Term::binary),
            tag::BIT_BINARY => self.bits(at),
            tag::SMALL_TUPLE => self.len8().and_then(|len| self.terms(len)).map(Term::Tuple),
            tag::LARGE_TUPLE => self.len32().and_then(|len| self.terms(len)).map(Term::Tuple),
            tag::LIST => self.list(),
            tag::MAP => self.map(),
            other => self.identifier(other, at),
        }
    }

    fn identifier(&mut self, tag: u8, at: usize) -> Result<Term, DecodeError> {
        match tag {
            tag::NEW_PID | tag::PID => {
                self.at = at;
                self.pid().map(Term::Pid)
            }
            tag::V4_PORT => self.port(Self::u64, Self::u32),
            tag::NEW_PORT => self.port(|reader| reader.u32().map(u64::from), Self::u32),
            tag::PORT => self.port(|reader| reader.u32().map(u64::from), Self::creation8),
            tag::NEWER_REFERENCE => self.len16().and_then(|len| self.reference(len, Self::u32)),
            tag::NEW_REFERENCE => self.len16().and_then(|len| self.reference(len, Self::creation8)),
            tag::REFERENCE => self.old_reference(),
            tag::EXPORT => self.export(),
            tag::NEW_FUN => self.fun(at),
            unknown => Err(Kind::Tag(unknown).at(at)),
        }
    }

    fn terms(&mut self, count: usize) -> Result<Vec<Term>, DecodeError> {
        // Every term takes a byte at least; so a count that cannot be is found before anything is read.
        if count > self.bytes.len() - self.at {
            return Err(Kind::Truncated.at(self.at));
        }
        let mut terms = Vec::with_capacity(count.min(ROOM));
        for _ in 0..count {
            terms.push(self.term()?);
        }
        Ok(terms)
    }

    fn list(&mut self) -> Result<Term, DecodeError> {
        let count = self.len32()?;
        let elements = self.terms(count)?;
        Ok(Term::improper(elements, self.term()?))
    }

    fn string(&mut self) -> Result<Term, DecodeError> {
        let len = self.len16()?;
        self.spend(len)?;
        Ok(Term::List(self.take(len)?.iter().map(|byte| Term::from(i64::from(*byte))).collect()))
    }

    fn map(&mut self) -> Result<Term, DecodeError> {
        let count = self.len32()?;
        let mut pairs = BTreeMap::new();
        for _ in 0..count {
            let at = self.at;
            if pairs.insert(self.term()?, self.term()?).is_some() {
                return Err(Kind::DuplicateKey.at(at));
            }
        }
        Ok(Term::Map(pairs))
    }

    /// Sign, then the absolute value, least significant byte first.
    fn big(&mut self, len: usize) -> Result<Term, DecodeError> {
        let negative = self.u8()? != 0;
        Ok(Term::Integer(Integer::from_magnitude(negative, self.take(len)?)))
    }

    /// `FLOAT_EXT`: 31 bytes of `%.20e`; it ends at the first zero.
    fn float_text(&mut self, at: usize) -> Result<Term, DecodeError> {
        let text = self.take(31)?.split(|byte| *byte == 0).next().unwrap_or_default();
        let text = str::from_utf8(text).map_err(|_| Kind::Float.at(at))?;
        float(text.parse().map_err(|_| Kind::Float.at(at))?, at)
    }

    fn atom(&mut self) -> Result<Atom, DecodeError> {
        let at = self.at;
        let (len, latin1) = match self.u8()? {
            tag::ATOM => (self.len16()?, true),
            tag::SMALL_ATOM => (self.len8()?, true),
            tag::ATOM_UTF8 => (self.len16()?, false),
            tag::SMALL_ATOM_UTF8 => (self.len8()?, false),
            _ => return Err(Kind::Atom.at(at)),
        };
        let name = self.take(len)?;
        let name = match latin1 {
            true => name.iter().map(|byte| char::from(*byte)).collect(),
            false => str::from_utf8(name).map_err(|_| Kind::Atom.at(at))?.to_owned(),
        };
        Atom::new(name).map_err(|_| Kind::Atom.at(at))
    }

    fn bits(&mut self, at: usize) -> Result<Term, DecodeError> {
        let len = self.len32()?;
        let last = self.u8()?;
        let bytes = self.take(len)?.to_vec();
        match last {
            8 => Ok(Term::Binary(bytes)),
            0 if bytes.is_empty() => Ok(Term::Binary(bytes)),
            last => Bits::new(bytes, last).map(Term::Bits).ok_or(Kind::Bits.at(at)),
        }
    }

    fn creation8(&mut self) -> Result<u32, DecodeError> {
        self.u8().map(u32::from)
    }

    fn pid(&mut self) -> Result<Pid, DecodeError> {
        let at = self.at;
        let creation = match self.u8()? {
            tag::NEW_PID => Self::u32,
            tag::PID => Self::creation8,
            _ => return Err(Kind::Identifier.at(at)),
        };
        Ok(Pid { node: self.atom()?, id: self.u32()?, serial: self.u32()?, creation: creation(self)? })
    }

    fn port(
        &mut self,
        id: impl Fn(&mut Self) -> Result<u64, DecodeError>,
        creation: impl Fn(&mut Self) -> Result<u32, DecodeError>,
    ) -> Result<Term, DecodeError> {
        Ok(Term::Port(Port { node: self.atom()?, id: id(self)?, creation: creation(self)? }))
    }

    fn reference(&mut self, len: usize, creation: fn(&mut Self) -> Result<u32, DecodeError>) -> Result<Term, DecodeError> {
        if !(1..=5).contains(&len) {
            return Err(Kind::Identifier.at(self.at));
        }
        let (node, creation) = (self.atom()?, creation(self)?);
        let ids = (0..len).map(|_| self.u32()).collect::<Result<_, _>>()?;
        Ok(Term::Reference(Reference { node, creation, ids }))
    }

    /// `REFERENCE_EXT` has its one word before the creation.
    fn old_reference(&mut self) -> Result<Term, DecodeError> {
        let (node, id, creation) = (self.atom()?, self.u32()?, self.creation8()?);
        Ok(Term::Reference(Reference { node, creation, ids: vec![id] }))
    }

    fn export(&mut self) -> Result<Term, DecodeError> {
        let (module, function, at) = (self.atom()?, self.atom()?, self.at);
        match self.u8()? {
            tag::SMALL_INTEGER => Ok(Term::Export(Export { module, function, arity: self.u8()? })),
            _ => Err(Kind::Identifier.at(at)),
        }
    }

    /// Size, arity, uniq, index, number of free variables, module, old index, old uniq, pid, free variables. Read only to
    /// know that they are there; the bytes are kept as they are.
    fn fun(&mut self, at: usize) -> Result<Term, DecodeError> {
        let size = self.len32()?;
        self.take(1 + 16 + 4)?;
        let free = self.len32()?;
        self.atom()?;
        let (old_index, old_uniq) = (self.term()?, self.term()?);
        self.pid()?;
        for _ in 0..free {
            self.term()?;
        }
        let is_integer = |term: &Term| matches!(term, Term::Integer(_));
        match self.at - at == 1 + size && is_integer(&old_index) && is_integer(&old_uniq) {
            true => Ok(Term::Fun(Fun::from_external(self.bytes[at..self.at].to_vec()))),
            false => Err(Kind::Identifier.at(at)),
        }
    }
}

fn float(value: f64, at: usize) -> Result<Term, DecodeError> {
    Float::new(value).map(Term::Float).ok_or(Kind::Float.at(at))
}
