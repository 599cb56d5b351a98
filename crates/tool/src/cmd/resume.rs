//! `edeliver resume [RUN]` and `edeliver retry --failed [RUN]`: a run's command once more, for the hosts that are left.

use std::{
    collections::HashSet,
    ffi::OsString,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
};

use edeliver_core::{
    hint::Hint,
    name::{RunId, TargetName},
    resume::{Past, Refused, Which},
};

use crate::{
    cli::{self, options::Verbosity},
    ctx::Ctx,
    error::{Error, Kind},
    runs::{self, Ending, RunsError},
    transport::quote,
};

/// Arguments of `resume`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Takes the latest run of this project that did not end well or was killed, unless a later one on the same target went well, and runs its \
command once more for the hosts that are not done. Hosts are looked at again, so what is there is left alone. A release that the run had built \
or chosen is deployed, none is built. Where all hosts are done and only migrations failed, these are carried out. Which run and command it is is said first, and it asks as that command asks.

  edeliver resume
  edeliver resume 3fa9 --yes

Exits as the command does; with 2 if there is nothing to resume, with 5 if that run goes on in another process.")]
pub struct Args {
    /// The run's id, its beginning, or its last four characters; without it, the latest that has something left
    #[arg(value_name = "RUN")]
    pub id: Option<String>,
}

/// Arguments of `retry`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
As `edeliver resume`, for just the hosts that failed, were skipped, or of which it is not known how they ended; not for those that were taken \
back because of others.

  edeliver retry --failed")]
pub struct RetryArgs {
    /// The hosts that failed, were skipped or are unknown
    #[arg(long, required = true)]
    pub failed: bool,
    /// As of `resume`.
    #[command(flatten)]
    pub run: Args,
}

pub(crate) async fn run(ctx: &Ctx, args: Args, which: Which) -> Result<u8, Error> {
    let dir = ctx.runs_dir()?;
    let (run, ending) = match args.id.as_deref() {
        Some(id) => named(&dir, id)?,
        None => latest(&dir)?,
    };
    let past = read(&dir, &run)?;
    if let Some(target) = &past.target {
        ctx.target_settings(target)?;
    }
    let parsed = cli::parse(past.command.iter().map(OsString::from).collect());
    let verb = parsed.map(|cli| cli.words.command).unwrap_or_default();
    let words = past.again(&verb, which).map_err(|refused| refuse(&run, refused))?;
    let patience = patience(&past, &words, &ending);
    let words = words.into_iter().chain(of_now(ctx, &past)).chain(patience).collect::<Vec<_>>();
    let line = words.iter().map(|word| shown(word)).collect::<Vec<_>>().join(" ");
    ctx.reporter.info(format!("run {run} is resumed: edeliver {line}"));
    ctx.ui.caught_up().await;
    become_it(words)
}

/// A run that was killed has left its lease, which ends by itself. Nobody else is waited for much longer than that.
fn patience(past: &Past, words: &[String], ending: &Ending) -> Option<String> {
    const LEFT: &str = "--lock-wait=30s";
    let is_said = past.command.iter().any(|word| word.starts_with("--lock-wait"));
    let takes_one = words.first().is_some_and(|verb| edeliver_core::resume::is_of_hosts(verb));
    (*ending == Ending::Cut && takes_one && !is_said).then(|| LEFT.to_owned())
}

/// As one would type it: an option is readable without quotes.
fn shown(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "@%+=:,./_-".contains(c);
    if word.chars().all(is_plain) && !word.is_empty() { word.to_owned() } else { quote::word(word).into_owned() }
}

/// What was said now about how it is told and answered.
fn of_now(ctx: &Ctx, past: &Past) -> Vec<String> {
    let global = &ctx.global;
    let verbosity = match ctx.verbosity() {
        Verbosity::Compact => None,
        Verbosity::Verbose => Some("--verbose"),
        Verbosity::Debug => Some("--debug"),
    };
    let flags = [global.yes.then_some("--yes"), global.json.then_some("--json"), global.plain.then_some("--plain"), verbosity];
    let is_new = |flag: &&str| !past.command.iter().any(|word| word == flag) || ["--yes", "--json"].contains(flag);
    let project = global.project.as_ref().map(|_| format!("--project={}", ctx.project.display()));
    flags.into_iter().flatten().filter(is_new).map(str::to_owned).chain(project).collect()
}

/// This process becomes the command: it has a terminal, a journal and an exit code of its own.
fn become_it(words: Vec<String>) -> Result<u8, Error> {
    let program = std::env::current_exe().unwrap_or_else(|_| "edeliver".into());
    let error = Command::new(program).args(words).stdin(Stdio::inherit()).exec();
    Err(Error::new(Kind::Internal, error).context("can't start edeliver again"))
}

fn read(dir: &Path, run: &RunId) -> Result<Past, Error> {
    let mut past = Past::default();
    runs::replay(dir, run, |_, event| {
        past.take(event);
        Ok(())
    })?;
    Ok(past)
}

/// The run that the user means, which must have something left.
fn named(dir: &Path, id: &str) -> Result<(RunId, Ending), Error> {
    let run = runs::find(dir, id)?;
    let summary = runs::list(dir)?.into_iter().find(|summary| summary.run == run);
    match summary.map(|summary| summary.ending) {
        Some(Ending::Running) => Err(goes_on(&run, read(dir, &run)?.target.as_ref())),
        Some(Ending::Over(outcome)) if outcome.exit_code == 0 => {
            let error = Error::usage(format!("run {run} went well, so there is nothing to resume"));
            Err(error.hint(Hint::command("what was done in it", format!("edeliver run show {run}"))))
        }
        Some(ending) => Ok((run, ending)),
        None => Err(RunsError::None { id: id.to_owned() }.into()),
    }
}

/// The latest run that did not end well. One before a run on the same target that went well is history: it would bring back what was
/// meant then.
fn latest(dir: &Path) -> Result<(RunId, Ending), Error> {
    let mut settled: HashSet<Option<TargetName>> = HashSet::new();
    for summary in runs::list(dir)?.into_iter().rev() {
        let target = read(dir, &summary.run)?.target;
        match summary.ending {
            Ending::Running => return Err(goes_on(&summary.run, target.as_ref())),
            Ending::Over(ref outcome) if outcome.exit_code == 0 => _ = settled.insert(target),
            _ if settled.contains(&target) => {}
            ending => return Ok((summary.run, ending)),
        }
    }
    let error = Error::usage("no run is left to be resumed: the last one on each target went well, or there is none");
    Err(error.hint(Hint::command("these are the recorded runs; an older one is resumed by its id", "edeliver run list")))
}

fn goes_on(run: &RunId, target: Option<&TargetName>) -> Error {
    let error = Error::new(Kind::Locked, format!("run {run} goes on right now, in another process"));
    let watch = target.map_or("edeliver run list".to_owned(), |target| format!("edeliver watch {target}"));
    error.hint(Hint::command("look at it", watch))
}

fn refuse(run: &RunId, refused: Refused) -> Error {
    let hint = match &refused {
        Refused::Several { .. } => Hint::text("name one with its hosts: `edeliver rollback TARGET --version=VERSION --host=HOST`"),
        Refused::NoHosts => Hint::text("`edeliver resume` finishes what else is left of it"),
        Refused::Secret { .. } | Refused::NotRepeated { .. } | Refused::NoCommand => {
            Hint::command("look at how far it came, and type the command yourself", format!("edeliver run show {run}"))
        }
    };
    Error::usage(refused).context(format!("run {run} can't be resumed")).hint(hint)
}
