//! `releases/RELEASES`: what `release_handler` knows of the releases in a root directory.
//!
//! Without this file a running node can neither go back to an earlier release nor remove one safely: `release_handler` then
//! invents an entry that lists no libraries, and removing another release deletes those they share. On a running node the
//! file is read only when `release_handler` starts.

use super::{Rel, RelApp, ResourceError};
use crate::resource::{atom, list, shape, text, vsn};
use crate::term::{Atom, Term, text as source};
use crate::vsn::Vsn;

/// The releases of a root directory, newest entry first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Releases(Vec<Release>);

/// One release `release_handler` knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    /// Name of the release.
    pub name: String,
    /// Version of the release.
    pub vsn: Vsn,
    /// Version of ERTS it runs on; none in an entry that `release_handler` has invented.
    pub erts: Option<Vsn>,
    /// Its libraries.
    pub libs: Vec<Lib>,
    /// What became of it.
    pub status: Status,
}

/// A library of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lib {
    /// Application.
    pub app: Atom,
    /// Version of the application.
    pub vsn: Vsn,
    /// Its directory; a relative one is below the root directory, so that the root can be moved.
    pub dir: String,
}

/// Status of a release in the words of `release_handler`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Known, not running.
    Unpacked,
    /// Running, but the node boots the permanent one. Only a running node knows; on disk it stays `unpacked`.
    Current,
    /// Running until the node boots again, after a change of the emulator.
    TmpCurrent,
    /// The one the node boots.
    Permanent,
    /// Was permanent once.
    Old,
}

impl Status {
    const NAMES: [(&'static str, Self); 5] = [
        ("unpacked", Self::Unpacked),
        ("current", Self::Current),
        ("tmp_current", Self::TmpCurrent),
        ("permanent", Self::Permanent),
        ("old", Self::Old),
    ];

    /// The status an atom names.
    #[must_use]
    pub fn from_atom(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(word, _)| *word == name).map(|(_, status)| *status)
    }

    /// The atom that names it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, status)| *status == self).map(|(word, _)| *word).expect("all are listed")
    }
}

/// A change to the known releases cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleasesError {
    /// No release of that version is known.
    #[error("no release {0} is known")]
    Unknown(Vsn),
    /// The node boots it.
    #[error("release {0} is permanent")]
    Permanent(Vsn),
}

impl Release {
    /// The entry of a release from its `.rel` file. `dir_of` names the directory of each application below `lib`, usually
    /// [`RelApp::dir_name`], another one where a library was relocated.
    #[must_use]
    pub fn from_rel(rel: &Rel, status: Status, dir_of: impl Fn(&RelApp) -> String) -> Self {
        let lib = |app: &RelApp| Lib { app: app.name.clone(), vsn: app.vsn.clone(), dir: format!("lib/{}", dir_of(app)) };
        Self {
            name: rel.name.clone(),
            vsn: rel.vsn.clone(),
            erts: Some(rel.erts.clone()),
            libs: rel.applications.iter().map(lib).collect(),
            status,
        }
    }

    fn from_term(term: &Term) -> Result<Self, ResourceError> {
        let expected = "{release, Name, Vsn, ErtsVsn, Libs, Status}";
        let Some([tag, name, version, erts, libs, status]) = term.as_tuple() else { return Err(shape(expected, term)) };
        if !tag.is_atom("release") {
            return Err(shape(expected, term));
        }
        Ok(Self {
            name: text(name, "the release's name")?,
            vsn: vsn(version, "the release's version")?,
            erts: if erts.is_atom("undefined") { None } else { Some(vsn(erts, "the version of ERTS")?) },
            libs: list(libs, "a list of libraries")?.iter().map(Lib::from_term).collect::<Result<_, _>>()?,
            status: status.as_atom().and_then(|name| Status::from_atom(name.as_str())).ok_or_else(|| shape("a status", status))?,
        })
    }

