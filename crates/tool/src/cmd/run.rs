//! `edeliver run list|show`: what was done before.

use edeliver_core::{event::HostResult, hint::Hint};
use indexmap::IndexMap;

use crate::{
    ctx::Ctx,
    error::Error,
    runs::{self, Ending, Summary},
    ui::Replay,
};

/// What to do with recorded runs.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the recorded runs, oldest first
    List(ListArgs),
    /// Show a recorded run again, as it was told
    Show(ShowArgs),
}

/// Arguments of `run list`.
#[derive(Debug, clap::Args)]
pub struct ListArgs {
    /// Show at most this many, the latest
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20, value_parser = crate::cli::options::number::<usize>)]
    pub last: usize,
}

/// Arguments of `run show`.
#[derive(Debug, clap::Args)]
pub struct ShowArgs {
    /// The run's id, its beginning, or its last four characters; without it, the latest run
    #[arg(value_name = "ID")]
    pub id: Option<String>,
}

pub(crate) fn run(ctx: &Ctx, command: &Command) -> Result<u8, Error> {
    match command {
        Command::List(args) => list(ctx, args),
        Command::Show(args) => show(ctx, args),
    }
}

fn list(ctx: &Ctx, args: &ListArgs) -> Result<u8, Error> {
    let all = runs::list(&ctx.runs_dir()?)?;
    let latest = &all[all.len().saturating_sub(args.last)..];
    ctx.answer_rows(latest.iter().map(row).collect(), "no run was recorded yet");
    Ok(0)
}

fn row(run: &Summary) -> IndexMap<String, String> {
    let cells =
        [("run", run.run.to_string()), ("when", when(run.unix)), ("what", run.title.clone()), ("outcome", outcome(&run.ending))];
    cells.into_iter().map(|(column, cell)| (column.to_owned(), cell)).collect()
}

/// Local time.
fn when(unix: Option<u64>) -> String {
    let stamp = unix.and_then(|unix| jiff::Timestamp::from_second(i64::try_from(unix).ok()?).ok());
    stamp.map_or_else(String::new, |stamp| stamp.to_zoned(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn outcome(ending: &Ending) -> String {
    let outcome = match ending {
        Ending::Running => return "running".to_owned(),
        Ending::Cut => return "interrupted, without an end".to_owned(),
        Ending::Over(outcome) => outcome,
    };
    let word = match (outcome.interrupted, outcome.exit_code) {
        (true, _) => "interrupted".to_owned(),
        (false, 0) => "done".to_owned(),
        (false, code) => format!("failed ({code})"),
    };
    let done = outcome.hosts.iter().filter(|host| host.result == HostResult::Done).count();
    if outcome.hosts.len() < 2 || outcome.hosts.len() == done {
        word
    } else {
        format!("{word}, {done} of {} hosts done", outcome.hosts.len())
    }
}

fn show(ctx: &Ctx, args: &ShowArgs) -> Result<u8, Error> {
    let dir = ctx.runs_dir()?;
    let run = runs::meant(&dir, args.id.as_deref())?;
    let mut replay = Replay::new(&ctx.global);
    match runs::replay(&dir, &run, |line, event| replay.event(line, event))? {
        Ending::Over(_) => {}
        Ending::Running => ctx.reporter.info("this run goes on right now"),
        Ending::Cut => {
            let resume = Hint::command("finish what it has begun", format!("edeliver resume {run}"));
            ctx.reporter.warn("the record ends here: the run was interrupted by a crash or a kill", vec![resume]);
        }
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use edeliver_core::event::{HostOutcome, Outcome};

    use super::*;

    #[test]
    fn an_outcome_is_a_word_and_how_many_hosts_are_done() {
        let host = |result| HostOutcome { host: "web1".parse().unwrap(), result, summary: String::new() };
        let over = |hosts, exit_code, interrupted| outcome(&Ending::Over(Outcome { hosts, exit_code, interrupted }));
        assert_eq!(over(vec![host(HostResult::Done)], 0, false), "done");
        assert_eq!(over(vec![host(HostResult::Done), host(HostResult::Failed)], 8, false), "failed (8), 1 of 2 hosts done");
        assert_eq!(over(vec![host(HostResult::Skipped)], 130, true), "interrupted");
        assert_eq!(over(vec![], 7, false), "failed (7)");
        assert_eq!(outcome(&Ending::Cut), "interrupted, without an end");
    }
}
