//! From events to lines that stay: what plain output is made of, and what scrolls above the terminal's moving lines.
//!
//! Knows nothing of terminals. Styles are in the lines; who writes them strips them where they are not wanted.

mod answer;
mod ending;
mod examined;
mod judgement;
mod plan;
pub(super) mod report;
mod running;
mod wave;

use edeliver_core::{
    doctor::{Finding, Grade},
    event::{Event, EventKind, Outcome, StdStream},
    hint::Hint,
    name::HostName,
    plan::Plan,
};
use unicode_width::UnicodeWidthStr as _;

use running::Running;

use super::{
    style::{BAD, DIM, STRONG, WARN, paint},
    table::pad_left,
    words::span,
};
use crate::cli::options::Verbosity;

/// Host names are aligned up to this width; longer ones shift their own lines only.
const WIDEST_PREFIX: usize = 24;

/// Which standard stream a line belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum To {
    /// Results.
    Out,
    /// Everything else.
    Err,
}

/// Lines, each with its stream.
pub(super) type Lines = Vec<(To, String)>;

/// Which finished steps get a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Steps {
    /// Every one.
    All,
    /// Every one as long as just one host works. With many, the moving lines show them, and the host's last line is enough.
    OfOneHost,
}

/// Folds events into lines.
#[derive(Debug)]
pub(super) struct Teller {
    verbosity: Verbosity,
    steps: Steps,
    /// Columns of the host names.
    prefix: usize,
    /// Hosts of the plan.
    hosts: usize,
    /// The steps that go on.
    running: Running,
    /// The run, if it is recorded: a question says nothing but its answer.
    run: Option<Run>,
}

#[derive(Debug)]
struct Run {
    id: String,
    title: String,
    command: Vec<String>,
}

impl Teller {
    /// Nothing told yet.
    pub(super) fn new(verbosity: Verbosity, steps: Steps) -> Self {
        Self { verbosity, steps, prefix: 0, hosts: 0, running: Running::default(), run: None }
    }

    /// The lines for the next event.
    pub(super) fn tell(&mut self, event: &Event) -> Lines {
        let mut lines = if self.steps == Steps::All { self.announce_slow(event.elapsed_ms) } else { Vec::new() };
        lines.extend(self.lines_for(event));
        lines
    }

    /// Time passes: the steps that turn out to be slow.
    pub(super) fn announce_slow(&mut self, now_ms: u64) -> Lines {
        let slow = self.running.slow(now_ms);
        slow.into_iter().map(|(host, line)| self.line(host.as_ref(), &line)).collect()
    }

    fn lines_for(&mut self, event: &Event) -> Lines {
        if event.host.is_none() {
            self.running.end_wait();
        }
        match &event.kind {
            EventKind::StepStarted { .. }
            | EventKind::Waiting { .. }
            | EventKind::Asking { .. }
            | EventKind::StepOutput { .. }
            | EventKind::Called { .. }
            | EventKind::StepFinished { .. }
            | EventKind::StepFailed { .. } => self.of_step(event),
            EventKind::RunStarted { run, title, command, recorded: true, .. } => self.begun(run.as_str(), title, command),
            EventKind::Planned { plan, only_shown } => self.planned(plan, *only_shown),
            // Of a single host the table says it in a moment.
            EventKind::WaveStarted { number, of, hosts } => vec![(To::Err, wave::begins(*number, *of, hosts))],
            EventKind::WaveFinished { number, of, failed } => err(wave::ended(*number, *of, *failed)),
            EventKind::HostFinished { .. } if self.hosts == 1 => Vec::new(),
            EventKind::HostFinished { result, summary } => {
                let word = paint(report::style_of(*result), format_args!("{}:", report::word(*result)));
                vec![self.line(event.host.as_ref(), &format!("{word} {summary}"))]
            }
            EventKind::Warning { text, hints } => {
                let mut lines = vec![self.line(event.host.as_ref(), &format!("{} {text}", paint(WARN, "warning:")))];
                lines.extend(err(report::hints(hints)));
                lines
            }
            EventKind::Examined { finding: Finding { grade: Grade::Fine, .. }, .. } if self.verbosity < Verbosity::Verbose => {
                Vec::new()
            }
            EventKind::Examined { places, finding } => err(examined::lines(places, finding)),
            EventKind::Info { text } => vec![self.line(event.host.as_ref(), text)],
            EventKind::Error { causes, hints, .. } => err(report::error(causes, hints)),
            EventKind::Rows { rows, none } if rows.is_empty() => vec![(To::Err, none.clone())],
            EventKind::Rows { rows, .. } | EventKind::Frame { rows } => out(report::rows(rows)),
            EventKind::Judged { judgement, asked_for: true } => out(judgement::lines(judgement)),
            EventKind::Judged { judgement, asked_for: false } => err(judgement::lines(judgement)),
            EventKind::Text { text } => text.lines().map(|line| (To::Out, line.to_owned())).collect(),
            EventKind::Printed { line, to } => {
                let to = if *to == StdStream::Stdout { To::Out } else { To::Err };
                vec![(to, self.of_host(event.host.as_ref(), line))]
            }
            EventKind::Answer { hosts, of, text } => out(answer::given(hosts, *of, text)),
            EventKind::NoAnswer { hosts, of, causes, hints, .. } => err(answer::missing(hosts, *of, causes, hints)),
            EventKind::RunFinished { outcome } => self.over(outcome, event.elapsed_ms),
            EventKind::RunStarted { .. } | EventKind::Progress { .. } | EventKind::Unknown => Vec::new(),
        }
    }

