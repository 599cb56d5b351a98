//! The Erlang distribution as state machines: bytes in, bytes out, no socket, no clock, no randomness.
//!
//! A node is asked in four steps, each a module: where it listens ([`epmd`]), who we are to each other ([`handshake`]), messages
//! on the wire ([`frame`], [`control`]), and calls with the output of the called ([`session`]). Whoever owns the connection, which
//! may well be a tunnel through another machine, carries the bytes and watches the time.
//!
//! To the node we are a hidden node (as `erl -hidden`): not in `nodes()`, not in `global`. What we offer in the handshake keeps
//! the protocol small: no atom cache and no fragments, so every message comes whole and readable by itself.

pub mod control;
pub mod epmd;
pub mod frame;
pub mod guarded;
pub mod handshake;
mod io;
pub mod session;

use crate::term::Atom;
use md5::Digest;
use std::fmt;

/// Capabilities, by their names in "Distribution Protocol" of the erts user's guide, which also says since when OTP demands which.
pub mod flags {
    const EXTENDED_REFERENCES: u64 = 0x4;
    const DIST_MONITOR: u64 = 0x8;
    const FUN_TAGS: u64 = 0x10;
    const DIST_MONITOR_NAME: u64 = 0x20;
    const NEW_FUN_TAGS: u64 = 0x80;
    const EXTENDED_PIDS_PORTS: u64 = 0x100;
    const EXPORT_PTR_TAG: u64 = 0x200;
    const BIT_BINARIES: u64 = 0x400;
    const NEW_FLOATS: u64 = 0x800;
    const UNICODE_IO: u64 = 0x1000;
    const UTF8_ATOMS: u64 = 0x1_0000;
    const MAP_TAG: u64 = 0x2_0000;
    const BIG_CREATION: u64 = 0x4_0000;
    const EXIT_PAYLOAD: u64 = 0x40_0000;
    const UNLINK_ID: u64 = 0x200_0000;
    const MANDATORY_25_DIGEST: u64 = 1 << 36;
    const V4_NC: u64 = 1 << 34;
    const ALIAS: u64 = 1 << 35;

    /// Processes can be made by a signal, which is how `erpc` makes its calls. Every node since OTP 23 can.
    pub const SPAWN: u64 = 1 << 32;

    /// The handshake of OTP 23, the only one spoken here.
    pub const HANDSHAKE_23: u64 = 0x100_0000;
    /// We have no name and ask for one.
    pub const NAME_ME: u64 = 1 << 33;

    /// What we offer: all that OTP 25 to 29 demand, and `UNICODE_IO`, without which output comes in Latin-1. Not `PUBLISHED`, so
    /// that we are hidden; not `FRAGMENTS` nor `DIST_HDR_ATOM_CACHE`.
    pub const OFFERED: u64 = EXTENDED_REFERENCES
        | DIST_MONITOR
        | FUN_TAGS
        | DIST_MONITOR_NAME
        | NEW_FUN_TAGS
        | EXTENDED_PIDS_PORTS
        | EXPORT_PTR_TAG
        | BIT_BINARIES
        | NEW_FLOATS
        | UNICODE_IO
        | UTF8_ATOMS
        | MAP_TAG
        | BIG_CREATION
        | EXIT_PAYLOAD
        | HANDSHAKE_23
        | UNLINK_ID
        | MANDATORY_25_DIGEST
        | V4_NC
        | SPAWN
        | ALIAS;
}

/// The name of a node, `name@host`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(Atom);

/// A text is not the name of a node.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not the name of a node, name@host")]
pub struct BadNodeName(pub String);

impl NodeName {
    /// The name `text` stands for.
    ///
    /// # Errors
    /// Not two words around one `@`, or too long for an atom.
    pub fn new(text: &str) -> Result<Self, BadNodeName> {
        let error = || BadNodeName(text.to_owned());
        let is_word = |part: &str| !part.is_empty() && !part.contains(|c: char| c == '@' || c.is_whitespace() || c.is_control());
        let (name, host) = text.split_once('@').ok_or_else(error)?;
        if !is_word(name) || !is_word(host) {
            return Err(error());
        }
        Atom::new(text).map(Self).map_err(|_| error())
    }

    /// The part before the `@`, the one that epmd knows.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts().0
    }

    /// The part behind the `@`.
    #[must_use]
    pub fn host(&self) -> &str {
        self.parts().1
    }

    /// All of it.
    #[must_use]
    pub fn as_atom(&self) -> &Atom {
        &self.0
    }

    fn parts(&self) -> (&str, &str) {
        self.0.as_str().split_once('@').expect("checked when it was made")
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The secret both sides of a connection know. It cannot be printed.
#[derive(Clone)]
pub struct Cookie(String);

impl Cookie {
    /// The cookie as written in a cookie file, whose line end does not count.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim_end_matches(['\n', '\r']).to_owned())
    }

    /// Proof that we know the cookie: MD5 of it and the challenge in decimal.
    pub(crate) fn digest(&self, challenge: u32) -> [u8; 16] {
        let mut md5 = md5::Md5::new();
        md5.update(&self.0);
        md5.update(challenge.to_string());
        md5.finalize().into()
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cookie(…)")
    }
}

#[cfg(test)]
mod tests;
