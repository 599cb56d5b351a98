//! The verdict over a hot upgrade, for people.

use anstyle::Style;
use edeliver_core::upgrade::{Finding, Judgement, Level, Verdict, show::Row};

use crate::ui::{
    style::{BAD, DIM, GOOD, HINT, STRONG, WARN, paint},
    table,
};

/// The judgement as lines: the verdict, what differs and what is done about it, and what is to be known.
pub(super) fn lines(judgement: &Judgement) -> Vec<String> {
    let mut lines = vec![headline(judgement)];
    lines.extend(table::lines(&judgement.rows().iter().map(row).collect::<Vec<_>>()));
    lines.extend(judgement.config.iter().map(|line| format!("  configuration: {line}")));
    lines.extend(judgement.findings.iter().flat_map(finding));
    lines
}

fn headline(judgement: &Judgement) -> String {
    let style = match judgement.verdict {
        Verdict::Hot => GOOD,
        Verdict::HotWithWarnings => WARN,
        Verdict::Restart => BAD,
    };
    let Judgement { name, from, to, .. } = judgement;
    format!("{} {}", paint(STRONG, format_args!("{name} {from} to {to}:")), paint(style, judgement.verdict.word()))
}

fn row(row: &Row) -> Vec<table::Cell> {
    let (indent, style) = if row.is_module { ("    ", Style::new()) } else { ("  ", STRONG) };
    let name = format!("{indent}{}", crate::report::printable(&row.name));
    vec![(name, style), (crate::report::printable(&row.changes), DIM), (row.action.to_owned(), Style::new())]
}

fn finding(finding: &Finding) -> Vec<String> {
    let (word, style) = match finding.level {
        Level::Restart => ("restart:", BAD),
        Level::Warning => ("warning:", WARN),
        Level::Note => ("note:", DIM),
    };
    let mut lines = vec![format!("{} {}", paint(style, word), crate::report::printable(&finding.line()))];
    if finding.level != Level::Note && !finding.remedy.is_empty() {
        lines.push(format!("  {} {}", paint(HINT, "hint:"), finding.remedy));
    }
    lines
}
