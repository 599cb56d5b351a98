//! `edeliver show appups`: how each application gets from one release to another, as text.

use edeliver_core::{hint::Hint, name::Version};

use crate::{
    ctx::Ctx,
    error::{Error, Kind},
    store::{AppupAuthor, Store, StoredAppup, blocking},
};

/// Arguments of `show appups`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Prints the appups that `edeliver build appups` has written, one after the other.

  edeliver show appups --version=0.2.0")]
pub struct Args {
    /// The release that they lead to; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let store = ctx.store()?;
    let between = choose(ctx, &store, args.version.as_ref()).await?;
    let appups: Vec<String> = read(&store, between).await?.iter().map(text).collect();
    ctx.answer_text(appups.join("\n"));
    Ok(0)
}

fn text(appup: &StoredAppup) -> String {
    let author = match appup.author {
        AppupAuthor::Edeliver => "generated",
        AppupAuthor::User => "changed",
    };
    format!("%% {}, {author}\n{}", appup.path.display(), appup.text)
}

/// The appups between two releases.
pub(crate) async fn read(store: &Store, (from, to): (Version, Version)) -> Result<Vec<StoredAppup>, Error> {
    let store = store.clone();
    Ok(blocking(move || store.appups(&from, &to)).await?)
}

/// The two releases whose appups are meant: the only ones that lead to this version, or of several those that the user chooses.
pub(crate) async fn choose(ctx: &Ctx, store: &Store, version: Option<&Version>) -> Result<(Version, Version), Error> {
    let listed = store.clone();
    let mut pairs = blocking(move || listed.appup_pairs()).await?;
    pairs.retain(|(_, to)| version.is_none_or(|version| version == to));
    let at = match pairs.len() {
        0 => return Err(none(version)),
        1 => Some(0),
        _ => {
            let lines = pairs.iter().map(|(from, to)| format!("{to}  from {from}")).collect();
            ctx.ui.choose("The appups to which release?", lines, "--version=VERSION").await?
        }
    };
    let chosen = at.and_then(|at| pairs.into_iter().nth(at));
    chosen.ok_or_else(|| Error::new(Kind::Interrupted, "no release was chosen"))
}

fn none(version: Option<&Version>) -> Error {
    let to = version.map(|version| format!(" to {version}")).unwrap_or_default();
    let version = version.map_or("VERSION", Version::as_str);
    let make = Hint::command("make them", format!("edeliver build appups --with=VERSION --version={version}"));
    Error::usage(format!("the store has no appups{to}")).hint(make)
}
