//! `<<…>>`: segments of literals to bits, by the rules of the Erlang Reference Manual, "Bit Syntax Expressions".

use super::error::{ParseError, ParseErrorKind, Position};
use super::lex::Kind;
use super::parse::Parser;
use crate::term::{Bits, Integer, Term};

/// Widest segment, in bits. Without a limit a few characters of text could ask for gigabytes of zeros.
const MAX_SEGMENT_BITS: usize = 4096;

/// Reads a binary; the parser stands at `<<`.
pub(super) fn parse(parser: &mut Parser<'_>) -> Result<Term, ParseError> {
    parser.advance()?;
    let mut out = BitWriter::default();
    if !parser.take_punct(">>")? {
        for segment in parser.comma_separated(segment)? {
            out.append(&segment);
        }
        parser.expect_punct(">>", "`,` or `>>`")?;
    }
    Ok(out.finish())
}

fn segment(parser: &mut Parser<'_>) -> Result<BitWriter, ParseError> {
    let at = parser.at();
    // A string stands for one segment per character; anything else is one value.
    let values = match parser.kind() {
        Kind::Str(_) => Values::Text(parser.string()?),
        _ => Values::One(parser.term()?),
    };
    let size = if parser.take_punct(":")? { Some(size(parser)?) } else { None };
    let mut spec = Spec::default();
    if parser.take_punct("/")? {
        spec.read(parser)?;
    }
    values.write(&spec, size).map_err(|why| ParseErrorKind::BadSegment(why).at(at))
}

fn size(parser: &mut Parser<'_>) -> Result<usize, ParseError> {
    let at = parser.at();
    let size = parser.term()?.as_i64().and_then(|size| usize::try_from(size).ok());
    size.filter(|size| *size <= MAX_SEGMENT_BITS).ok_or(ParseErrorKind::BadSegment("size out of range").at(at))
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Kinds {
    #[default]
    Default,
    Integer,
    Float,
    Utf8,
    Utf16,
    Utf32,
    Binary,
    Bitstring,
}

/// What stands after the slash.
#[derive(Default)]
struct Spec {
    kind: Kinds,
    little: bool,
    unit: Option<usize>,
}

impl Spec {
    fn read(&mut self, parser: &mut Parser<'_>) -> Result<(), ParseError> {
        loop {
            let at = parser.at();
            let name = parser.name()?;
            self.apply(name.as_str(), parser, at)?;
            if !parser.take_punct("-")? {
                return Ok(());
            }
        }
    }

    fn apply(&mut self, name: &str, parser: &mut Parser<'_>, at: Position) -> Result<(), ParseError> {
        match name {
            "integer" => self.kind = Kinds::Integer,
            "float" => self.kind = Kinds::Float,
            "utf8" => self.kind = Kinds::Utf8,
            "utf16" => self.kind = Kinds::Utf16,
            "utf32" => self.kind = Kinds::Utf32,
            "binary" | "bytes" => self.kind = Kinds::Binary,
            "bitstring" | "bits" => self.kind = Kinds::Bitstring,
            "little" => self.little = true,
            "big" | "signed" | "unsigned" => {}
            "unit" => {
                parser.expect_punct(":", "`:` after unit")?;
                self.unit = Some(size(parser)?);
            }
            _ => return Err(ParseErrorKind::BadSegment("unknown type").at(at)),
        }
        Ok(())
    }

    /// Width in bits of a number written with this specification.
    fn width(&self, size: Option<usize>, default: usize) -> Result<usize, &'static str> {
        let width = size.map_or(default, |size| size * self.unit.unwrap_or(1));
        if width <= MAX_SEGMENT_BITS { Ok(width) } else { Err("size out of range") }
    }
}

enum Values {
    Text(String),
    One(Term),
}

impl Values {
    fn write(&self, spec: &Spec, size: Option<usize>) -> Result<BitWriter, &'static str> {
        let mut out = BitWriter::default();
        match self {
            Self::Text(text) => {
                for c in text.chars() {
                    out.value(&Term::from(i64::from(u32::from(c))), spec, size)?;
                }
            }
            Self::One(term) => out.value(term, spec, size)?,
        }
        Ok(out)
    }
}

/// Bits in order, the last byte filled from its upper end.
#[derive(Default)]
struct BitWriter {
    bytes: Vec<u8>,
    /// Bits used in the last byte; 0 means it is full (or there is none).
    used: u8,
}

