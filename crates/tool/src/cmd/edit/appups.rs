//! `edeliver edit appups`: an appup between two releases in the user's editor, checked before it is kept.

use edeliver_core::name::{AppName, Version};

use crate::{
    cmd::{diff, show},
    ctx::Ctx,
    editor,
    error::{Error, Kind, chain},
    relup,
    store::{AppupAuthor, Store, StoredAppup, blocking},
};

/// Arguments of `edit appups`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Opens an appup that `edeliver build appups` has written in the editor of EDELIVER_EDITOR, GIT_EDITOR, VISUAL or EDITOR. What was saved is \
read, and a relup is made with it to see whether it can be used; while it can't, you are asked to edit it again, and the appup in the store \
stays as it is.

  edeliver edit appups --version=0.2.0
  edeliver edit appups --version=0.2.0 --application=my_app")]
pub struct Args {
    /// The release that it leads to; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// The application; asked for where several have an appup
    #[arg(long, value_name = "NAME")]
    pub application: Option<AppName>,
}

pub(super) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let store = ctx.store()?;
    let between = show::appups::choose(ctx, &store, args.version.as_ref()).await?;
    let appup = choose(ctx, show::appups::read(&store, between.clone()).await?, args.application.as_ref()).await?;
    let Some(text) = edited(ctx, &store, &between, &appup).await? else {
        ctx.reporter.info("the appup stays as it is");
        return Ok(0);
    };
    let (from, to) = between;
    let title = format!("the appup of {} from {from} to {to}", appup.app);
    let next = format!("to make the relup with it: edeliver build upgrade --with={from} --version={to}");
    let (kept, pair) = (store.clone(), (from.clone(), to.clone()));
    blocking(move || kept.put_appup((&from, &to), &appup.app, &text, AppupAuthor::User)).await?;
    ctx.reporter.info(format!("{title} is changed in the store"));
    super::tell_verdicts(ctx, store, vec![pair]).await?;
    ctx.reporter.info(next);
    Ok(0)
}

async fn choose(ctx: &Ctx, mut appups: Vec<StoredAppup>, app: Option<&AppName>) -> Result<StoredAppup, Error> {
    if let Some(app) = app {
        appups.retain(|appup| appup.app == *app);
    }
    let at = match (appups.len(), app) {
        (0, Some(app)) => return Err(Error::usage(format!("the store has no such appup of {app}"))),
        (0 | 1, _) => Some(0),
        _ => {
            let names = appups.iter().map(|appup| appup.app.to_string()).collect();
            ctx.ui.choose("The appup of which application?", names, "--application=NAME").await?
        }
    };
    let chosen = at.and_then(|at| appups.into_iter().nth(at));
    chosen.ok_or_else(|| Error::new(Kind::Interrupted, "no appup was chosen"))
}

/// What the user made of it: an appup that can be used. `None`: the same as before.
async fn edited(ctx: &Ctx, store: &Store, between: &(Version, Version), appup: &StoredAppup) -> Result<Option<String>, Error> {
    let dir =
        tempfile::tempdir().map_err(|error| Error::new(Kind::Internal, error).context("can't make a folder for the appup"))?;
    let file = dir.path().join(format!("{}.appup", appup.app));
    super::write(&file, &appup.text)?;
    loop {
        editor::edit(ctx, &file).await?;
        let text = super::read(&file)?;
        if text == appup.text {
            return Ok(None);
        }
        let Some(wrong) = problem(store, between, &appup.app, &text).await? else { return Ok(Some(text)) };
        if !super::again(ctx, &wrong).await? {
            return Err(Error::usage(wrong).context("the appup was not changed"));
        }
    }
}

/// Why a text can't be used as the appup of an application.
async fn problem(store: &Store, (from, to): &(Version, Version), app: &AppName, text: &str) -> Result<Option<String>, Error> {
    let (store, from, to, app, text) = (store.clone(), from.clone(), to.clone(), app.clone(), text.to_owned());
    blocking(move || {
        let (from, to) = (diff::stored(&store, &from)?, diff::stored(&store, &to)?);
        Ok(relup::check(&store, (&from, &to), &app, &text).err().map(|error| chain(&error).join(": ")))
    })
    .await
}
