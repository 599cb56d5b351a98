//! The external term format: bytes to terms and back (erts user's guide, "External Term Format").
//!
//! Reads every tag that `term_to_binary/1,2` and the distribution of OTP 25 to 29 emit for the types [`Term`](super::Term) has, and the
//! older forms of them. Not read: the distribution header and its atom cache (we do not offer them in the handshake),
//! `LOCAL_EXT`, which only the node that wrote it can read, and the native records OTP 29 brings.
//!
//! What is read may be hostile. The nesting is limited to [`MAX_DEPTH`](super::MAX_DEPTH); nothing is allocated because a length field
//! says so, only because bytes are there; a compressed term may not grow beyond [`MAX_INFLATED`].

mod decode;
mod encode;
mod inflate;

pub use decode::{decode, decode_front, decode_prefix, decode_within};
pub use encode::{encode, encode_into};
pub use inflate::MAX_INFLATED;

/// First byte of every term in this format.
pub const VERSION: u8 = 131;

/// Bytes are not a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {kind}")]
pub struct DecodeError {
    /// Offset in the input, or in what it inflates to if it is compressed.
    pub at: usize,
    /// Why.
    pub kind: DecodeErrorKind,
}

/// Why bytes are not a term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The first byte is not 131.
    #[error("not the external term format")]
    Version,
    /// A length reaches beyond the end, or the end comes too early.
    #[error("the term is cut short")]
    Truncated,
    /// A tag we do not know, or know but do not read.
    #[error("unknown tag {0}")]
    Tag(u8),
    /// More than 255 characters, or not UTF-8.
    #[error("not an atom")]
    Atom,
    /// An infinity, NaN, or text that is no number.
    #[error("not a finite float")]
    Float,
    /// More or fewer bits in use than a byte has.
    #[error("not a bitstring")]
    Bits,
    /// The same key twice.
    #[error("a map has a key twice")]
    DuplicateKey,
    /// An identifier with fields OTP does not make.
    #[error("not a pid, port, reference or fun")]
    Identifier,
    /// Tuples, lists and maps too deep in each other.
    #[error("nested more than {} levels deep", super::MAX_DEPTH)]
    TooDeep,
    /// Not zlib, not of the length it claims, or larger than [`MAX_INFLATED`].
    #[error("not a compressed term of acceptable size")]
    Compressed,
    /// More terms than the reader was allowed to make of them.
    #[error("more terms than are taken")]
    TooMany,
    /// Bytes follow where none should.
    #[error("bytes follow the term")]
    Trailing,
}

impl DecodeErrorKind {
    fn at(self, at: usize) -> DecodeError {
        DecodeError { at, kind: self }
    }
}

mod tag {
    //! Tags by their names in the guide.
    pub(super) const NEW_FLOAT: u8 = 70;
    pub(super) const BIT_BINARY: u8 = 77;
    pub(super) const COMPRESSED: u8 = 80;
    pub(super) const NEW_PID: u8 = 88;
    pub(super) const NEW_PORT: u8 = 89;
    pub(super) const NEWER_REFERENCE: u8 = 90;
    pub(super) const SMALL_INTEGER: u8 = 97;
    pub(super) const INTEGER: u8 = 98;
    pub(super) const FLOAT: u8 = 99;
    pub(super) const ATOM: u8 = 100;
    pub(super) const REFERENCE: u8 = 101;
    pub(super) const PORT: u8 = 102;
    pub(super) const PID: u8 = 103;
    pub(super) const SMALL_TUPLE: u8 = 104;
    pub(super) const LARGE_TUPLE: u8 = 105;
    pub(super) const NIL: u8 = 106;
    pub(super) const STRING: u8 = 107;
    pub(super) const LIST: u8 = 108;
    pub(super) const BINARY: u8 = 109;
    pub(super) const SMALL_BIG: u8 = 110;
    pub(super) const LARGE_BIG: u8 = 111;
    pub(super) const NEW_FUN: u8 = 112;
    pub(super) const EXPORT: u8 = 113;
    pub(super) const NEW_REFERENCE: u8 = 114;
    pub(super) const SMALL_ATOM: u8 = 115;
    pub(super) const MAP: u8 = 116;
    pub(super) const ATOM_UTF8: u8 = 118;
    pub(super) const SMALL_ATOM_UTF8: u8 = 119;
    pub(super) const V4_PORT: u8 = 120;
}

#[cfg(test)]
mod tests;