impl BitWriter {
    fn value(&mut self, term: &Term, spec: &Spec, size: Option<usize>) -> Result<(), &'static str> {
        match (spec.kind, term) {
            (Kinds::Default | Kinds::Integer, Term::Integer(value)) => {
                self.integer(value, spec.width(size, 8)?, spec.little);
                Ok(())
            }
            (Kinds::Float, Term::Float(value)) => self.float(value.get(), spec, size),
            (Kinds::Float, Term::Integer(value)) => {
                let value = value.to_string().parse().map_err(|_| "not a float")?;
                self.float(value, spec, size)
            }
            (Kinds::Utf8 | Kinds::Utf16 | Kinds::Utf32, Term::Integer(value)) if size.is_none() => {
                let code = value.to_i64().and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32);
                self.character(code.ok_or("not a character")?, spec);
                Ok(())
            }
            (Kinds::Binary | Kinds::Bitstring, Term::Binary(bytes)) if size.is_none() => {
                self.bits(bytes, bytes.len() * 8);
                Ok(())
            }
            (Kinds::Bitstring, Term::Bits(bits)) if size.is_none() => {
                self.bits(bits.bytes(), bits.bytes().len() * 8 - 8 + usize::from(bits.last()));
                Ok(())
            }
            _ => Err("the value does not fit its type"),
        }
    }

    /// Two's complement, cut to the width.
    fn integer(&mut self, value: &Integer, width: usize, little: bool) {
        let mut bytes = twos_complement(value, width.div_ceil(8));
        let partial = width % 8;
        if little {
            // Whole bytes come first, the lowest first; the odd bits of the highest come last.
            if let Some(top) = bytes.last_mut().filter(|_| partial > 0) {
                *top <<= 8 - partial;
            }
            return self.bits(&bytes, width);
        }
        bytes.reverse();
        if partial > 0 {
            shift_left(&mut bytes, 8 - partial);
        }
        self.bits(&bytes, width);
    }

    fn float(&mut self, value: f64, spec: &Spec, size: Option<usize>) -> Result<(), &'static str> {
        let mut bytes = match spec.width(size, 64)? {
            64 => value.to_be_bytes().to_vec(),
            32 if (value as f32).is_finite() => (value as f32).to_be_bytes().to_vec(),
            _ => return Err("not a float of that size"),
        };
        if spec.little {
            bytes.reverse();
        }
        self.bits(&bytes, bytes.len() * 8);
        Ok(())
    }

    fn character(&mut self, c: char, spec: &Spec) {
        let ordered = |unit: &mut Vec<u8>| {
            if spec.little {
                unit.reverse()
            }
        };
        let bytes: Vec<u8> = match spec.kind {
            Kinds::Utf16 => c
                .encode_utf16(&mut [0; 2])
                .iter()
                .flat_map(|unit| {
                    let mut unit = unit.to_be_bytes().to_vec();
                    ordered(&mut unit);
                    unit
                })
                .collect(),
            Kinds::Utf32 => {
                let mut unit = u32::from(c).to_be_bytes().to_vec();
                ordered(&mut unit);
                unit
            }
            _ => c.encode_utf8(&mut [0; 4]).as_bytes().to_vec(),
        };
        self.bits(&bytes, bytes.len() * 8);
    }

    fn append(&mut self, other: &Self) {
        let unused = if other.used == 0 { 0 } else { 8 - usize::from(other.used) };
        self.bits(&other.bytes, other.bytes.len() * 8 - unused);
    }

    /// The first `count` bits of `bytes`; the rest of the last byte must be zero or is cleared here.
    fn bits(&mut self, bytes: &[u8], count: usize) {
        let used = self.used;
        for byte in &bytes[..count.div_ceil(8)] {
            if used == 0 {
                self.bytes.push(*byte);
            } else {
                *self.bytes.last_mut().expect("a byte is in use") |= byte >> used;
                self.bytes.push(byte << (8 - used));
            }
        }
        self.truncate(self.bit_len(used, bytes, count));
    }

    /// Length in bits once `count` more bits stand behind the `used` ones that were there.
    fn bit_len(&self, used: u8, bytes: &[u8], count: usize) -> usize {
        let pushed = bytes[..count.div_ceil(8)].len();
        let before = (self.bytes.len() - pushed) * 8;
        let unused = if used == 0 { 0 } else { 8 - usize::from(used) };
        before - unused + count
    }

    fn truncate(&mut self, bits: usize) {
        self.bytes.truncate(bits.div_ceil(8));
        self.used = (bits % 8) as u8;
        if let Some(last) = self.bytes.last_mut().filter(|_| self.used > 0) {
            *last &= 0xff << (8 - self.used);
        }
    }

    fn finish(self) -> Term {
        match self.used {
            0 => Term::Binary(self.bytes),
            used => Term::Bits(Bits::new(self.bytes, used).expect("1..=7 bits of a last byte")),
        }
    }
}

/// The low `len` bytes, little-endian.
fn twos_complement(value: &Integer, len: usize) -> Vec<u8> {
    let mut bytes = value.magnitude();
    bytes.resize(len, 0);
    if value.is_negative() {
        let mut carry = true;
        for byte in &mut bytes {
            (*byte, carry) = (!*byte).overflowing_add(u8::from(carry));
        }
    }
    bytes
}

/// Shifts a big-endian number left by 1..=7 bits; the bits that leave at the top are lost.
fn shift_left(bytes: &mut [u8], by: usize) {
    let mut carry = 0;
    for byte in bytes.iter_mut().rev() {
        let shifted = u16::from(*byte) << by | carry;
        *byte = shifted as u8; // the low half; the high half is carried
        carry = shifted >> 8;
    }
}
