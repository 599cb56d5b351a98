//! Atoms: names of at most 255 characters.

use std::borrow::Cow;
use std::fmt;

/// An Erlang atom.
///
/// Compares by code points, as Erlang does (the order of UTF-8 bytes is the same).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Atom(Cow<'static, str>);

/// A name is too long to be an atom; OTP allows 255 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an atom has at most 255 characters, this name has {0}")]
pub struct AtomTooLong(pub usize);

impl Atom {
    /// The longest name an atom may have, in characters (`MAX_ATOM_CHARACTERS` of ERTS).
    pub const MAX_CHARS: usize = 255;

    /// An atom of that name; any text will do, as long as it is not too long.
    ///
    /// # Errors
    /// More than 255 characters.
    pub fn new(name: impl Into<String>) -> Result<Self, AtomTooLong> {
        let name = name.into();
        match name.chars().count() {
            count if count > Self::MAX_CHARS => Err(AtomTooLong(count)),
            _ => Ok(Self(Cow::Owned(name))),
        }
    }

    /// An atom known when this program is written.
    ///
    /// # Panics
    /// When the literal has more than 255 bytes; while compiling, if used in a constant.
    #[must_use]
    pub const fn literal(name: &'static str) -> Self {
        assert!(name.len() <= Self::MAX_CHARS, "the literal is too long for an atom");
        Self(Cow::Borrowed(name))
    }

    /// The name, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Atom {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl PartialEq<str> for Atom {
    fn eq(&self, other: &str) -> bool {
        self.0 == other
    }
}

impl PartialEq<&str> for Atom {
    fn eq(&self, other: &&str) -> bool {
        self.0 == *other
    }
}

impl TryFrom<&str> for Atom {
    type Error = AtomTooLong;

    fn try_from(name: &str) -> Result<Self, AtomTooLong> {
        Self::new(name)
    }
}

/// The bare name, for messages and paths; source text needs quotes for some names, see [`text`](super::text).
impl fmt::Display for Atom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
