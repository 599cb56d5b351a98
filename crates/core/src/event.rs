//! What users are told. One stream feeds the terminal, plain output, `--json`, the journal and the tests.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::{
    doctor::Finding,
    hint::Hint,
    name::{HostName, RunId, TargetName},
    plan::Plan,
    upgrade::Judgement,
};

/// Schema version of the JSON form (`"v"` of every line).
pub const SCHEMA: u32 = 1;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// [`SCHEMA`].
    pub v: u32,
    /// Counts from 0 within a run; every reader sees the same order.
    pub seq: u64,
    /// Milliseconds since the run began.
    pub elapsed_ms: u64,
    /// Whose event; `None`: the run's own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<HostName>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// The kinds of events. Readers meet unknown kinds as [`EventKind::Unknown`], so old readers live.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "event")]
pub enum EventKind {
    /// First event of a run.
    RunStarted {
        /// Its id, also the name of its journal.
        run: RunId,
        /// In words: `deploy hotapp 0.2.0 to production`.
        title: String,
        /// Seconds since 1970.
        unix: u64,
        /// The command line, without secrets.
        command: Vec<String>,
        /// Whether this run leaves a journal.
        #[serde(default)]
        recorded: bool,
        /// Who began it: `account@machine`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        by: Option<String>,
        /// The target that the command was given.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        target: Option<TargetName>,
    },
    /// What the run waits for until its next event; of no interest once that has come.
    Waiting {
        /// In words: `asking 3 hosts`.
        what: String,
    },
    /// Hosts are being asked; like [`EventKind::Waiting`], and says which.
    Asking {
        /// In words: `uptime on 3 hosts`.
        what: String,
        /// In the order of the configuration.
        hosts: Vec<HostName>,
    },
    /// The plan that is obeyed from here on.
    Planned {
        /// All of it.
        plan: Plan,
        /// It is shown and not applied: the plan is the command's result (`--plan`).
        #[serde(default)]
        only_shown: bool,
    },
    /// A wave of hosts begins: those before it are at their ends.
    WaveStarted {
        /// From 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// Its hosts, in the plan's order.
        hosts: Vec<HostName>,
    },
    /// All hosts of a wave are at their ends.
    WaveFinished {
        /// From 1.
        number: usize,
        /// How many there are.
        of: usize,
        /// So many of its hosts failed.
        failed: usize,
    },
    /// A step begins.
    StepStarted {
        /// Position among the host's steps, from 0.
        index: usize,
        /// [`crate::step::Step::describe`].
        what: String,
    },
    /// A line that a remote command, a build tool or a hook printed.
    StepOutput {
        /// Without its line end and without control characters.
        line: String,
    },
    /// A script ran on a host, or a port of it was connected.
    Called {
        /// Its name.
        script: String,
        /// How long it took.
        took_ms: u64,
        /// Its exit status; `None`: it gave none (link lost, timeout, interrupted).
        status: Option<i32>,
    },
    /// How far a transfer is. Lossy: the latest wins.
    Progress {
        /// Bytes done.
        done: u64,
        /// Bytes in all.
        total: u64,
    },
    /// A step is done.
    StepFinished {
        /// Position among the host's steps.
        index: usize,
        /// The step in words.
        what: String,
        /// How long it took.
        took_ms: u64,
        /// What came of it, where that is worth a word (`sent 31 KB in 21 files`).
        #[serde(skip_serializing_if = "Option::is_none", default)]
        note: Option<String>,
    },
    /// A step failed.
    StepFailed {
        /// Position among the host's steps.
        index: usize,
        /// The step in words.
        what: String,
        /// The chain of causes, outermost first; the last is the remote cause.
        causes: Vec<String>,
        /// Last lines of the remote output.
        output: Vec<String>,
        /// Remedies.
        hints: Vec<Hint>,
    },
    /// The host is finished, with this result.
    HostFinished {
        /// Its class.
        result: HostResult,
        /// One line: what is there now (`0.2.0 running`).
        summary: String,
    },
    /// Something the user should know although it stops nothing.
    Warning {
        /// A sentence without its final stop.
        text: String,
        /// Remedies.
        hints: Vec<Hint>,
    },
    /// Something that a checkup looked at (`doctor`).
    Examined {
        /// Whose it is: hosts, `this machine`. Places of which the same is to be said are in one event.
        places: Vec<String>,
        /// What was found there.
        #[serde(flatten)]
        finding: Finding,
    },
    /// Something worth a line of its own (`store has hotapp 0.2.0`).
    Info {
        /// A sentence without its final stop.
        text: String,
    },
    /// What stopped the command; the exit code follows from its class.
    Error {
        /// The class, one of the words of `edeliver help exit-codes`.
        class: String,
        /// What could not be done and why, outermost first.
        causes: Vec<String>,
        /// Remedies.
        hints: Vec<Hint>,
    },
    /// A table, as the answer to a question (`show releases`).
    Rows {
        /// Cells by the name of their column; every row has the same columns in the same order.
        rows: Vec<IndexMap<String, String>>,
        /// What to say instead of an empty table, without a final stop.
        none: String,
    },
    /// A table that takes the place of the one before (`status --watch`).
    Frame {
        /// As in [`EventKind::Rows`].
        rows: Vec<IndexMap<String, String>>,
    },
    /// The verdict over a hot upgrade between two releases.
    Judged {
        /// What differs, what is done about it, and what that means.
        judgement: Box<Judgement>,
        /// It is the command's result (`diff`), not a part of a plan.
        #[serde(default)]
        asked_for: bool,
    },
    /// A text, as the answer to a question; it goes to standard output as it stands.
    Text {
        /// All lines.
        text: String,
    },
    /// A line that a host's command, log or function printed, where that is what the user asked for.
    Printed {
        /// Without its line end and without control characters.
        line: String,
        /// Where it was printed.
        #[serde(default)]
        to: StdStream,
    },
    /// What hosts answered to a question. Hosts with the same answer are in one event.
    Answer {
        /// Those that gave this answer, in the order of the configuration.
        hosts: Vec<HostName>,
        /// How many were asked.
        of: usize,
        /// All lines.
        text: String,
    },
    /// Why hosts gave no answer to a question. Hosts with the same trouble are in one event.
    NoAnswer {
        /// Those, in the order of the configuration.
        hosts: Vec<HostName>,
        /// How many were asked.
        of: usize,
        /// The class, one of the words of `edeliver help exit-codes`.
        class: String,
        /// The chain of causes, outermost first; the last is the remote cause.
        causes: Vec<String>,
        /// Remedies.
        hints: Vec<Hint>,
    },
    /// Last event of a run.
    RunFinished {
        /// Over all hosts.
        outcome: Outcome,
    },
    /// Written by a later edeliver.
    #[serde(other)]
    Unknown,
}

/// One of the two outputs of a command.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StdStream {
    /// Standard output.
    #[default]
    Stdout,
    /// Standard error.
    Stderr,
}

/// How it ended on one host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostResult {
    /// All steps done, or nothing to do.
    Done,
    /// A step failed; the old release serves.
    Failed,
    /// It went well there, and was taken back because of other hosts: the old release serves.
    TakenBack,
    /// A step failed and the way back too, or it was not possible: look at this host.
    Broken,
    /// Nothing was begun there.
    Skipped,
    /// The link was lost in a step: what happened there is not known.
    Unknown,
}

/// How a run ended: host by host, in plan order, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Every host of the plan, each once.
    pub hosts: Vec<HostOutcome>,
    /// The process's exit code.
    pub exit_code: u8,
    /// Whether the user interrupted it.
    pub interrupted: bool,
}

/// One row of the last table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostOutcome {
    /// The host.
    pub host: HostName,
    /// Class.
    pub result: HostResult,
    /// What is there now, or why it failed, in one line.
    pub summary: String,
}
