//! Commands that a project brings along, as with edeliver 1.x: `.deliver/strategies/erlang-WORD` is sourced, and its `run` is called.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edeliver_core::{
    config::{Settings, TargetSettings},
    event::Outcome,
};

use crate::{
    cli::options::TargetArgs,
    ctx::{Ctx, Journal},
    error::Error,
    hook::{HookError, HookRemote, Hosts, Later, Options, Session, vars},
};
/// Longest time for functions that print a text.
const PATIENCE: Duration = Duration::from_secs(60);

/// The word of the command line, and everything behind it but options of every command.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The command's name
    #[arg(value_name = "COMMAND")]
    pub name: String,
    /// What else was typed
    #[arg(value_name = "WORDS", last = true)]
    pub words: Vec<OsString>,
}

/// The file of a command that the project brings along.
pub(crate) fn file(project: &Path, word: &str) -> Option<PathBuf> {
    let is_name = !word.starts_with('.') && word.chars().all(|c| c.is_ascii_alphanumeric() || ['.', '-', '_'].contains(&c));
    let file = project.join(".deliver/strategies").join(format!("erlang-{word}"));
    (is_name && file.is_file()).then_some(file)
}

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let file = file(&ctx.project, &args.name).ok_or_else(|| Error::usage(format!("the project has no command `{}`", args.name)))?;
    let words: Vec<String> = args.words.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    let loaded = ctx.loaded()?;
    let target = match target(&loaded.settings, &words) {
        Some(target) => Some(ctx.target(&TargetArgs::all_of(target.name.clone())).await?),
        None => None,
    };
    let target = target.as_ref();
    let (hosts, timeout) = target.map_or((Vec::new(), PATIENCE), |target| (target.hosts.clone(), target.step_timeout));
    let remote = Arc::new(Later::new(hosts, ctx.limits()?.clone(), timeout));
    let mut variables = target.map(vars::deploying).unwrap_or_default();
    variables.extend([("COMMAND", args.name.clone()), ("ARGS", words.join(" "))].map(|(name, value)| (name.to_owned(), value)));
    ctx.begin(format!("{} of {}", args.name, loaded.settings.app), Journal::Kept)?;
    let options = Options::new(timeout, ctx.global.yes);
    let ended = async {
        let session = Session::with_file(&file, loaded, (&options, &ctx.reporter), remote.clone()).await?;
        session.run_any("run", &variables, remote.clone()).await
    };
    let ended = ended.await;
    remote.close().await;
    match ended {
        Ok(()) | Err(HookError::Stopped { .. }) => {
            Ok(ctx.finish(Outcome { hosts: Vec::new(), exit_code: 0, interrupted: false }).await)
        }
        Err(error) => Err(error.into()),
    }
}

/// The target that one of the words names; without one `staging`, if there is such a target.
fn target<'a>(settings: &'a Settings, words: &[String]) -> Option<&'a TargetSettings> {
    let called = |word: &str| settings.targets.values().find(|target| target.name.as_str() == word);
    words.iter().find_map(|word| called(word)).or_else(|| called("staging"))
}

/// What the project prints about a command of its own; nothing if it has none of this name.
pub(crate) async fn help(ctx: &Ctx, word: &str) -> Result<Option<String>, Error> {
    match file(&ctx.project, word) {
        Some(file) => text(ctx, &file, "help").await,
        None => Ok(None),
    }
}

/// What the project adds to the list of commands.
pub(crate) async fn commands(ctx: &Ctx) -> Result<Option<String>, Error> {
    let file = ctx.project.join(".deliver/help");
    match file.is_file() {
        true => text(ctx, &file, "print_custom_commands_help").await,
        false => Ok(None),
    }
}

async fn text(ctx: &Ctx, file: &Path, function: &str) -> Result<Option<String>, Error> {
    let session = Session::of_file(file, &Options::new(PATIENCE, false), &ctx.project, &ctx.reporter).await?;
    let nowhere: Arc<dyn HookRemote> = Arc::new(Hosts::new(Vec::new(), PATIENCE));
    Ok(session.capture(function, &[], &[], nowhere).await?.map(|said| said.output))
}
