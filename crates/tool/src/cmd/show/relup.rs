//! `edeliver show relup`: how a running node gets to a release, as text.

use edeliver_core::{name::Version, release::Upgrade};

use crate::{
    ctx::Ctx,
    error::{Error, Kind},
    store::{Store, StoreError, blocking},
};

/// Arguments of `show relup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
The relup goes to the hosts as `releases/VERSION/relup`. Every instruction stands on a line of its own; `edeliver edit relup` changes them.

  edeliver show relup
  edeliver show relup --version=0.2.0")]
pub struct Args {
    /// The release that the upgrade leads to; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let store = ctx.store()?;
    let upgrade = choose(ctx, &store, args.version.as_ref()).await?;
    ctx.answer_text(upgrade.relup);
    Ok(0)
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
