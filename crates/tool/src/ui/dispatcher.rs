//! The dispatcher: gives every event its number and time, and hands it to all readers in one order.
//!
//! It runs on a thread of its own, so that a slow terminal or a full pipe never holds up the work. A reader that can't write any more is
//! dropped; what was lost is told once, through those that remain.

mod desk;

use std::{
    path::PathBuf,
    sync::{Arc, OnceLock},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use edeliver_core::hint::Hint;
use tokio::sync::{mpsc, oneshot};

use super::{
    Render,
    ask::{self, Answer, Question},
};
use crate::{
    error::{Error, Kind},
    notices::Traces,
    report::Draft,
};
use desk::Desk;

/// How often renderers that show time are woken.
const TICK: Duration = Duration::from_millis(100);

/// How questions are answered.
#[derive(Debug, Clone, Copy)]
pub struct Answers {
    /// All of them with yes (`--yes`).
    pub yes: bool,
    /// Whether somebody sits at a terminal.
    pub may_ask: bool,
}

#[derive(Debug)]
enum Control {
    CaughtUp(oneshot::Sender<()>),
    Suspend(oneshot::Sender<()>),
    Resume,
    Finish(u8),
}

/// What verbs see of the dispatcher.
#[derive(Debug, Clone)]
pub struct Handle {
    control: mpsc::UnboundedSender<Control>,
    answers: Answers,
    journal: Arc<OnceLock<PathBuf>>,
    traces: Option<Traces>,
}

impl Handle {
    /// A handle without a dispatcher, for tests: nothing is recorded; questions are answered with yes, or refused.
    pub fn detached(yes: bool) -> Self {
        let (control, _) = mpsc::unbounded_channel();
        Self { control, answers: Answers { yes, may_ask: false }, journal: Arc::default(), traces: None }
    }
    /// The same, with the spans of the run that a reader folds out of the events.
    pub(crate) fn with_traces(self, traces: Option<Traces>) -> Self {
        Self { traces, ..self }
    }
    /// The spans of the run, where somebody wants them.
    pub(crate) fn traces(&self) -> Option<Traces> {
        self.traces.clone()
    }
    /// Records the run in this new file, from its `RunStarted` on, which must be sent after this.
    pub fn record_in(&self, file: PathBuf) {
        let _ = self.journal.set(file);
    }
    /// Whether somebody sits at a terminal.
    pub fn may_ask(&self) -> bool {
        self.answers.may_ask
    }
    /// Asks for a yes. `--yes` answers without showing the question. `banner` names what is at stake.
    ///
    /// # Errors
    /// When nobody can be asked; the hint then names `--yes`.
    pub async fn confirm(&self, text: impl Into<String>, banner: Option<String>) -> Result<bool, Error> {
        if self.answers.yes {
            return Ok(true);
        }
        if !self.answers.may_ask {
            let error = Error::usage("this needs a yes, and there is no terminal to ask on");
            return Err(error.hint(Hint::text("look at it with `--plan`, then give `--yes`")));
        }
        Ok(self.ask(Question::Confirm { text: text.into(), banner }).await? == Answer::Yes)
    }
    /// Asks which one; `None` when none was chosen. `missing` is what to give on the command line instead (`--version=VERSION`).
    ///
    /// # Errors
    /// When nobody can be asked; `--yes` does not choose.
    pub async fn choose(&self, text: impl Into<String>, options: Vec<String>, missing: &str) -> Result<Option<usize>, Error> {
        let text = text.into();
        if !self.answers.may_ask || self.answers.yes {
            let error = Error::usage(format!("several are possible: {}", options.join(", ")));
            return Err(error.hint(Hint::text(format!("choose with `{missing}`"))));
        }
        Ok(match self.ask(Question::Choose { text, options }).await? {
            Answer::Option(index) => Some(index),
            Answer::Yes | Answer::No | Answer::Text(_) => None,
        })
    }
    /// Asks for a line of text; an empty one means the suggestion. `None` at the end of input. `missing` is what to give on the command line
    /// instead.
    ///
    /// # Errors
    /// When nobody can be asked.
    pub async fn type_in(&self, text: impl Into<String>, suggestion: &str, missing: &str) -> Result<Option<String>, Error> {
        let text = text.into();
        if !self.answers.may_ask {
            let error = Error::usage(format!("there is no terminal to ask on: {text}"));
            return Err(error.hint(Hint::text(format!("give `{missing}`"))));
        }
        Ok(match self.ask(Question::Text { text, suggestion: suggestion.to_owned() }).await? {
            Answer::Text(line) => Some(line),
            Answer::Yes | Answer::No | Answer::Option(_) => None,
        })
    }

    /// Asks on the terminal.
    async fn ask(&self, question: Question) -> Result<Answer, Error> {
        let _room = self.make_room().await;
        let (to, answer) = oneshot::channel();
        // A plain thread: reading a terminal can't be interrupted, and the runtime would wait for its own blocking threads.
        std::thread::spawn(move || to.send(ask::on_terminal(&question)));
        let answer = answer.await.map_err(|error| Error::new(Kind::Internal, error))?;
        answer.map_err(|error| Error::new(Kind::Internal, error).context("can't ask"))
    }
    /// Waits until everything that was told so far has been handed to all readers. Who tells what a host prints waits now and then, so
    /// that a slow terminal slows the host down, and does not fill our memory.
    pub async fn caught_up(&self) {
        let (ready, wait) = oneshot::channel();
        let _ = self.control.send(Control::CaughtUp(ready));
        let _ = wait.await;
    }
    /// Waits until everything that was told so far is on the terminal, and keeps it still until the guard is dropped.
    pub async fn make_room(&self) -> Room {
        let (ready, wait) = oneshot::channel();
        let _ = self.control.send(Control::Suspend(ready));
        let _ = wait.await;
        Room(self.control.clone())
    }
}

/// The terminal is free for a question while this lives.
#[must_use]
#[derive(Debug)]
pub struct Room(mpsc::UnboundedSender<Control>);

impl Drop for Room {
    fn drop(&mut self) {
        let _ = self.0.send(Control::Resume);
    }
}

/// The running dispatcher.
pub struct Dispatcher {
    control: mpsc::UnboundedSender<Control>,
    thread: Option<JoinHandle<()>>,
}

impl Dispatcher {
    /// Tells everything that was sent so far, ends the run with this exit code if nobody did, and stops.
    pub fn finish(mut self, exit_code: u8) {
        let _ = self.control.send(Control::Finish(exit_code));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Starts the dispatcher on a thread of its own.
pub fn start(drafts: mpsc::UnboundedReceiver<Draft>, renderers: Vec<Box<dyn Render>>, answers: Answers) -> (Handle, Dispatcher) {
    let (control, commands) = mpsc::unbounded_channel();
    let journal = Arc::default();
    let desk = Desk::new(renderers, Arc::clone(&journal));
    let thread = std::thread::Builder::new().name("dispatcher".to_owned()).spawn(move || run(desk, drafts, commands)).ok();
    (Handle { control: control.clone(), answers, journal, traces: None }, Dispatcher { control, thread })
}

fn run(mut desk: Desk, mut drafts: mpsc::UnboundedReceiver<Draft>, mut commands: mpsc::UnboundedReceiver<Control>) {
    let begun = Instant::now();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_time().build() else { return };
    runtime.block_on(async {
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut suspended = 0_usize;
        loop {
            tokio::select! {
                biased;
                Some(command) = commands.recv() => {
                    // What was told before the command stands before its effect.
                    while let Ok(draft) = drafts.try_recv() {
                        desk.take(draft, begun.elapsed());
                    }
                    match command {
                        Control::CaughtUp(ready) => _ = ready.send(()),
                        Control::Suspend(ready) => {
                            suspended += 1;
                            desk.suspend();
                            let _ = ready.send(());
                        }
                        Control::Resume => {
                            suspended = suspended.saturating_sub(1);
                            if suspended == 0 {
                                desk.resume();
                            }
                        }
                        Control::Finish(code) => return desk.finish(code, begun.elapsed()),
                    }
                }
                Some(draft) = drafts.recv(), if suspended == 0 => desk.take(draft, begun.elapsed()),
                _ = ticks.tick(), if suspended == 0 => desk.tick(begun.elapsed()),
            }
        }
    });
}
