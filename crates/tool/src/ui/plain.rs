//! Lines that are printed once and never change: for CI, files and pipes.

use std::io::{self, Write};

use edeliver_core::event::{Event, EventKind};

use super::{
    Look, Render,
    style::{BAD, HINT, WARN, paint},
    table,
};
use crate::cli::options::Verbosity;

/// Writes results to one stream and everything else to the other.
pub struct Plain<O, E> {
    out: O,
    err: E,
    look: Look,
}

impl<O: Write, E: Write> Plain<O, E> {
    /// Results go to `out`, everything else to `err`.
    pub fn new(out: O, err: E, look: Look) -> Self {
        Self { out, err, look }
    }

    fn hints(&mut self, hints: &[edeliver_core::hint::Hint]) -> io::Result<()> {
        for hint in hints {
            writeln!(self.err, "{} {}", paint(HINT, "hint:"), hint.text)?;
            if let Some(command) = &hint.command {
                writeln!(self.err, "      {command}")?;
            }
        }
        Ok(())
    }
}

impl<O: Write + Send, E: Write + Send> Render for Plain<O, E> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let host = event.host.as_ref().map_or(String::new(), |host| format!("{host} "));
        match &event.kind {
            EventKind::RunStarted { title, .. } => writeln!(self.err, "{title}"),
            EventKind::StepFinished { what, .. } => writeln!(self.err, "{host}{what}"),
            EventKind::StepOutput { line } if self.look.verbosity > Verbosity::Compact => writeln!(self.err, "{host}| {line}"),
            EventKind::StepFailed { what, causes, hints, .. } => {
                writeln!(self.err, "{host}{} {what}: {}", paint(BAD, "failed:"), causes.join(": "))?;
                self.hints(hints)
            }
            EventKind::Warning { text, hints } => {
                writeln!(self.err, "{} {text}", paint(WARN, "warning:"))?;
                self.hints(hints)
            }
            EventKind::Info { text } => writeln!(self.err, "{host}{text}"),
            EventKind::Error { causes, hints, .. } => {
                for (index, cause) in causes.iter().enumerate() {
                    let label = if index == 0 { "error:" } else { "caused by:" };
                    writeln!(self.err, "{} {cause}", paint(BAD, label))?;
                }
                self.hints(hints)
            }
            EventKind::Rows { rows, none } => match rows.first() {
                None => writeln!(self.err, "{none}"),
                Some(first) => {
                    let mut cells = vec![first.keys().cloned().collect::<Vec<_>>()];
                    cells.extend(rows.iter().map(|row| row.values().cloned().collect()));
                    table::lines(&cells).iter().try_for_each(|line| writeln!(self.out, "{line}"))
                }
            },
            EventKind::Text { text } => write!(self.out, "{text}{}", if text.ends_with('\n') { "" } else { "\n" }),
            EventKind::RunFinished { outcome } => {
                let rows: Vec<Vec<String>> = outcome
                    .hosts
                    .iter()
                    .map(|host| vec![host.host.to_string(), format!("{:?}", host.result).to_lowercase(), host.summary.clone()])
                    .collect();
                table::lines(&rows).iter().try_for_each(|line| writeln!(self.out, "{line}"))
            }
            _ => Ok(()),
        }
    }
    fn name(&self) -> &'static str {
        "standard error"
    }
}
