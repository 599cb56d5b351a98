//! `edeliver show relup`: how a running node gets to a release, as text.

use std::{
    fs::File,
    path::{Path, PathBuf},
};

use edeliver_core::{name::Version, release::Upgrade};

use crate::{
    ctx::Ctx,
    error::{Error, Kind},
    store::{Store, StoreError, blocking},
    tarball::{ContentError, Member, MemberKind, Reader},
};

/// Arguments of `show relup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The relup goes to the hosts as `releases/VERSION/relup`. Every instruction stands on a line of its own; `edeliver edit relup` changes them.

  edeliver show relup
  edeliver show relup --version=0.2.0
  edeliver show relup hotapp_0.2.0.upgrade.tar.gz")]
pub struct Args {
    /// The archive of an upgrade, instead of one in the store
    #[arg(value_name = "ARCHIVE", conflicts_with = "version", value_hint = clap::ValueHint::FilePath)]
    pub archive: Option<PathBuf>,
    /// The release that the upgrade leads to; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    if let Some(archive) = args.archive {
        let path = archive.clone();
        let text = blocking(move || in_archive(&path))
            .await
            .map_err(|error| error.context(format!("can't show {}", archive.display())))?;
        ctx.answer_text(text);
        return Ok(0);
    }
    let store = ctx.store()?;
    let upgrade = choose(ctx, &store, args.version.as_ref()).await?;
    ctx.answer_text(upgrade.relup);
    Ok(0)
}

/// The `releases/VERSION/relup` of an archive, whoever made it.
fn in_archive(path: &Path) -> Result<String, Error> {
    /// More is no relup that anybody reads.
    const LONGEST: u64 = 64 * 1024 * 1024;
    let mut found = None;
    let mut look = |member: &mut Member<'_>| {
        let parts: Vec<&str> = member.path.parts().collect();
        if let ([.., "releases", _, "relup"], MemberKind::File { size: ..=LONGEST, .. }) = (&parts[..], &member.kind) {
            let mut text = Vec::new();
            member.copy_to(&mut text, &mut |_| {})?;
            found = Some(String::from_utf8_lossy(&text).into_owned());
        }
        Ok::<_, ContentError>(())
    };
    let file = File::open(path).map_err(Error::usage)?;
    Reader::new(file, u64::MAX).map_err(ContentError::from).and_then(|archive| archive.members(&mut look)).map_err(Error::usage)?;
    found.ok_or_else(|| Error::usage("it has no relup: it is no archive of an upgrade"))
}

/// The upgrade to this version; without one the only upgrade that there is, and of several the user is asked.
pub(crate) async fn choose(ctx: &Ctx, store: &Store, version: Option<&Version>) -> Result<Upgrade, Error> {
    let (listed, version) = (store.clone(), version.cloned());
    if let Some(version) = version {
        return Ok(blocking(move || listed.upgrade(&version)).await?);
    }
    let mut upgrades = blocking(move || listed.upgrades()?.into_iter().collect::<Result<Vec<_>, StoreError>>()).await?;
    if upgrades.is_empty() {
        return Err(Error::usage("the store has no upgrade").hint(super::make_one()));
    }
    upgrades.sort_by(|a, b| edeliver_core::choose::by_age(&b.to, &a.to));
    let at = match upgrades.len() {
        1 => Some(0),
        _ => ctx.ui.choose("The upgrade to which release?", upgrades.iter().map(line).collect(), "--version=VERSION").await?,
    };
    let chosen = at.and_then(|at| upgrades.into_iter().nth(at));
    chosen.ok_or_else(|| Error::new(Kind::Interrupted, "no upgrade was chosen"))
}

fn line(upgrade: &Upgrade) -> String {
    let from: Vec<&str> = upgrade.from.iter().map(|origin| origin.version.as_str()).collect();
    format!("{}  from {}, {}", upgrade.to, from.join(", "), upgrade.author.word())
}
