//! Boot files: `start.boot`, the external form of `{script, {Name, Vsn}, Instructions}`, and `start.script`, the same as text.
//!
//! A boot file fixes which directory each library is loaded from. Where a library changed under an unchanged version, it gets a
//! directory of its own beside the old one, and [`BootScript::move_library`] makes the boot file use it. The directories are
//! relative to a variable the start script sets (`$ROOT` in every release, `$RELEASE_LIB` in those of mix), so that a release
//! can be moved; the variable stays as it is.

use crate::app::App;
use crate::resource::{ResourceError, list, shape, text, vsn};
use crate::term::etf::{self, DecodeError};
use crate::term::{Term, text as source};
use crate::vsn::Vsn;
use std::collections::BTreeSet;

/// Instructions by which a node boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootScript {
    /// Name of the release.
    pub name: String,
    /// Version of the release.
    pub vsn: Vsn,
    /// What `init` does, in order (erts reference manual, "script").
    pub instructions: Vec<Term>,
}

/// A boot file cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BootError {
    /// Not the external term format.
    #[error("not a boot file")]
    Boot(#[from] DecodeError),
    /// Not source text, or another term.
    #[error("not a boot script")]
    Script(#[from] ResourceError),
}

impl BootScript {
    /// Reads a `.boot` file.
    ///
    /// # Errors
    /// Not an external term, or not a script.
    pub fn from_boot(file: &[u8]) -> Result<Self, BootError> {
        Ok(Self::from_term(etf::decode(file)?)?)
    }

    /// Reads a `.script` file.
    ///
    /// # Errors
    /// Not one term, or not a script.
    pub fn from_script(file: &[u8]) -> Result<Self, BootError> {
        Ok(Self::from_term(source::consult_one(file).map_err(ResourceError::from)?)?)
    }

    fn from_term(term: Term) -> Result<Self, ResourceError> {
        let error = || shape("{script, {Name, Vsn}, Instructions}", &term);
        let Some([tag, release, instructions]) = term.as_tuple() else { return Err(error()) };
        match (tag.is_atom("script"), release.as_tuple()) {
            (true, Some([name, version])) => Ok(Self {
                name: text(name, "the release's name")?,
                vsn: vsn(version, "the release's version")?,
                instructions: list(instructions, "a list of instructions")?.to_vec(),
            }),
            _ => Err(error()),
        }
    }

    fn to_term(&self) -> Term {
        Term::tuple([
            Term::atom("script"),
            Term::tuple([Term::string(&self.name), Term::string(self.vsn.as_str())]),
            Term::List(self.instructions.clone()),
        ])
    }

    /// The `.boot` file.
    #[must_use]
    pub fn to_boot(&self) -> Vec<u8> {
        etf::encode(&self.to_term())
    }

    /// The `.script` file.
    ///
    /// # Errors
    /// The instructions hold a term without a written form; those of an application specification may in theory.
    pub fn to_script(&self) -> Result<String, source::NotConsultable> {
        source::to_file([&self.to_term()])
    }

    /// Names of the library directories code is loaded from, `kernel-8.5.3` and so on.
    #[must_use]
    pub fn libraries(&self) -> BTreeSet<String> {
        let paths = self.instructions.iter().filter_map(path_list).flat_map(|(_, paths)| paths);
        paths.filter_map(|path| Some(LibraryPath::split(&path.to_text()?)?.library.to_owned())).collect()
    }

    /// Makes every path of library directory `from` one of `to`, which stands beside it; returns how many there were.
    ///
    /// Names of directories, not paths: `app-0.1.0` to `app-0.1.0~1a2b3c4d`.
    pub fn move_library(&mut self, from: &str, to: &str) -> usize {
        let mut moved = 0;
        for instruction in &mut self.instructions {
            if let Some(rewritten) = moved_paths(instruction, from, to, &mut moved) {
                *instruction = rewritten;
            }
        }
        moved
    }

    /// The specifications of the applications it loads, as their `.app` files had them.
    ///
    /// # Errors
    /// A specification that is none.
    pub fn applications(&self) -> Result<Vec<App>, ResourceError> {
        self.instructions.iter().filter_map(loaded_application).map(App::from_term).collect()
    }
}

/// `{path, Paths}` and `{primLoad, Files}`: the instructions with paths in them. `primLoad` names modules nowadays; a script
/// made by hand may name files.
fn path_list(instruction: &Term) -> Option<(&Term, impl Iterator<Item = &Term>)> {
    match instruction.as_tuple()? {
        [name, paths] if name.is_atom("path") || name.is_atom("primLoad") => Some((name, paths.as_list()?.iter())),
        _ => None,
    }
}

/// The instruction with its paths moved, if it has any of that library.
fn moved_paths(instruction: &Term, from: &str, to: &str, moved: &mut usize) -> Option<Term> {
    let (name, paths) = path_list(instruction)?;
    let before = *moved;
    let paths = paths.map(|path| match moved_path(path, from, to) {
        Some(path) => {
            *moved += 1;
            path
        }
        None => path.clone(),
    });
    let rewritten = Term::tuple([name.clone(), Term::list(paths)]);
    (*moved > before).then_some(rewritten)
}

fn moved_path(path: &Term, from: &str, to: &str) -> Option<Term> {
    let path = path.to_text()?;
    let parts = LibraryPath::split(&path).filter(|parts| parts.library == from)?;
    Some(Term::string(&format!("{}/{to}/{}", parts.parent, parts.below)))
}

/// `{apply, {application, load, [Specification]}}`; that of kernel is in
/// `{kernelProcess, application_controller, {application_controller, start, [Specification]}}`.
fn loaded_application(instruction: &Term) -> Option<&Term> {
    let (call, expected) = match instruction.as_tuple()? {
        [tag, call] if tag.is_atom("apply") => (call, ["application", "load"]),
        [tag, _, call] if tag.is_atom("kernelProcess") => (call, ["application_controller", "start"]),
        _ => return None,
    };
    match call.as_tuple()? {
        [module, function, arguments] if module.is_atom(expected[0]) && function.is_atom(expected[1]) => {
            arguments.as_list()?.first()
        }
        _ => None,
    }
}

/// `$ROOT/lib/kernel-8.5.3/ebin` taken apart. Other directories, as that of the consolidated protocols, do not end in `ebin`.
struct LibraryPath<'a> {
    /// `$ROOT/lib`
    parent: &'a str,
    /// `kernel-8.5.3`
    library: &'a str,
    /// `ebin` or `ebin/module`
    below: &'a str,
}

impl<'a> LibraryPath<'a> {
    fn split(path: &'a str) -> Option<Self> {
        let at = path.find("/ebin").filter(|at| matches!(path[at + 5..].chars().next(), None | Some('/')))?;
        let (parent, library) = path[..at].rsplit_once('/')?;
        Some(Self { parent, library, below: &path[at + 1..] })
    }
}

#[cfg(test)]
mod tests;
