//! Identifiers that only a node can make sense of.
//!
//! The fields are those of the external term format (erts, "External Term Format"), so that a term which came from a
//! node can be sent back to it unchanged.

use super::Atom;

/// A process identifier (`NEW_PID_EXT`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pid {
    /// The node the process lives on.
    pub node: Atom,
    /// Number of the process.
    pub id: u32,
    /// Continuation of the number.
    pub serial: u32,
    /// Distinguishes incarnations of the node.
    pub creation: u32,
}

/// A port identifier (`V4_PORT_EXT`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Port {
    /// The node that opened the port.
    pub node: Atom,
    /// Number of the port.
    pub id: u64,
    /// Distinguishes incarnations of the node.
    pub creation: u32,
}

/// A reference (`NEWER_REFERENCE_EXT`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference {
    /// The node that made it.
    pub node: Atom,
    /// Distinguishes incarnations of the node.
    pub creation: u32,
    /// One to five words; the first is the least significant.
    pub ids: Vec<u32>,
}

/// `fun Module:Function/Arity` (`EXPORT_EXT`).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Export {
    /// Module.
    pub module: Atom,
    /// Function.
    pub function: Atom,
    /// Number of arguments, 0..=255.
    pub arity: u8,
}

/// A local fun, kept as the bytes of its external form.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fun(Vec<u8>);

impl Fun {
    /// Wraps the external form; only the decoder, which has checked it, may.
    pub(crate) fn from_external(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The external form: tag and body, without the version byte.
    #[must_use]
    pub fn external(&self) -> &[u8] {
        &self.0
    }
}