    fn of_step(&mut self, event: &Event) -> Lines {
        let (host, now_ms) = (&event.host, event.elapsed_ms);
        match &event.kind {
            EventKind::StepStarted { what, .. } => self.running.begin(host.clone(), what, now_ms, running::Kind::Step),
            EventKind::Waiting { what } => self.running.begin(None, what, now_ms, running::Kind::Wait),
            EventKind::Asking { what, hosts } => {
                self.prefix = widest(hosts.iter());
                self.running.begin(None, what, now_ms, running::Kind::Wait);
            }
            EventKind::StepOutput { line } if self.verbosity > Verbosity::Compact => {
                // Before its first line one sees what printed it.
                let first = self.running.printed(host);
                let lines = first.into_iter().chain([paint(DIM, format_args!("  {line}"))]);
                return lines.map(|line| self.line(host.as_ref(), &line)).collect();
            }
            EventKind::Called { script, took_ms, status } if self.verbosity == Verbosity::Debug => {
                let status = status.map_or("no status".to_owned(), |status| format!("status {status}"));
                return vec![self.line(host.as_ref(), &paint(DIM, format_args!("  ran {script}: {status} ({})", span(*took_ms))))];
            }
            EventKind::StepFinished { what, took_ms, note, .. } => {
                self.running.end(host);
                return self.finished(host.as_ref(), what, *took_ms, note.as_deref());
            }
            EventKind::StepFailed { what, causes, output, hints, .. } => {
                let output = if self.running.end(host) { &[] } else { &output[..] };
                return self.failed(host.as_ref(), what, report::failure(causes, output), hints);
            }
            _ => {}
        }
        Vec::new()
    }

    fn failed(&self, host: Option<&HostName>, what: &str, why: Vec<String>, hints: &[Hint]) -> Lines {
        let mut lines = vec![self.line(host, &format!("{} {what}", paint(BAD, "failed:")))];
        lines.extend(why.iter().map(|line| self.line(host, line)));
        lines.extend(err(report::hints(hints)));
        lines
    }

    fn begun(&mut self, run: &str, title: &str, command: &[String]) -> Lines {
        self.run = Some(Run { id: run.to_owned(), title: title.to_owned(), command: command.to_vec() });
        vec![(To::Err, format!("{}  {}", paint(STRONG, title), paint(DIM, format_args!("run {run}"))))]
    }

    /// A build's plan is shown when it is asked for: its steps are about to be told anyway, and they touch nothing that runs.
    fn planned(&mut self, plan: &Plan, only_shown: bool) -> Lines {
        self.hosts = plan.hosts.len();
        self.prefix = widest(plan.hosts.iter().map(|host| &host.host));
        match only_shown {
            true => out(plan::lines(plan)),
            false if plan.target.is_some() || self.verbosity > Verbosity::Compact => {
                let lines = plan::lines(plan);
                let title_is_known = usize::from(self.run.as_ref().is_some_and(|run| run.title == plan.title));
                err(lines.into_iter().skip(title_is_known).collect())
            }
            false => Vec::new(),
        }
    }

    fn finished(&self, host: Option<&HostName>, what: &str, took_ms: u64, note: Option<&str>) -> Lines {
        if self.steps == Steps::OfOneHost && self.hosts > 1 && host.is_some() && self.verbosity == Verbosity::Compact {
            return Vec::new();
        }
        let note = note.map_or(String::new(), |note| format!(": {note}"));
        vec![self.line(host, &format!("{what} {}{note}", paint(DIM, format_args!("({})", span(took_ms)))))]
    }

    fn over(&mut self, outcome: &Outcome, elapsed_ms: u64) -> Lines {
        self.running.clear();
        let mut lines = out(report::table(&outcome.hosts));
        if let Some(run) = &self.run {
            lines.push((To::Err, ending::line(outcome, elapsed_ms)));
            lines.extend(err(report::hints(&ending::hints(outcome, &run.id, &run.command))));
        }
        lines
    }

    fn line(&self, host: Option<&HostName>, text: &str) -> (To, String) {
        (To::Err, self.of_host(host, text))
    }

    /// The text behind its host's name.
    fn of_host(&self, host: Option<&HostName>, text: &str) -> String {
        match host {
            Some(host) => format!("{} {} {text}", paint(STRONG, pad_left(host.as_str(), self.prefix)), paint(DIM, "|")),
            None => text.to_owned(),
        }
    }
}

/// Columns that these names take in front of their lines.
fn widest<'a>(hosts: impl Iterator<Item = &'a HostName>) -> usize {
    hosts.map(|host| host.as_str().width()).max().unwrap_or(0).min(WIDEST_PREFIX)
}

fn err(lines: Vec<String>) -> Lines {
    lines.into_iter().map(|line| (To::Err, line)).collect()
}

fn out(lines: Vec<String>) -> Lines {
    lines.into_iter().map(|line| (To::Out, line)).collect()
}
