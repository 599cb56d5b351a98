//! One program of the project at one moment of a run.

use std::{io, path::PathBuf, process::ExitStatus, time::Duration};

use edeliver_core::{event::EventKind, notice::MOMENT};
use tokio::process::Command;

use crate::{
    hook::{masked, shell::LastWords},
    program::{self, Lines, ProgramError},
    report::Reporter,
};

/// Lines of its output that are kept for the error.
const KEPT: usize = 12;

/// Why a hook of the run did not do its work.
#[derive(Debug, thiserror::Error)]
pub enum RunHookError {
    /// It can't be started.
    #[error("the hook {hook} can't be started: {program}")]
    Start {
        /// The moment.
        hook: String,
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It failed.
    #[error("the hook {hook} failed with {status}")]
    Failed {
        /// The moment.
        hook: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said at the end.
        #[source]
        said: LastWords,
    },
    /// It did not end in time, and was ended.
    #[error("the hook {hook} did not end within {} s", after.as_secs())]
    Timeout {
        /// The moment.
        hook: String,
        /// The limit.
        after: Duration,
        /// What it said at the end.
        #[source]
        said: LastWords,
    },
}

/// A program, and what it is told, at a moment of the run.
pub(super) struct RunHook {
    /// `None`: there is none for this moment.
    pub(super) program: Option<Program>,
}

impl RunHook {
    /// Runs it to its end.
    pub(super) async fn run(self) -> Result<(), RunHookError> {
        let Some(program) = self.program else { return Ok(()) };
        // A hook that calls edeliver would else be called by it again, and again.
        if std::env::var_os(MOMENT).is_some() {
            program.reporter.info(format!("the hook {} is not run, because a hook runs this command", program.word));
            return Ok(());
        }
        program.reporter.send(EventKind::Waiting { what: format!("the hook {}", program.word) });
        program.run().await
    }
}

/// A program of the project, and what it is told. Dropped while it runs, it is ended.
pub(crate) struct Program {
    /// The moment.
    pub(crate) word: String,
    pub(crate) program: PathBuf,
    pub(crate) project: PathBuf,
    pub(crate) timeout: Duration,
    pub(crate) environment: Vec<(&'static str, String)>,
    /// One line for its standard input.
    pub(crate) json: String,
    pub(crate) secrets: Vec<String>,
    pub(crate) reporter: Reporter,
}

impl Program {
    /// Runs it to its end. What it prints is told line by line.
    pub(crate) async fn run(mut self) -> Result<(), RunHookError> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.project).env("PWD", &self.project).envs(std::mem::take(&mut self.environment));
        let input = format!("{}\n", self.json).into_bytes();
        let mut heard = Heard { out: Lines::default(), err: Lines::default(), last: Vec::new() };
        let mut listener = |output, bytes: &[u8]| self.hear(&mut heard, output, bytes);
        let ended = program::run(command, input, self.timeout, &mut listener).await;
        for line in [heard.out.end(), heard.err.end()].into_iter().flatten() {
            self.line(&mut heard.last, &line);
        }
        let (hook, said) = (self.word, LastWords::of(heard.last));
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(RunHookError::Failed { hook, status, said }),
            Err(ProgramError::Timeout { after }) => Err(RunHookError::Timeout { hook, after, said }),
            Err(ProgramError::Start(source)) => {
                Err(RunHookError::Start { hook, program: self.program.display().to_string(), source })
            }
        }
    }
    fn hear(&self, heard: &mut Heard, output: program::Output, bytes: &[u8]) {
        let lines = match output {
            program::Output::Out => heard.out.feed(bytes),
            program::Output::Err => heard.err.feed(bytes),
        };
        lines.iter().for_each(|line| self.line(&mut heard.last, line));
    }
    fn line(&self, last: &mut Vec<String>, line: &str) {
        let line = masked(&self.secrets, line);
        self.reporter.output(&line);
        if last.len() == KEPT {
            last.remove(0);
        }
        last.push(line);
    }
}

struct Heard {
    out: Lines,
    err: Lines,
    last: Vec<String>,
}
