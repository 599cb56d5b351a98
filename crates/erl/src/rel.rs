//! Release resource files: `.rel`, and beside it [`RELEASES`](releases) and [`start_erl.data`](start_erl).

pub mod releases;
pub mod start_erl;

use crate::resource::{atom, atoms, list, shape, text, vsn};
use crate::term::{Atom, Term, text as source};
use crate::vsn::Vsn;

pub use crate::resource::ResourceError;

/// A release as its `.rel` file describes it (sasl reference manual, "rel").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rel {
    /// Name of the release.
    pub name: String,
    /// Version of the release.
    pub vsn: Vsn,
    /// Version of ERTS it runs on.
    pub erts: Vsn,
    /// Its applications in the order of the file.
    pub applications: Vec<RelApp>,
}

/// An application of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelApp {
    /// Name.
    pub name: Atom,
    /// Version.
    pub vsn: Vsn,
    /// What the boot script does with it.
    pub start: StartType,
    /// The included applications, where the release departs from the `.app` file.
    pub included: Option<Vec<Atom>>,
}

/// What a boot script does with an application, and what it means to the node when it stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum StartType {
    /// Started; when it stops for any reason, so does the node.
    #[default]
    Permanent,
    /// Started; when it fails, so does the node.
    Transient,
    /// Started; the node does not mind.
    Temporary,
    /// Loaded but not started.
    Load,
    /// Neither loaded nor started; only its code is there.
    None,
}

impl StartType {
    const NAMES: [(&'static str, Self); 5] = [
        ("permanent", Self::Permanent),
        ("transient", Self::Transient),
        ("temporary", Self::Temporary),
        ("load", Self::Load),
        ("none", Self::None),
    ];

    pub(crate) fn from_term(term: &Term) -> Option<Self> {
        Self::NAMES.iter().find(|(name, _)| term.is_atom(name)).map(|(_, start)| *start)
    }

    /// The word in the file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, start)| *start == self).map(|(name, _)| *name).expect("all are listed")
    }
}

impl Rel {
    /// Reads a `.rel` file.
    ///
    /// # Errors
    /// Not one term, or not a release.
    pub fn parse(file: &[u8]) -> Result<Self, ResourceError> {
        Self::from_term(&source::consult_one(file)?)
    }

    /// Takes `{release, {Name, Vsn}, {erts, ErtsVsn}, Applications}` apart.
    ///
    /// # Errors
    /// As [`Rel::parse`].
    pub fn from_term(term: &Term) -> Result<Self, ResourceError> {
        let error = || shape("{release, {Name, Vsn}, {erts, Vsn}, Applications}", term);
        let Some([tag, release, erts, applications]) = term.as_tuple() else { return Err(error()) };
        match (tag.is_atom("release"), release.as_tuple(), erts.as_tuple()) {
            (true, Some([name, version]), Some([word, erts])) if word.is_atom("erts") => Ok(Self {
                name: text(name, "the release's name")?,
                vsn: vsn(version, "the release's version")?,
                erts: vsn(erts, "the version of ERTS")?,
                applications: list(applications, "a list of applications")?
                    .iter()
                    .map(RelApp::from_term)
                    .collect::<Result<_, _>>()?,
            }),
            _ => Err(error()),
        }
    }

    /// The term a `.rel` file holds.
    #[must_use]
    pub fn to_term(&self) -> Term {
        Term::tuple([
            Term::atom("release"),
            Term::tuple([Term::string(&self.name), Term::string(self.vsn.as_str())]),
            Term::tuple([Term::atom("erts"), Term::string(self.erts.as_str())]),
            Term::list(self.applications.iter().map(RelApp::to_term)),
        ])
    }

    /// The application of that name.
    #[must_use]
    pub fn application(&self, name: &str) -> Option<&RelApp> {
        self.applications.iter().find(|app| app.name == name)
    }
}

impl RelApp {
    /// `{App, Vsn}`, `{App, Vsn, Type}`, `{App, Vsn, Included}` or `{App, Vsn, Type, Included}`.
    fn from_term(term: &Term) -> Result<Self, ResourceError> {
        let error = || shape("{Application, Vsn, Type}", term);
        let (name, version, start, included) = match term.as_tuple() {
            Some([name, version]) => (name, version, None, None),
            Some([name, version, included @ Term::List(_)]) => (name, version, None, Some(included)),
            Some([name, version, start]) => (name, version, Some(start), None),
            Some([name, version, start, included]) => (name, version, Some(start), Some(included)),
            _ => return Err(error()),
        };
        Ok(Self {
            name: atom(name, "an application's name")?,
            vsn: vsn(version, "an application's version")?,
            start: start.map_or(Some(StartType::default()), StartType::from_term).ok_or_else(error)?,
            included: included.map(|names| atoms(names, "included applications")).transpose()?,
        })
    }

    fn to_term(&self) -> Term {
        let mut parts = vec![Term::Atom(self.name.clone()), Term::string(self.vsn.as_str()), Term::atom(self.start.as_str())];
        parts.extend(self.included.iter().map(|names| Term::list(names.iter().cloned().map(Term::Atom))));
        Term::Tuple(parts)
    }

    /// `NAME-VSN`, the directory an application has below `lib` by convention.
    #[must_use]
    pub fn dir_name(&self) -> String {
        format!("{}-{}", self.name, self.vsn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rel_file_is_read_and_written() {
        let file = br#"%% coding: utf-8
            {release,{"hotapp","0.1.0"},{erts,"13.1.5"},
             [{kernel,"8.5.3"},{stdlib,"4.2",permanent},{mnesia,"4.21.3",none},{snmp,"5.13",[agent]},{x,"1",load,[y]}]}."#;
        let rel = Rel::parse(file).unwrap();
        assert_eq!((rel.name.as_str(), rel.vsn.as_str(), rel.erts.as_str()), ("hotapp", "0.1.0", "13.1.5"));
        let starts: Vec<_> = rel.applications.iter().map(|app| app.start).collect();
        use StartType::{Load, None, Permanent};
        assert_eq!(starts, [Permanent, Permanent, None, Permanent, Load]);
        assert_eq!(rel.application("x").unwrap().included, Some(vec![Atom::literal("y")]));
        assert_eq!(rel.application("kernel").unwrap().dir_name(), "kernel-8.5.3");
        assert_eq!(Rel::from_term(&rel.to_term()).unwrap(), rel);
    }

    #[test]
    fn what_is_no_release_is_an_error() {
        let message = |file: &str| Rel::parse(file.as_bytes()).unwrap_err().to_string();
        assert_eq!(message("a."), "expected {release, {Name, Vsn}, {erts, Vsn}, Applications}, found a");
        assert_eq!(
            message(r#"{release,{"a","1"},{erts,"13"},[{kernel,"8",maybe}]}."#),
            r#"expected {Application, Vsn, Type}, found {kernel,"8",'maybe'}"#
        );
        assert_eq!(message(r#"{release,{"a","1 2"},{erts,"13"},[]}."#), "a version cannot be used");
    }
}
