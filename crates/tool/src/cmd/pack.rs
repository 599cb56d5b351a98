//! `edeliver unpack release|upgrade` and `pack release|upgrade`: a release of the store as a folder, and back.

use std::{
    fs,
    path::{Path, PathBuf},
};

use edeliver_core::{
    choose::StoredKind,
    hint::Hint,
    name::Version,
    release::{Author, Manifest, Upgrade},
};

use super::{deploy::Release, edit::problems, exchange::may_replace, show::relup};
use crate::{
    build::BuildError,
    ctx::{Ctx, Journal},
    error::{Error, Kind},
    relup::AGENT,
    store::{Existing, Store, blocking},
};

/// Release or upgrade.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// A release
    Release(Args),
    /// An upgrade: the release it leads to, with its relup
    Upgrade(Args),
}

/// Arguments of both.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The folder is RELEASE_STORE/.tmp/APP_VERSION.release, or .upgrade. What is changed there and packed again takes the place of what the store \
has of that version; of an upgrade only the relup can be changed.

  edeliver unpack release --version=0.2.0
  edeliver pack release --version=0.2.0")]
pub struct Args {
    /// Version of the release; asked for where there are several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Replace what is there without a question
    #[arg(short = 'F', long)]
    pub force: bool,
}

impl Command {
    fn parts(self) -> (StoredKind, Args) {
        match self {
            Self::Release(args) => (StoredKind::Release, args),
            Self::Upgrade(args) => (StoredKind::Upgrade, args),
        }
    }
}

/// What an upgrade has beside its release's files.
fn beside(version: &Version) -> [String; 2] {
    ["relup", "edeliver_agent.beam"].map(|name| format!("releases/{version}/{name}"))
}

pub(crate) async fn unpack(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let (kind, args) = command.parts();
    let store = ctx.store()?;
    let (manifest, upgrade) = match kind {
        StoredKind::Release => (Release::choose(ctx, &store, args.version.as_ref()).await?.manifest, None),
        StoredKind::Upgrade => {
            let upgrade = relup::choose(ctx, &store, args.version.as_ref()).await?;
            (store.manifest(&upgrade.to)?, Some(upgrade))
        }
    };
    let [relup, agent] = beside(&manifest.version);
    let more = upgrade.map_or_else(Vec::new, |upgrade| vec![(relup, upgrade.relup.into_bytes()), (agent, AGENT.to_vec())]);
    let to = store.unpacked_dir(&manifest.version, kind);
    if to.exists() && !args.force {
        may_replace(ctx, &manifest.title(), &to.display().to_string()).await?;
    }
    let place = to.clone();
    blocking(move || store.unpack(&manifest, &more, &place)).await?;
    ctx.answer_text(format!("{}\n", to.display()));
    Ok(0)
}

pub(crate) async fn pack(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let (kind, args) = command.parts();
    let store = ctx.store()?;
    let version = match args.version {
        Some(version) => version,
        None => choose(ctx, &store, kind).await?,
    };
    let from = store.unpacked_dir(&version, kind);
    if !from.is_dir() {
        let hint = Hint::command("to unpack it", format!("edeliver unpack {} --version={version}", kind.word()));
        return Err(Error::usage(format!("{} is not there", from.display())).hint(hint));
    }
    ctx.begin(format!("pack {} {} {version}", kind.word(), store.app()), Journal::None)?;
    match kind {
        StoredKind::Release => pack_release(ctx, store, version, from, args.force).await,
        StoredKind::Upgrade => pack_upgrade(ctx, store, version, from, args.force).await,
    }
}

/// The only version that is unpacked; of several the user names one.
async fn choose(ctx: &Ctx, store: &Store, kind: StoredKind) -> Result<Version, Error> {
    let versions = store.unpacked(kind)?;
    let at = match versions.len() {
        0 => return Err(Error::usage(format!("no {} is unpacked", kind.word()))),
        1 => Some(0),
        _ => ctx.ui.choose("Which one?", versions.iter().map(ToString::to_string).collect(), "--version=VERSION").await?,
    };
    let chosen = at.and_then(|at| versions.into_iter().nth(at));
    chosen.ok_or_else(|| Error::new(Kind::Interrupted, "none was chosen"))
}

async fn pack_release(ctx: &Ctx, store: Store, version: Version, from: PathBuf, force: bool) -> Result<u8, Error> {
    let there = store.manifest(&version).ok();
    if there.is_some() && !force {
        may_replace(ctx, &format!("{} {version}", store.app()), "the store").await?;
    }
    let archive = ctx.settings()?.store.archive;
    let manifest = blocking(move || {
        let manifest = store.pack(&version, &from, &[], Existing::Replace).map_err(BuildError::from)?;
        if archive {
            store.export_archive(&manifest).map_err(BuildError::from)?;
        }
        store.publish_release(&manifest, Existing::Replace, archive)?;
        Ok::<_, Error>(manifest)
    });
    let title = manifest.await?.title();
    ctx.reporter.info(format!("{title} is in the store"));
    Ok(0)
}

async fn pack_upgrade(ctx: &Ctx, store: Store, version: Version, from: PathBuf, force: bool) -> Result<u8, Error> {
    let upgrade = store.upgrade(&version)?;
    if !force {
        may_replace(ctx, &format!("the relup to {} {version}", store.app()), "the store").await?;
    }
    let archive = ctx.settings()?.store.archive;
    let title = blocking(move || {
        let manifest = store.manifest(&version)?;
        unchanged(&store, &manifest, &from)?;
        let [relup, _] = beside(&version);
        let text = fs::read_to_string(from.join(relup)).map_err(|error| Error::usage(error).context("can't read the relup"))?;
        let wrong = problems(&text, &upgrade).unwrap_or_else(|wrong| wrong);
        if !wrong.is_empty() {
            return Err(Error::usage(wrong.join("\n")).context("the relup stays as it was"));
        }
        let upgrade = Upgrade { relup: text, author: Author::Edited, ..upgrade };
        store.put_upgrade(&upgrade)?;
        if archive {
            store.export_upgrade(&manifest, &upgrade).map_err(BuildError::from)?;
        }
        Ok::<_, Error>(manifest.title())
    });
    ctx.reporter.info(format!("the relup of {} is in the store", title.await?));
    Ok(0)
}

/// A relup leads to a release that the store has: its files can't be others here than there.
fn unchanged(store: &Store, manifest: &Manifest, from: &Path) -> Result<(), Error> {
    let aside = tempfile::tempdir().map_err(|error| Error::new(Kind::Internal, error))?;
    let settings = edeliver_core::config::StoreSettings { path: aside.path().to_owned(), archive: false };
    let packed = Store::open(&settings, store.app())?.pack(&manifest.version, from, &beside(&manifest.version), Existing::Refuse);
    let packed = packed.map_err(BuildError::from)?;
    match packed.files.iter().zip(&manifest.files).find(|(one, other)| one != other) {
        None if packed.files.len() == manifest.files.len() => Ok(()),
        found => {
            let path = found.map_or("a file", |(one, _)| one.path.as_str());
            let error = Error::usage(format!("{path} is not that of {}", manifest.title()));
            Err(error.hint(Hint::text("change the release by `edeliver unpack release`, and build the upgrade to it")))
        }
    }
}
