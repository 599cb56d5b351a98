//! The longer pieces: failures, errors, plans, tables, endings.

use anstyle::Style;
use edeliver_core::{
    event::{HostOutcome, HostResult},
    hint::Hint,
};
use indexmap::IndexMap;

use crate::ui::{
    style::{BAD, DIM, GOOD, HINT, STRONG, WARN, paint},
    table::{self, Cell},
};

/// The word of a result.
pub(in crate::ui) fn word(result: HostResult) -> &'static str {
    match result {
        HostResult::Done => "done",
        HostResult::Failed => "failed",
        HostResult::TakenBack => "taken back",
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
        HostResult::TakenBack | HostResult::Skipped | HostResult::Unknown => WARN,
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

/// An answer. A column that has nothing to say is left out, as long as something is left.
pub(in crate::ui) fn rows(rows: &[IndexMap<String, String>]) -> Vec<String> {
    let Some(first) = rows.first() else { return Vec::new() };
    let says_something = |name: &&String| rows.iter().any(|row| row.get(*name).is_some_and(|cell| !cell.is_empty()));
    let columns: Vec<&String> = first.keys().filter(says_something).collect();
    let head = columns.iter().map(|name| ((*name).clone(), DIM)).collect();
    let cells = |row: &IndexMap<String, String>| -> Vec<Cell> {
        columns.iter().map(|name| (row.get(*name).cloned().unwrap_or_default(), Style::new())).collect()
    };
    table::lines(&[head].into_iter().chain(rows.iter().map(cells)).collect::<Vec<_>>())
}
