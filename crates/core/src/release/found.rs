//! Recognising a release by its files, as a build host or an archive lists them.

use edeliver_erl::rel::start_erl::{StartErl, StartErlError};

use super::{About, BuiltWith, Entry, EntryKind, FilesError, Manifest, Platform, RelPath, ReleaseKind, layout};
use crate::name::{AppName, CommitId, NameError, Version};

/// What the files of a release root say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Release name: that of the `.rel` file.
    pub app: AppName,
    /// The version that boots, by `releases/start_erl.data`.
    pub version: Version,
    /// Layout and start script.
    pub kind: ReleaseKind,
    /// OTP, ERTS and Elixir.
    pub built_with: BuiltWith,
}

/// Why files are not an assembled release.
#[derive(Debug, thiserror::Error)]
pub enum FoundError {
    /// `releases/start_erl.data` can't be read.
    #[error("releases/start_erl.data does not name the release that boots")]
    StartErl(#[source] StartErlError),
    /// It names a version that can't be one of ours.
    #[error("releases/start_erl.data names a version that can't be used")]
    Version(#[source] NameError),
    /// No `.rel` file of that version.
    #[error("releases/{version} has no .rel file named after a start script in bin/")]
    NoRel {
        /// The version that boots.
        version: Version,
    },
    /// The `.rel` file has the name of no release.
    #[error("the release's name can't be used")]
    Name(#[source] NameError),
    /// Neither mix, relx nor Distillery assembled this.
    #[error("this is no release of mix, relx or distillery")]
    Kind,
}

/// The files of a release, and those that were found beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// What belongs to the release, with the permission bits of manifests.
    pub files: Vec<Entry>,
    /// What does not: left by a running node, an archive of the release, another version.
    pub left_out: Vec<RelPath>,
}

impl Found {
    /// Recognises the release in a release root.
    ///
    /// # Errors
    /// [`FoundError`]: these files are no release that edeliver knows.
    pub fn recognise(listing: &[Entry], start_erl_data: &str) -> Result<Self, FoundError> {
        let boots = StartErl::parse(start_erl_data).map_err(FoundError::StartErl)?;
        let version: Version = boots.vsn.as_str().parse().map_err(FoundError::Version)?;
        let app = app(listing, &version)?;
        let kind = kind(listing, &app, &version).ok_or(FoundError::Kind)?;
        let erts = top_dir(listing, "", "erts-");
        let built_with = BuiltWith {
            otp: otp(erts.as_deref().unwrap_or(boots.erts.as_str())),
            erts,
            elixir: top_dir(listing, "lib/", "elixir-"),
        };
        Ok(Self { app, version, kind, built_with })
    }

    /// Tells what of a release root belongs to the release.
    #[must_use]
    pub fn select(&self, listing: Vec<Entry>) -> Selected {
        let (files, rest): (Vec<_>, Vec<_>) = listing.into_iter().partition(|entry| self.belongs(&entry.path));
        let files = files.into_iter().map(with_normal_mode).collect();
        Selected { files, left_out: rest.into_iter().map(|entry| entry.path).collect() }
    }

    /// The manifest of the files that [`Found::select`] left.
    ///
    /// # Errors
    /// [`FilesError`]: they break a rule of manifests.
    pub fn manifest(&self, commit: Option<CommitId>, platform: Platform, files: Vec<Entry>) -> Result<Manifest, FilesError> {
        let Self { app, version, kind, built_with } = self.clone();
        Manifest::new(About { app, version, kind, commit, built_with, platform }, files)
    }

    fn belongs(&self, path: &RelPath) -> bool {
        let parts: Vec<_> = path.parts().collect();
        let name = parts[parts.len() - 1];
        let foreign = match parts.as_slice() {
            [layout::OWN, ..] => true,
            // Log and scratch folders of relx, mix and Distillery, in that order.
            ["log" | "tmp" | "var", ..] => true,
            // `rebar3 tar` and Distillery leave the release's archive inside of the release.
            [archive] | ["releases", archive] | ["releases", _, archive] if archive.ends_with(".tar.gz") => true,
            ["releases", version, _, ..] => *version != self.version.as_str(),
            _ => false,
        };
        !foreign && name != "erl_crash.dump"
    }
}

/// The `.rel` file in the release's directory whose name a start script has.
fn app(listing: &[Entry], version: &Version) -> Result<AppName, FoundError> {
    let dir = format!("releases/{version}/");
    let rel = |entry: &Entry| Some(entry.path.as_str().strip_prefix(&dir)?.strip_suffix(".rel")?.to_owned());
    let started = |name: &String| !name.contains('/') && has(listing, &format!("bin/{name}"));
    let name = listing.iter().filter_map(rel).find(started).ok_or_else(|| FoundError::NoRel { version: version.clone() })?;
    name.parse().map_err(FoundError::Name)
}

fn kind(listing: &[Entry], app: &AppName, version: &Version) -> Option<ReleaseKind> {
    let marks = [
        (format!("releases/{version}/{app}.sh"), ReleaseKind::Distillery),
        (format!("releases/{version}/env.sh"), ReleaseKind::Mix),
        (format!("releases/{version}/elixir"), ReleaseKind::Mix),
        (format!("bin/{app}-{version}"), ReleaseKind::Relx),
        ("releases/RELEASES".to_owned(), ReleaseKind::Relx),
    ];
    marks.into_iter().find(|(path, _)| has(listing, path)).map(|(_, kind)| kind)
}

fn has(listing: &[Entry], path: &str) -> bool {
    listing.iter().any(|entry| entry.path.as_str() == path)
}

/// The version in the name of the directory that starts so (`erts-13.1.5` → `13.1.5`); of several, the first one listed.
fn top_dir(listing: &[Entry], parent: &str, prefix: &str) -> Option<String> {
    let version = |entry: &Entry| {
        let (version, _) = entry.path.as_str().strip_prefix(parent)?.strip_prefix(prefix)?.split_once('/')?;
        Some(version.to_owned())
    };
    listing.iter().find_map(version)
}

/// The OTP release of a version of ERTS. ERTS 5.10 came with R16, 6.0 with 17; since 11.0 (OTP 23) the distance is 12, and 10.4
/// came with OTP 22 (`otp_versions.table` in OTP's sources).
fn otp(erts: &str) -> String {
    let mut parts = erts.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let (major, minor) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    let otp = match (major, minor) {
        (10, 4..) => 22,
        (6..=10, _) => major + 11,
        (11.., _) => major + 12,
        _ => return "unknown".to_owned(),
    };
    otp.to_string()
}

/// Only the owner's execute bit counts, so that umask and archivers change nothing.
fn with_normal_mode(mut entry: Entry) -> Entry {
    if let EntryKind::File { mode, .. } = &mut entry.kind {
        *mode = if *mode & 0o100 == 0 { 0o644 } else { 0o755 };
    }
    entry
}

#[cfg(test)]
mod tests;
