//! An operator: edeliver under way, heard while it speaks.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Read},
    process::{Child, Stdio},
    sync::mpsc::Sender,
    thread::{self, JoinHandle},
};

use edeliver_core::event::{Event, EventKind, HostOutcome, HostResult};

use super::field::Field;

/// What is heard of operators.
pub(super) enum Note {
    /// One of them told of a step.
    Told,
    /// One of them has ended.
    Over,
}

/// edeliver under way.
pub(super) struct Operator {
    child: Child,
    out: JoinHandle<String>,
    err: JoinHandle<String>,
}

/// How an operation ended.
#[derive(Debug, Clone, Default)]
pub(super) struct Ending {
    /// `None`: it was killed.
    pub(super) code: Option<i32>,
    /// The last table, as far as there is one.
    pub(super) rows: Vec<HostOutcome>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Operator {
    /// Begins.
    ///
    /// # Errors
    /// edeliver can't be started.
    pub(super) fn start(field: &Field, words: &str, notes: &Sender<Note>) -> Result<Self, Box<dyn Error>> {
        let mut child = field.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let (out, err) = (child.stdout.take(), child.stderr.take());
        let notes = notes.clone();
        let out = thread::spawn(move || heard(out, &notes));
        let err = thread::spawn(move || {
            let mut text = String::new();
            // Text that is none is of no use anyway.
            let _ = err.map(|mut err| err.read_to_string(&mut text));
            text
        });
        Ok(Self { child, out, err })
    }
    /// Sends it a signal. The process is the lab's program, which has become edeliver.
    pub(super) fn signal(&self, name: &str) {
        let _ = std::process::Command::new("kill").args(["-s", name, &self.child.id().to_string()]).output();
    }
    /// Whether it has ended.
    pub(super) fn is_over(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
    /// How it has ended, once it has.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn end(mut self) -> Result<Ending, Box<dyn Error>> {
        let code = self.child.wait()?.code();
        let (out, err) = (self.out.join().unwrap_or_default(), self.err.join().unwrap_or_default());
        Ok(Ending { code, rows: rows(&out), out, err })
    }
}

fn heard(out: Option<impl Read>, notes: &Sender<Note>) -> String {
    let mut said = String::new();
    for line in out.map(BufReader::new).into_iter().flat_map(|out| out.lines().map_while(Result::ok)) {
        if line.contains("\"event\":\"step-") {
            let _ = notes.send(Note::Told);
        }
        said.push_str(&line);
        said.push('\n');
    }
    let _ = notes.send(Note::Over);
    said
}

/// The last table of what was told.
fn rows(out: &str) -> Vec<HostOutcome> {
    let kinds = out.lines().filter_map(|line| Some(serde_json::from_str::<Event>(line).ok()?.kind));
    kinds
        .filter_map(|kind| if let EventKind::RunFinished { outcome } = kind { Some(outcome.hosts) } else { None })
        .next_back()
        .unwrap_or_default()
}

impl Ending {
    /// What the table says of a host.
    pub(super) fn of(&self, host: &str) -> Option<HostResult> {
        self.rows.iter().find(|row| row.host.to_string() == host).map(|row| row.result)
    }
    /// Whether the host's line has these words.
    pub(super) fn says(&self, host: &str, words: &str) -> bool {
        self.rows.iter().any(|row| row.host.to_string() == host && row.summary.contains(words))
    }
    /// For files: all of it.
    pub(super) fn text(&self) -> String {
        format!("{}{}\nexit code {:?}\n", self.out, self.err, self.code)
    }
}
