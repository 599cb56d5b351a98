//! The longer pieces: failures, errors, plans, tables, endings.

use anstyle::Style;
use edeliver_core::{
    event::{HostOutcome, HostResult, Outcome},
    hint::Hint,
};
use indexmap::IndexMap;

use crate::ui::{
    style::{BAD, DIM, GOOD, HINT, STRONG, WARN, paint},
    table::{self, Cell},
    words::{count, span},
};

/// The word of a result.
pub(super) fn word(result: HostResult) -> &'static str {
    match result {
        HostResult::Done => "done",
        HostResult::Failed => "failed",
        HostResult::Broken => "broken",
        HostResult::Skipped => "skipped",
        HostResult::Unknown => "unknown",
    }
}

/// The style of a result.
pub(super) fn style_of(result: HostResult) -> Style {
    match result {
        HostResult::Done => GOOD,
        HostResult::Failed | HostResult::Broken => BAD,
        HostResult::Skipped | HostResult::Unknown => WARN,
    }
}

/// Remedies. A command stands on a line of its own, so that it can be copied.
pub(super) fn hints(hints: &[Hint]) -> Vec<String> {
    let mut lines = Vec::new();
    for hint in hints {
        lines.push(format!("{} {}", paint(HINT, "hint:"), hint.text));
        lines.extend(hint.command.iter().map(|command| format!("      {command}")));
    }
    lines
}

/// What stopped the command, and why.
pub(super) fn error(causes: &[String], remedies: &[Hint]) -> Vec<String> {
    let mut lines = Vec::new();
    for (index, cause) in causes.iter().enumerate() {
        let label = if index == 0 { "error:" } else { "caused by:" };
        lines.push(format!("{} {}", paint(BAD, label), indented(cause, label.len() + 1)));
    }
    lines.extend(hints(remedies));
    lines
}

/// Lines after the first stand below it.
fn indented(text: &str, columns: usize) -> String {
    let indent = |(number, line): (usize, &str)| match (number, line) {
        (0, line) => line.to_owned(),
        (_, "") => String::new(),
        (_, line) => format!("{}{line}", " ".repeat(columns)),
    };
    text.lines().enumerate().map(indent).collect::<Vec<_>>().join("\n")
}

/// Why a step failed, and what it printed last.
pub(super) fn failure(causes: &[String], output: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = causes.iter().flat_map(|cause| cause.lines()).map(|line| format!("  {line}")).collect();
    if !output.is_empty() {
        lines.push(format!("  {}", paint(DIM, "its last output:")));
        lines.extend(output.iter().map(|line| format!("    {line}")));
    }
    lines
}

/// The last table.
pub(super) fn table(hosts: &[HostOutcome]) -> Vec<String> {
    if hosts.is_empty() {
        return Vec::new();
    }
    let head = ["host", "result", "now"].map(|word| (word.to_owned(), DIM)).to_vec();
    let row = |host: &HostOutcome| -> Vec<Cell> {
        let result = (word(host.result).to_owned(), style_of(host.result));
        vec![(host.host.to_string(), STRONG), result, (host.summary.clone(), Style::new())]
    };
    table::lines(&[head].into_iter().chain(hosts.iter().map(row)).collect::<Vec<_>>())
}

/// An answer.
pub(super) fn rows(rows: &[IndexMap<String, String>]) -> Vec<String> {
    let head = rows.first().map(|row| row.keys().map(|name| (name.clone(), DIM)).collect());
    let cells = rows.iter().map(|row| row.values().map(|cell| (cell.clone(), Style::new())).collect());
    table::lines(&head.into_iter().chain(cells).collect::<Vec<_>>())
}

/// The last line of a run that was recorded, and where its record is when something went wrong.
pub(super) fn ending(outcome: &Outcome, elapsed_ms: u64, run: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for result in [HostResult::Done, HostResult::Failed, HostResult::Broken, HostResult::Unknown, HostResult::Skipped] {
        let number = outcome.hosts.iter().filter(|host| host.result == result).count();
        if number > 0 && outcome.hosts.len() == 1 {
            parts.push(paint(style_of(result), word(result)));
        } else if number > 0 {
            parts.push(paint(style_of(result), format_args!("{} {}", count(number, "host"), word(result))));
        }
    }
    if outcome.interrupted {
        parts.push(paint(WARN, "interrupted"));
    }
    if parts.is_empty() {
        parts.push(if outcome.exit_code == 0 { paint(GOOD, "done") } else { paint(BAD, "failed") });
    }
    let mut lines = vec![format!("{} {}", parts.join(", "), paint(DIM, format_args!("in {}", span(elapsed_ms))))];
    if outcome.exit_code != 0 {
        lines.extend(hints(&[Hint::command("the whole record of this run", format!("edeliver run show {run}"))]));
    }
    lines
}
