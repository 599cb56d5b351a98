//! The table.

use std::fmt::Write as _;

use super::{
    row::{Engine, Row, Tool},
    trial::Found,
    work::All,
};
use crate::load::Served;

/// Rows and what came of them.
pub(super) struct Report<'a> {
    pub(super) rows: &'a [Row],
    pub(super) found: &'a All,
    /// The table that there was: what was not tried now is taken from it.
    pub(super) before: &'a str,
}

/// What of a line of the table was measured, for each engine.
type Measured = [[String; 3]; 2];

impl Report<'_> {
    /// docs/scenarios.md.
    pub(super) fn text(&self) -> String {
        let mut out = include_str!("report.md").to_owned();
        for tool in [Tool::Mix, Tool::Relx] {
            let rows: Vec<&Row> = self.rows.iter().filter(|row| row.tool == tool).collect();
            if rows.is_empty() {
                continue;
            }
            let title = if tool == Tool::Mix { "mix release" } else { "rebar3 release" };
            let _ = writeln!(
                out,
                "\n## {title}\n\n| scenario | expected | transactional | release_handler | stood still | lost (slowest) |"
            );
            let _ = writeln!(out, "|---|---|---|---|--:|--:|");
            for row in rows {
                self.row(&mut out, row);
            }
            self.at_once(&mut out, tool);
        }
        out
    }
    fn row(&self, out: &mut String, row: &Row) {
        let [one, other] = Engine::ALL.map(|engine| row.expected.of(engine));
        let expected = if one == other { one.to_string() } else { format!("{one}; release_handler: {other}") };
        self.line(out, &row.name, &format!("**{}**: {}", row.name, row.what), &expected);
    }
    fn at_once(&self, out: &mut String, tool: Tool) {
        let what = format!("all {} rows that are hot, in one upgrade; then down, up, stop and start", tool.name());
        self.line(out, tool.name(), &what, "hot");
    }
    fn line(&self, out: &mut String, name: &str, what: &str, expected: &str) {
        let (what, expected) = (cell(what), cell(expected));
        // Of what something else was expected, something else has to be found.
        let was = |line: &&str| line.starts_with(&format!("| {what} | {expected} |"));
        let mut measured = self.before.lines().find(was).and_then(read).unwrap_or_default();
        for (engine, cells) in Engine::ALL.into_iter().zip(&mut measured) {
            if let Some(found) = self.found.get(&(name.to_owned(), engine)) {
                *cells = told(found);
            }
        }
        let [[one, one_still, one_lost], [other, other_still, other_lost]] = measured.map(|cells| cells.map(or_nothing));
        let _ =
            writeln!(out, "| {what} | {expected} | {one} | {other} | {one_still} / {other_still} | {one_lost} / {other_lost} |");
    }
    /// Everything about rows that came out otherwise than expected.
    pub(super) fn wrong(&self) -> Vec<String> {
        let wrong = self.found.iter().filter(|(_, found)| !found.faults.is_empty());
        let text = |((name, engine), found): (&(String, Engine), &Found)| {
            format!("WRONG {name} ({})\n  {}\n{}", engine.name(), found.faults.join("\n  "), indented(&found.said))
        };
        wrong.map(text).collect()
    }
}

/// Outcome, how long processes stood still, and requests that were lost.
fn told(found: &Found) -> [String; 3] {
    let outcome = match found.faults.first() {
        None => "as expected".to_owned(),
        Some(fault) => cell(&format!("**WRONG**: {fault}")),
    };
    let Served { asked, lost, slowest } = found.served;
    let still = found.suspended.clone().unwrap_or_default();
    [outcome, still, format!("{lost} of {asked} ({} ms)", slowest.as_millis())]
}

/// The same from a line of the table.
fn read(line: &str) -> Option<Measured> {
    let cells: Vec<&str> = line.split(" | ").collect();
    let [_, _, one, other, still, lost] = cells.as_slice() else { return None };
    let (still, lost) = (still.split_once(" / ")?, lost.trim_end_matches([' ', '|']).split_once(" / ")?);
    Some([[*one, still.0, lost.0], [*other, still.1, lost.1]].map(|cells| cells.map(str::to_owned)))
}

fn or_nothing(cell: String) -> String {
    if cell.is_empty() { "–".to_owned() } else { cell }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    | {line}\n")).collect()
}

/// Text that a table of Markdown can have.
fn cell(text: &str) -> String {
    let short: String = text.chars().take(300).collect();
    short.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_tried_is_as_the_table_had_it() {
        let rows = [Row { what: "What it is".to_owned(), ..Row::nothing(Tool::Mix, "one") }];
        let text = |found: &All, before: &str| Report { rows: &rows, found, before }.text();
        let served = Served { asked: 9, lost: 0, slowest: std::time::Duration::from_millis(5) };
        let fine = Found { served, suspended: Some("1.5 ms".to_owned()), ..Found::default() };
        let of = |engine| All::from([(("one".to_owned(), engine), fine.clone())]);
        let first = text(&of(Engine::Transactional), "");
        assert!(first.contains("| **one**: What it is | hot | as expected | – | 1.5 ms / – | 0 of 9 (5 ms) / – |"), "{first}");
        let both = text(&of(Engine::ReleaseHandler), &first);
        assert!(both.contains("| as expected | as expected | 1.5 ms / 1.5 ms | 0 of 9 (5 ms) / 0 of 9 (5 ms) |"), "{both}");
        assert_eq!(text(&All::new(), &both), both);
    }

    #[test]
    fn the_table_has_every_row_with_both_engines_and_none_is_wrong() {
        let table = std::fs::read_to_string(crate::cargo::workspace().join("docs/scenarios.md")).unwrap();
        let rows = Row::all().unwrap();
        let again = Report { rows: &rows, found: &All::new(), before: &table }.text();
        assert_eq!(
            table, again,
            "rows were added, renamed or removed, or something else is expected of them: `cargo xtask scenarios --write`"
        );
        for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| scenario ")) {
            let [[one, ..], [other, ..]] = read(line).unwrap();
            assert_eq!((one.as_str(), other.as_str()), ("as expected", "as expected"), "{line}");
        }
    }
}
