//! The tables of a module: atoms, exports, imports, literals.

use super::chunks::{inflate, u32_at};
use super::{BeamError, Function, Import};
use crate::term::Atom;
use std::borrow::Cow;

/// The atoms of a module; other tables refer to them by number, from 1.
#[derive(Debug, Clone)]
pub(super) struct AtomTable(Vec<Atom>);

impl AtomTable {
    /// A count, then the atoms, each with its length before it. A negative count (OTP 28) says that the lengths are written
    /// as the compiler writes operands, which leaves room for more than 255 bytes.
    pub(super) fn parse(chunk: &[u8]) -> Result<Self, BeamError> {
        let table = Self::read(chunk).ok_or(BeamError::Damaged("AtU8"))?;
        if table.0.is_empty() { Err(BeamError::Damaged("AtU8")) } else { Ok(table) }
    }

    fn read(chunk: &[u8]) -> Option<Self> {
        let (count, mut rest) = chunk.split_first_chunk()?;
        let count = i32::from_be_bytes(*count);
        let read_len = if count < 0 { operand } else { byte };
        let mut atoms = Vec::new();
        for _ in 0..count.unsigned_abs() {
            let (len, after) = read_len(rest)?;
            let (name, after) = after.split_at_checked(len)?;
            atoms.push(Atom::new(str::from_utf8(name).ok()?).ok()?);
            rest = after;
        }
        Some(Self(atoms))
    }

    pub(super) fn module(&self) -> &Atom {
        self.0.first().expect("a table without atoms is refused")
    }

    pub(super) fn all(&self) -> &[Atom] {
        &self.0
    }

    pub(super) fn get(&self, number: u32) -> Option<&Atom> {
        self.0.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }
}

fn byte(bytes: &[u8]) -> Option<(usize, &[u8])> {
    bytes.split_first().map(|(len, rest)| (usize::from(*len), rest))
}

/// The compiler's form of an unsigned operand (tag 0 in the low three bits), as far as the length of an atom can need it:
/// four bits in the first byte, or eleven in two.
fn operand(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (first, rest) = bytes.split_first()?;
    match first & 0b1_1111 {
        0b0_0000 | 0b1_0000 => Some((usize::from(first >> 4), rest)),
        0b0_1000 => rest.split_first().map(|(low, rest)| (usize::from(first >> 5) << 8 | usize::from(*low), rest)),
        _ => None,
    }
}

/// Rows of three words after their number.
fn rows<T>(chunk: &[u8], name: &'static str, row: impl Fn([u32; 3]) -> Option<T>) -> Result<Vec<T>, BeamError> {
    let read = || -> Option<Vec<T>> {
        let count = u32_at(chunk, 0)?;
        let table = chunk.get(4..4usize.checked_add(count.checked_mul(12)?)?)?;
        let word = |bytes: &[u8]| bytes.first_chunk().map(|word| u32::from_be_bytes(*word));
        table.chunks_exact(12).map(|bytes| row([word(bytes)?, word(&bytes[4..])?, word(&bytes[8..])?])).collect()
    };
    read().ok_or(BeamError::Damaged(name))
}

/// Function, arity, label.
pub(super) fn exports(chunk: &[u8], atoms: &AtomTable) -> Result<Vec<Function>, BeamError> {
    rows(chunk, "ExpT", |[name, arity, _]| function(atoms, name, arity))
}

/// Module, function, arity.
pub(super) fn imports(chunk: &[u8], atoms: &AtomTable) -> Result<Vec<Import>, BeamError> {
    rows(chunk, "ImpT", |[module, name, arity]| {
        Some(Import { module: atoms.get(module)?.clone(), function: function(atoms, name, arity)? })
    })
}

fn function(atoms: &AtomTable, name: u32, arity: u32) -> Option<Function> {
    Some(Function { name: atoms.get(name)?.clone(), arity: u8::try_from(arity).ok()? })
}

/// External terms, each with its size before it. The whole is compressed, with the size it inflates to before it; since OTP 28
/// it is not, and that size is zero.
pub(super) fn literals(chunk: &[u8]) -> Result<Vec<Vec<u8>>, BeamError> {
    let read = || {
        let data = chunk.get(4..)?;
        let table = match u32_at(chunk, 0)? {
            0 => Cow::Borrowed(data),
            size => Cow::Owned(inflate(data).filter(|table| table.len() == size)?),
        };
        let mut rest = table.get(4..)?;
        let mut literals = Vec::new();
        for _ in 0..u32_at(&table, 0)? {
            let (literal, after) = rest.get(4..)?.split_at_checked(u32_at(rest, 0)?)?;
            literals.push(literal.to_vec());
            rest = after;
        }
        Some(literals)
    };
    read().ok_or(BeamError::Damaged("LitT"))
}
