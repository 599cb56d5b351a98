//! `edeliver edit relup`: the relup of an upgrade in the user's editor, checked before it is kept.

mod appups;

use std::{fs, path::Path, sync::Arc, time::Duration};

use edeliver_core::{
    event::EventKind,
    hint::Hint,
    name::Version,
    release::{Author, Upgrade},
};
use edeliver_erl::{Vsn, relup::Relup};

use crate::{
    ctx::Ctx,
    editor,
    error::{Error, Kind, chain},
    hook::{Hosts, Options, Session},
    relup::{Judgements, MakeError},
    store::{Store, blocking},
};

/// Longest time for the hook.
const PATIENCE: Duration = Duration::from_secs(600);

/// What to edit.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Edit the relup of an upgrade in the store
    #[command(alias = "relups")]
    Relup(Args),
    /// Edit an appup between two releases, so that it decides how its application is upgraded
    #[command(alias = "appup")]
    Appups(appups::Args),
}

/// Arguments of `edit relup`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Opens the relup in the editor of EDELIVER_EDITOR, GIT_EDITOR, VISUAL or EDITOR. What was saved is read and checked; while something is \
wrong with it you are asked to edit it again, and the upgrade in the store stays as it is. A hook `pre_edit_relup` gets the file's path \
first.

  edeliver edit relup --version=0.2.0")]
pub struct Args {
    /// The release that the upgrade leads to; asked for where the store has several
    #[arg(long, value_name = "VERSION")]
    pub version: Option<Version>,
    /// Keep the text although the checks find something; it must be a relup all the same
    #[arg(short = 'F', long)]
    pub force: bool,
}

pub(crate) async fn run(ctx: &Ctx, command: Command) -> Result<u8, Error> {
    let args = match command {
        Command::Relup(args) => args,
        Command::Appups(args) => return appups::run(ctx, args).await,
    };
    let store = ctx.store()?;
    let mut upgrade = super::show::relup::choose(ctx, &store, args.version.as_ref()).await?;
    let dir =
        tempfile::tempdir().map_err(|error| Error::new(Kind::Internal, error).context("can't make a folder for the relup"))?;
    let file = dir.path().join(format!("{}-{}.relup", upgrade.app, upgrade.to));
    write(&file, &upgrade.relup)?;
    patch(ctx, &file).await?;
    let Some(text) = edited(ctx, &file, &upgrade, args.force).await? else {
        ctx.reporter.info("the relup stays as it is");
        return Ok(0);
    };
    (upgrade.relup, upgrade.author) = (text, Author::Edited);
    let title = format!("the relup of {} {}", upgrade.app, upgrade.to);
    let pairs = upgrade.from.iter().map(|origin| (origin.version.clone(), upgrade.to.clone())).collect();
    let kept = store.clone();
    blocking(move || kept.put_upgrade(&upgrade)).await?;
    ctx.reporter.info(format!("{title} is changed in the store"));
    tell_verdicts(ctx, store, pairs).await?;
    Ok(0)
}

/// What is said about the ways that an edited text leads along, of releases that the store has.
async fn tell_verdicts(ctx: &Ctx, store: Store, pairs: Vec<(Version, Version)>) -> Result<(), Error> {
    let mut judged = Judgements::new(super::diff::policy(ctx, None)?);
    let judge = move || {
        let mut all = Vec::new();
        for (from, to) in pairs {
            let (Ok(from), Ok(to)) = (store.manifest(&from), store.manifest(&to)) else { continue };
            all.push(judged.between(&store, &from, &to)?.clone());
        }
        Ok::<_, MakeError>(all)
    };
    for judgement in blocking(judge).await? {
        ctx.reporter.send(EventKind::Judged { judgement: Box::new(judgement), asked_for: false });
    }
    Ok(())
}

/// The user's own hook may change the file first, as in edeliver 1.x.
async fn patch(ctx: &Ctx, file: &Path) -> Result<(), Error> {
    const HOOK: &str = "pre_edit_relup";
    let hooks = Session::start(ctx.loaded()?, &Options::new(PATIENCE, ctx.global.yes), &ctx.reporter).await?;
    let nowhere = Arc::new(Hosts::new(Vec::new(), PATIENCE));
    let said = hooks.capture(HOOK, &[file.display().to_string()], &[], nowhere).await?;
    if said.is_some_and(|said| said.status == 0) {
        ctx.reporter.info(format!("patched by the hook {HOOK}"));
    }
    Ok(())
}

/// What the user made of the file: a relup that was checked. `None`: the same as before.
async fn edited(ctx: &Ctx, file: &Path, upgrade: &Upgrade, force: bool) -> Result<Option<String>, Error> {
    loop {
        editor::edit(ctx, file).await?;
        let text = read(file)?;
        if text == upgrade.relup {
            return Ok(None);
        }
        let wrong = match problems(&text, upgrade) {
            Ok(found) if found.is_empty() => return Ok(Some(text)),
            Ok(found) if force => {
                found.into_iter().for_each(|problem| ctx.reporter.warn(problem, Vec::new()));
                return Ok(Some(text));
            }
            Ok(found) | Err(found) => found.join("\n"),
        };
        if !again(ctx, &wrong).await? {
            let error = Error::usage(wrong).context("the relup was not changed");
            return Err(error.hint(Hint::text("`--force` keeps a relup in which only the checks find something")));
        }
    }
}

/// Whether the user edits a file again in which something is wrong. Where nobody can be asked, nobody does.
async fn again(ctx: &Ctx, wrong: &str) -> Result<bool, Error> {
    Ok(ctx.ui.may_ask() && ctx.ui.confirm(format!("{wrong}\nEdit it again?"), None).await?)
}

/// What is wrong with a text: `Err` if it is no relup at all, `Ok` with what the checks find.
pub(super) fn problems(text: &str, upgrade: &Upgrade) -> Result<Vec<String>, Vec<String>> {
    let relup = Relup::parse(text.as_bytes()).map_err(|error| vec![chain(&error).join(": ")])?;
    let vsn = |version: &Version| Vsn::new(version.as_str()).map_err(|error| vec![error.to_string()]);
    let others = upgrade.from.iter().map(|origin| vsn(&origin.version)).collect::<Result<Vec<_>, _>>()?;
    Ok(relup.check(&vsn(&upgrade.to)?, &others).iter().map(ToString::to_string).collect())
}

fn write(file: &Path, text: &str) -> Result<(), Error> {
    fs::write(file, text).map_err(|error| Error::new(Kind::Internal, error).context("can't write the file to edit"))
}

fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|error| Error::new(Kind::Internal, error).context("can't read the edited file"))
}
