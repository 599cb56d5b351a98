//! Compiled modules: the chunks of a BEAM file that say what a module is and whether its code changed.
//!
//! Reads what the compilers of OTP 25 to 29 and Elixir write, stripped or not, gzip-compressed or not. Debug information is never
//! looked into: releases are stripped of it. Everything but the list of chunks and atoms is read when asked for, so that walking
//! thousands of modules costs little.

mod chunks;
mod code;
mod digest;
mod tables;

use crate::term::etf::{self, DecodeError};
use crate::term::{Atom, Term};
use chunks::Chunks;
pub(crate) use code::{Body, Code, Unread};
use std::collections::BTreeSet;
use tables::AtomTable;

/// A compiled module.
#[derive(Debug, Clone)]
pub struct Beam<'a> {
    chunks: Chunks<'a>,
    atoms: AtomTable,
}

/// A function of some module.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Function {
    /// Name.
    pub name: Atom,
    /// Number of arguments.
    pub arity: u8,
}

/// A function of another module that this one calls by its full name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Import {
    /// The other module.
    pub module: Atom,
    /// The function there.
    pub function: Function,
}

/// MD5 of a module, what `Module:module_info(md5)` returns.
pub type Md5 = [u8; 16];

/// A file is not a module we can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BeamError {
    /// Not the form of a BEAM file.
    #[error("not a BEAM file")]
    NotBeam,
    /// Compressed, but damaged or inflating to more than 64 MiB.
    #[error("not a compressed BEAM file of acceptable size")]
    Gzip,
    /// A chunk every module has is missing.
    #[error("chunk {0} is missing")]
    Missing(&'static str),
    /// A chunk does not hold what it should.
    #[error("chunk {0} is damaged")]
    Damaged(&'static str),
    /// A chunk holds something that is not a term.
    #[error("chunk {chunk} does not hold a term")]
    Term {
        /// Its name.
        chunk: &'static str,
        /// Where and why.
        #[source]
        source: DecodeError,
    },
}

impl<'a> Beam<'a> {
    /// Reads a `.beam` file.
    ///
    /// # Errors
    /// Not a BEAM file, or one without a readable table of atoms.
    pub fn parse(file: &'a [u8]) -> Result<Self, BeamError> {
        let chunks = Chunks::parse(file)?;
        let atoms = AtomTable::parse(chunks.required("AtU8")?)?;
        Ok(Self { chunks, atoms })
    }

    /// Name of the module.
    #[must_use]
    pub fn module(&self) -> &Atom {
        self.atoms.module()
    }

    /// All atoms the module mentions, its own name first.
    #[must_use]
    pub fn atoms(&self) -> &[Atom] {
        self.atoms.all()
    }

    /// MD5 of what decides about the behaviour of the module, as `beam_lib:md5/1` and `module_info(md5)` have it. Line numbers,
    /// debug information and attributes have no part in it.
    ///
    /// It includes the chunk `Meta`, which `mix release` strips: compare only files that went the same way, or use
    /// [`Beam::md5_without_meta`].
    ///
    /// # Errors
    /// A chunk that every module has is missing.
    pub fn md5(&self) -> Result<Md5, BeamError> {
        digest::md5(&self.chunks, true)
    }

    /// As [`Beam::md5`], leaving out the chunk `Meta` (which functions need which feature of the language).
    ///
    /// # Errors
    /// As [`Beam::md5`].
    pub fn md5_without_meta(&self) -> Result<Md5, BeamError> {
        digest::md5(&self.chunks, false)
    }

    /// Exported functions in the order of the file.
    ///
    /// # Errors
    /// Missing or damaged chunk.
    pub fn exports(&self) -> Result<Vec<Function>, BeamError> {
        tables::exports(self.chunks.required("ExpT")?, &self.atoms)
    }

    /// Functions of other modules it calls, in the order of the file.
    ///
    /// # Errors
    /// Missing or damaged chunk.
    pub fn imports(&self) -> Result<Vec<Import>, BeamError> {
        tables::imports(self.chunks.required("ImpT")?, &self.atoms)
    }

    /// Does it export that function?
    ///
    /// # Errors
    /// Missing or damaged chunk.
    pub fn is_exported(&self, name: &str, arity: u8) -> Result<bool, BeamError> {
        Ok(self.exports()?.iter().any(|function| function.name == name && function.arity == arity))
    }

    /// Attributes in the order of the file, `{Name, Values}` each, as `module_info(attributes)` returns them.
    ///
    /// # Errors
    /// Damaged chunk.
    pub fn attributes(&self) -> Result<Vec<(Atom, Vec<Term>)>, BeamError> {
        let Some(chunk) = self.chunks.get("Attr") else { return Ok(Vec::new()) };
        let term = decode("Attr", chunk)?;
        let attribute = |term: &Term| match term.as_tuple()? {
            [name, Term::List(values)] => Some((name.as_atom()?.clone(), values.clone())),
            [name, value] => Some((name.as_atom()?.clone(), vec![value.clone()])),
            _ => None,
        };
        let attributes: Option<_> = term.as_list().and_then(|list| list.iter().map(attribute).collect());
        attributes.ok_or(BeamError::Damaged("Attr"))
    }

    /// Behaviours it declares, however it spells the attribute.
    ///
    /// # Errors
    /// Damaged chunk.
    pub fn behaviours(&self) -> Result<BTreeSet<Atom>, BeamError> {
        let attributes = self.attributes()?.into_iter().filter(|(name, _)| name == "behaviour" || name == "behavior");
        Ok(attributes.flat_map(|(_, values)| values).filter_map(|value| value.as_atom().cloned()).collect())
    }

    /// Its version, the values of the attribute `vsn`: what `code_change` is told. Without one in the source it is made of
    /// the MD5.
    ///
    /// # Errors
    /// Damaged chunk.
    pub fn vsn(&self) -> Result<Vec<Term>, BeamError> {
        Ok(self.attributes()?.into_iter().filter(|(name, _)| name == "vsn").flat_map(|(_, values)| values).collect())
    }

    /// The constant terms of the code; default values of structs and records are among them.
    ///
    /// # Errors
    /// Damaged chunk.
    pub fn literals(&self) -> Result<Vec<Term>, BeamError> {
        match self.chunks.get("LitT") {
            Some(chunk) => tables::literals(chunk)?.into_iter().map(|literal| decode("LitT", literal)).collect(),
            None => Ok(Vec::new()),
        }
    }

    /// What its instructions say; none if there are some that this reader does not know, as a newer compiler may write them.
    ///
    /// # Errors
    /// Missing or damaged chunk.
    pub(crate) fn code(&self) -> Result<Option<Code>, BeamError> {
        match Code::parse(self.chunks.required("Code")?) {
            Ok(code) => Ok(Some(code)),
            Err(Unread::Unknown) => Ok(None),
            Err(Unread::Damaged) => Err(BeamError::Damaged("Code")),
        }
    }

    /// The atom of that number, from 1.
    pub(crate) fn atom(&self, number: u32) -> Option<&Atom> {
        self.atoms.get(number)
    }

    /// Names of its chunks in the order of the file.
    pub fn chunk_names(&self) -> impl Iterator<Item = String> {
        self.chunks.names()
    }
}

fn decode(chunk: &'static str, bytes: impl AsRef<[u8]>) -> Result<Term, BeamError> {
    etf::decode(bytes.as_ref()).map_err(|source| BeamError::Term { chunk, source })
}

#[cfg(test)]
mod tests;
