//! `edeliver upload` and `edeliver download`: between this machine and the store elsewhere, release by release or file by file.

mod down;
mod up;

use std::path::{Path, PathBuf};

use edeliver_core::{
    choose::{StoredKind, archive_name, parse_archive_name},
    hint::Hint,
    name::{AppName, Version},
};

use super::diff;
use crate::{
    build::BuildError,
    ctx::Ctx,
    error::{Error, Kind},
    store::Store,
};

pub(crate) use self::{down::run as download, up::run as upload};

/// Arguments of both.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// `release` or `upgrade`, or the name of a file
    #[arg(value_name = "release|upgrade|FILE", required = true)]
    pub what: String,
    /// Of a release or upgrade, its version; of a file, its name over there (upload) or here (download)
    #[arg(value_name = "VERSION|DESTINATION")]
    pub which: Option<String>,
    /// The file's name over there (upload) or here (download); in a folder that exists it keeps its name
    #[arg(value_name = "DESTINATION")]
    pub destination: Option<String>,
    /// The version, where it is not the second word
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Replace what is there without asking
    #[arg(short = 'F', long)]
    pub force: bool,
}

/// What is meant by the words.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    /// A release or an upgrade.
    Stored(StoredKind, Version),
    /// A file, whatever it is.
    File(String),
}

impl Args {
    /// What, and where to.
    fn wanted(self) -> Result<(Wanted, Option<String>), Error> {
        let kind = [StoredKind::Release, StoredKind::Upgrade].into_iter().find(|kind| kind.word() == self.what);
        let Some(kind) = kind else {
            return match (self.which, self.destination) {
                (to, None) => Ok((Wanted::File(self.what), to)),
                (_, Some(more)) => Err(Error::usage(format!("a file has one destination, and `{more}` is another one"))),
            };
        };
        let (version, to) = match (self.version, self.which, self.destination) {
            (Some(version), to, None) => (version, to),
            (Some(_), _, Some(more)) => return Err(Error::usage(format!("`{more}` is one word too much"))),
            (None, Some(version), to) => (version.parse().map_err(Error::usage)?, to),
            (None, None, _) => {
                let hint = Hint::command("these are there", "edeliver show releases");
                return Err(Error::usage(format!("which {}? its version is missing", kind.word())).hint(hint));
            }
        };
        Ok((Wanted::Stored(kind, version), to))
    }
}

impl Wanted {
    /// The file name that it has in a store.
    fn file(&self, app: &AppName) -> String {
        match self {
            Self::Stored(kind, version) => archive_name(app, version, *kind),
            Self::File(name) => file_name(name),
        }
    }
    /// A file whose name is that of the application's release is that release.
    fn meaning(self, app: &AppName) -> Self {
        match &self {
            Self::File(name) => match parse_archive_name(app, &file_name(name)) {
                Some((version, kind)) => Self::Stored(kind, version),
                None => self,
            },
            Self::Stored(..) => self,
        }
    }
}

fn file_name(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// The store, which must have a place elsewhere.
fn store(ctx: &Ctx) -> Result<(Store, String), Error> {
    let store = ctx.store()?;
    match store.elsewhere() {
        Some(place) => Ok((store, place)),
        None => {
            let path = store.root().display().to_string();
            let error = Error::usage(format!("the release store is the folder {path} of this machine: nothing has to travel"));
            Err(error.hint(Hint::text("a store on a host or in S3 is set by `store.remote` or `[store.s3]` (RELEASE_STORE)")))
        }
    }
}

/// The archive of a release or upgrade that the store knows by content.
fn archive(store: &Store, kind: StoredKind, version: &Version) -> Result<PathBuf, Error> {
    let manifest = diff::stored(store, version)?;
    let path = match kind {
        StoredKind::Release => store.export_archive(&manifest),
        StoredKind::Upgrade => store.export_upgrade(&manifest, &store.upgrade(version)?),
    };
    Ok(path.map_err(BuildError::from)?)
}

/// A yes to replacing what is there.
pub(super) async fn may_replace(ctx: &Ctx, what: &str, place: &str) -> Result<(), Error> {
    let text = format!("{what} is in {place} already");
    if !ctx.ui.may_ask() && !ctx.global.yes {
        return Err(Error::new(Kind::Blocked, text).hint(Hint::text("`--force` replaces it")));
    }
    match ctx.ui.confirm(format!("{text}. Replace it?"), None).await? {
        true => Ok(()),
        false => Err(Error::new(Kind::Interrupted, "it stays as it is")),
    }
}

/// Where a file goes on this machine: to this name, or into this folder under its own.
fn place_here(to: Option<String>, name: &str) -> PathBuf {
    let to = PathBuf::from(to.unwrap_or_else(|| name.to_owned()));
    if to.is_dir() { to.join(name) } else { to }
}

#[cfg(test)]
mod tests;
