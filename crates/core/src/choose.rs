//! What the store has, and which of it a deploy takes.
//!
//! As the original edeliver: without a version the only release is taken, and of several the user is asked. Departures from it,
//! all of them corrections: versions are sorted as versions (10.0.0 after 9.0.0), `--version=1.2` means exactly 1.2, and archives of
//! an application `foo_bar` are none of `foo`.

use std::cmp::Ordering;

use edeliver_erl::vsn::Vsn;
use serde::{Deserialize, Serialize};

use crate::{
    name::{AppName, CommitId, Version},
    release::ManifestId,
};

/// A release of the store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// Its version.
    pub version: Version,
    /// Whether it has instructions for a hot upgrade.
    pub kind: StoredKind,
    /// Its manifest, if it is kept by content.
    pub id: Option<ManifestId>,
    /// The file name of its classic archive, if it has one.
    pub archive: Option<String>,
    /// Bytes: of the content, or of the archive if there is only that; where it is known.
    pub size: Option<u64>,
    /// What it was built from, where it is known.
    pub commit: Option<CommitId>,
}

/// What a stored release is for; the word in the archive's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StoredKind {
    /// To be deployed and started.
    Release,
    /// To be installed into a running node. It holds the whole release too.
    Upgrade,
}

impl StoredKind {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Upgrade => "upgrade",
        }
    }
}

impl Stored {
    /// What the version says about its origin, else the first digits of the commit: `3027-82a5834` of `1.2.3+3027-82a5834`.
    pub fn revision(&self) -> Option<&str> {
        let metadata = self.version.as_str().split_once('+').map(|(_, metadata)| metadata);
        metadata.or(self.commit.as_ref().map(CommitId::short))
    }
}

/// The name of a classic archive: `APP_VERSION.release.tar.gz`.
pub fn archive_name(app: &AppName, version: &Version, kind: StoredKind) -> String {
    format!("{app}_{version}.{}.tar.gz", kind.word())
}

/// The version and kind in the name of a classic archive; `None` if it is none of this application.
pub fn parse_archive_name(app: &AppName, name: &str) -> Option<(Version, StoredKind)> {
    let rest = name.strip_prefix(app.as_str())?.strip_prefix('_')?.strip_suffix(".tar.gz")?;
    let (version, kind) = rest.rsplit_once('.')?;
    let kind = [StoredKind::Release, StoredKind::Upgrade].into_iter().find(|known| known.word() == kind)?;
    may_be_version(version).then(|| version.parse().ok())?.map(|version| (version, kind))
}

/// `bar_1.0` and `2_1.0` belong to applications `foo_bar` and `foo_2`, not to `foo`: a version has no `_`, or one with a dot stands
/// before it (`1.2.3_rc1`).
fn may_be_version(text: &str) -> bool {
    text.split_once('_').is_none_or(|(first, _)| first.starts_with(|c: char| c.is_ascii_digit()) && first.contains('.'))
}

/// The order of versions, oldest first (see [`edeliver_erl::vsn`] for the rule).
pub fn by_age(a: &Version, b: &Version) -> Ordering {
    let vsn = |version: &Version| Vsn::new(version.as_str()).expect("a version is a word that can name a directory");
    vsn(a).cmp(&vsn(b))
}

/// Sorts what the store has: oldest first, a release before the upgrade of the same version.
pub fn sort(stored: &mut [Stored]) {
    stored.sort_by(|a, b| by_age(&a.version, &b.version).then(a.kind.cmp(&b.kind)));
}

/// What a command takes from the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Choice<'a> {
    /// This.
    Taken(&'a Stored),
    /// What the user says; newest first, at least two.
    Ask(Vec<&'a Stored>),
}

/// Why nothing can be taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChooseError {
    /// There is nothing.
    #[error("the store has no {} of {app}", kind.word())]
    Empty {
        /// The application.
        app: AppName,
        /// What was asked for.
        kind: StoredKind,
    },
    /// It is not there.
    #[error("the store has no {} {app} {version}", kind.word())]
    Absent {
        /// The application.
        app: AppName,
        /// The version that was asked for.
        version: Version,
        /// What was asked for.
        kind: StoredKind,
        /// What is there, newest first.
        has: Vec<Version>,
    },
    /// Somebody has to say which, and nobody can be asked.
    #[error("the store has {} versions of {app}, and there is no terminal to ask which one", has.len())]
    Several {
        /// The application.
        app: AppName,
        /// What is there, newest first.
        has: Vec<Version>,
    },
}

/// Chooses what to deploy as a release, or as a hot upgrade. Where a version is there as both, the release is deployed as a release;
/// where there is only an upgrade, that will do.
///
/// # Errors
/// [`ChooseError::Empty`] or [`ChooseError::Absent`].
pub fn choose<'a>(
    stored: &'a [Stored],
    app: &AppName,
    kind: StoredKind,
    version: Option<&Version>,
) -> Result<Choice<'a>, ChooseError> {
    let found = candidates(stored, kind);
    let has = || found.iter().map(|stored| stored.version.clone()).collect();
    match (version, found.as_slice()) {
        (Some(version), found) => match found.iter().find(|stored| stored.version == *version) {
            Some(stored) => Ok(Choice::Taken(stored)),
            None => Err(ChooseError::Absent { app: app.clone(), version: version.clone(), kind, has: has() }),
        },
        (None, []) => Err(ChooseError::Empty { app: app.clone(), kind }),
        (None, [only]) => Ok(Choice::Taken(only)),
        (None, several) => Ok(Choice::Ask(several.to_vec())),
    }
}

impl<'a> Choice<'a> {
    /// The choice where nobody can be asked.
    ///
    /// # Errors
    /// [`ChooseError::Several`].
    pub fn without_asking(self, app: &AppName) -> Result<&'a Stored, ChooseError> {
        match self {
            Self::Taken(stored) => Ok(stored),
            Self::Ask(several) => {
                let has = several.iter().map(|stored| stored.version.clone()).collect();
                Err(ChooseError::Several { app: app.clone(), has })
            }
        }
    }
}

/// One entry for each version that can be taken as this kind, newest first.
fn candidates(stored: &[Stored], kind: StoredKind) -> Vec<&Stored> {
    let fits = |stored: &&Stored| stored.kind == kind || kind == StoredKind::Release;
    let mut found: Vec<_> = stored.iter().filter(fits).collect();
    found.sort_by(|a, b| by_age(&b.version, &a.version).then(a.kind.cmp(&b.kind)));
    found.dedup_by(|next, kept| next.version == kept.version);
    found
}

#[cfg(test)]
mod tests;
