//! `edeliver watch TARGET`: the runs of a target as they happen, also those of other terminals.

use std::{
    io,
    path::PathBuf,
    time::{Duration, Instant},
};

use edeliver_core::{
    event::{Event, EventKind, SCHEMA},
    hint::Hint,
    name::{RunId, TargetName},
};

use crate::{
    ask,
    cancel::Level,
    cli::options::Global,
    ctx::Ctx,
    error::{Error, Kind},
    runs::{Ending, Follower, LET_IT_BEGIN, Runs, RunsError},
    ui::Replay,
};

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Shows the run on the target that goes on in this project, whoever began it, from its beginning, as its own terminal does; then waits for the \
next. Nothing is asked and nothing is changed: Ctrl-C ends the watching and not the run. Without a terminal, lines are printed; with --json, the \
recorded events.

  edeliver watch production
  edeliver watch production --once && notify-send done

Exits with 130 after Ctrl-C; with --once with the run's exit code, or with 11 if the run has no end because it was killed.")]
pub struct Args {
    /// End with the run that goes on or comes next, and with its exit code
    #[arg(long)]
    pub once: bool,
    /// The target, as it is called in the configuration
    #[arg(value_name = "TARGET", default_value = "staging")]
    pub target: TargetName,
}

/// How often a journal is looked at for what is new. Asking the kernel for news of a folder does not work on every file system, and a look
/// costs microseconds.
const LOOK: Duration = Duration::from_millis(100);

/// How often the folder is looked at for a new journal.
const LOOK_FOR_RUNS: Duration = Duration::from_millis(500);

pub(crate) async fn run(ctx: &Ctx, args: Args) -> Result<u8, Error> {
    let target = ctx.target_settings(&args.target)?.name.clone();
    let dir = ctx.runs_dir()?;
    ctx.ui.caught_up().await;
    let runs = Runs::of(&dir, target.clone());
    let mut watch = Watch { dir, target, runs, stage: Replay::live(&ctx.global), global: &ctx.global };
    let _endless = ctx.until_interrupted();
    let ended = tokio::select! {
        ended = watch.work(args.once) => ended,
        () = ctx.cancel.reached(Level::Finish) => Ok(Kind::Interrupted.exit_code()),
        () = ask::nobody_reads() => Ok(0),
    };
    watch.stage.leave();
    match ended {
        Ok(code) => Ok(code),
        Err(Stop::Unread) => Ok(0),
        Err(Stop::Failed(error)) => Err(error),
    }
}

struct Watch<'a> {
    dir: PathBuf,
    target: TargetName,
    runs: Runs,
    /// Where the run, or that there is none, is shown.
    stage: Replay,
    global: &'a Global,
}

/// Why there is no more watching.
enum Stop {
    /// Nobody reads it any more.
    Unread,
    Failed(Error),
}

impl From<io::Error> for Stop {
    fn from(_: io::Error) -> Self {
        Self::Unread
    }
}

impl Watch<'_> {
    async fn work(&mut self, once: bool) -> Result<u8, Stop> {
        loop {
            let run = self.next().await?;
            let ending = self.show(&run).await?;
            match ending {
                Ending::Over(outcome) if once => return Ok(outcome.exit_code),
                _ if once => return Ok(Kind::Unknown.exit_code()),
                _ => {}
            }
        }
    }

    /// Waits for the run that is to be shown next.
    async fn next(&mut self) -> Result<RunId, Stop> {
        let since = Instant::now();
        let waiting = EventKind::Waiting { what: format!("waiting for a run on {}", self.target) };
        self.renew();
        self.stage.say(&own(0, waiting))?;
        loop {
            match self.runs.to_show() {
                Ok(Some(run)) => return Ok(run),
                Ok(None) => {}
                Err(RunsError::Read { path, source }) if path == self.dir => {
                    return Err(Stop::Failed(RunsError::Read { path, source }.into()));
                }
                // Somebody else's journal may be closed to us; the next one may be not.
                Err(error) => self.warn(elapsed(since), &Error::from(error).causes().join(": "), Vec::new())?,
            }
            for _ in 0..LOOK_FOR_RUNS.as_millis() / LOOK.as_millis() {
                self.stage.tick(since.elapsed())?;
                tokio::time::sleep(LOOK).await;
            }
        }
    }

    /// Shows a run from its beginning to its end.
    async fn show(&mut self, run: &RunId) -> Result<Ending, Stop> {
        let mut journal = Follower::open(&self.dir, run).map_err(|error| Stop::Failed(error.into()))?;
        self.renew();
        let (mut began, mut heard_ms) = (Instant::now(), 0);
        loop {
            let news = journal.more().map_err(|error| Stop::Failed(error.into()))?;
            for (line, event) in &news {
                self.stage.event(line, event)?;
            }
            if let Some(outcome) = journal.outcome() {
                return Ok(Ending::Over(outcome.clone()));
            }
            if let Some((_, last)) = news.last() {
                heard_ms = last.elapsed_ms;
                began = before(Duration::from_millis(heard_ms) + journal.age());
                continue;
            }
            if !journal.is_written() && journal.age() > LET_IT_BEGIN {
                let hint = Hint::command("what is there now", format!("edeliver releases {}", self.target));
                self.warn(heard_ms, "the record ends here: the run was interrupted by a crash or a kill", vec![hint])?;
                return Ok(Ending::Cut);
            }
            self.stage.tick(began.elapsed())?;
            tokio::time::sleep(LOOK).await;
        }
    }

    /// A clear stage for the next run.
    fn renew(&mut self) {
        self.stage.leave();
        self.stage = Replay::live(self.global);
    }
    fn warn(&mut self, at_ms: u64, text: &str, hints: Vec<Hint>) -> Result<(), Stop> {
        Ok(self.stage.say(&own(at_ms, EventKind::Warning { text: text.to_owned(), hints }))?)
    }
}

/// So long ago.
fn before(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_sub(time).unwrap_or(now)
}

fn elapsed(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// An event that is not of the run.
fn own(elapsed_ms: u64, kind: EventKind) -> Event {
    Event { v: SCHEMA, seq: 0, elapsed_ms, host: None, kind }
}