    fn to_term(&self) -> Term {
        Term::tuple([
            Term::atom("release"),
            Term::string(&self.name),
            Term::string(self.vsn.as_str()),
            self.erts.as_ref().map_or(Term::atom("undefined"), |erts| Term::string(erts.as_str())),
            Term::list(self.libs.iter().map(Lib::to_term)),
            Term::atom(self.status.as_str()),
        ])
    }
}

impl Lib {
    fn from_term(term: &Term) -> Result<Self, ResourceError> {
        match term.as_tuple() {
            Some([app, version, dir]) => Ok(Self {
                app: atom(app, "an application's name")?,
                vsn: vsn(version, "an application's version")?,
                dir: text(dir, "a directory")?,
            }),
            _ => Err(shape("{Application, Vsn, Directory}", term)),
        }
    }

    fn to_term(&self) -> Term {
        Term::tuple([Term::Atom(self.app.clone()), Term::string(self.vsn.as_str()), Term::string(&self.dir)])
    }
}

impl Releases {
    /// Reads the file.
    ///
    /// # Errors
    /// Not one term, or not a list of releases. `release_handler` would ignore such a file without a word.
    pub fn parse(file: &[u8]) -> Result<Self, ResourceError> {
        let term = source::consult_one(file)?;
        list(&term, "a list of releases")?.iter().map(Release::from_term).collect::<Result<_, _>>().map(Self)
    }

    /// The file.
    #[must_use]
    pub fn to_file(&self) -> String {
        let term = Term::list(self.0.iter().map(Release::to_term));
        source::to_file([&term]).expect("made of strings and short atoms only")
    }

    /// All entries, newest first.
    pub fn iter(&self) -> impl Iterator<Item = &Release> {
        self.0.iter()
    }

    /// The release of that version.
    #[must_use]
    pub fn get(&self, vsn: &Vsn) -> Option<&Release> {
        self.0.iter().find(|release| release.vsn == *vsn)
    }

    /// The one the node boots.
    #[must_use]
    pub fn permanent(&self) -> Option<&Release> {
        self.0.iter().find(|release| release.status == Status::Permanent)
    }

    /// Adds a release, in place of one of the same version. If it is permanent, the one that was becomes old.
    pub fn insert(&mut self, release: Release) {
        if release.status == Status::Permanent {
            self.retire_permanent();
        }
        match self.0.iter_mut().find(|known| known.vsn == release.vsn) {
            Some(known) => *known = release,
            None => self.0.insert(0, release),
        }
    }

    /// Makes a known release the one the node boots; the one that was becomes old.
    ///
    /// # Errors
    /// Not known.
    pub fn make_permanent(&mut self, vsn: &Vsn) -> Result<(), ReleasesError> {
        let at = self.0.iter().position(|release| release.vsn == *vsn);
        let at = at.ok_or_else(|| ReleasesError::Unknown(vsn.clone()))?;
        self.retire_permanent();
        self.0[at].status = Status::Permanent;
        Ok(())
    }

    /// Forgets a release.
    ///
    /// # Errors
    /// Not known, or permanent.
    pub fn remove(&mut self, vsn: &Vsn) -> Result<Release, ReleasesError> {
        let at = self.0.iter().position(|release| release.vsn == *vsn);
        let at = at.ok_or_else(|| ReleasesError::Unknown(vsn.clone()))?;
        match self.0[at].status {
            Status::Permanent => Err(ReleasesError::Permanent(vsn.clone())),
            _ => Ok(self.0.remove(at)),
        }
    }

    fn retire_permanent(&mut self) {
        for release in self.0.iter_mut().filter(|release| release.status == Status::Permanent) {
            release.status = Status::Old;
        }
    }
}

impl FromIterator<Release> for Releases {
    /// Newest first.
    fn from_iter<I: IntoIterator<Item = Release>>(releases: I) -> Self {
        Self(releases.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
