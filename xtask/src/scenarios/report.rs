//! The table.

use std::fmt::Write as _;

use super::{
    load::Served,
    row::{Engine, Row, Tool},
    trial::Found,
    work::All,
};

/// Rows and what came of them.
pub(super) struct Report<'a> {
    pub(super) rows: &'a [Row],
    pub(super) found: &'a All,
}

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
        self.line(out, &format!("**{}**: {}", row.name, row.what), &expected);
        self.cells(out, &row.name);
    }
    fn at_once(&self, out: &mut String, tool: Tool) {
        if Engine::ALL.iter().any(|engine| self.found.contains_key(&(tool.name().to_owned(), *engine))) {
            self.line(out, "all of these that are hot, in one upgrade; then down, up, stop and start", "hot");
            self.cells(out, tool.name());
        }
    }
    fn line(&self, out: &mut String, what: &str, expected: &str) {
        let _ = write!(out, "| {} | {} |", cell(what), cell(expected));
    }
    fn cells(&self, out: &mut String, name: &str) {
        let found = Engine::ALL.map(|engine| self.found.get(&(name.to_owned(), engine)));
        let result = |found: &Option<&Found>| match found {
            None => "not tried".to_owned(),
            Some(found) if found.faults.is_empty() => "as expected".to_owned(),
            Some(found) => format!("**WRONG**: {}", found.faults.first().map(String::as_str).unwrap_or_default()),
        };
        let both = |tell: &dyn Fn(&Found) -> String| found.map(|found| found.map_or("–".to_owned(), tell)).join(" / ");
        let still = both(&|found| found.suspended.clone().unwrap_or_else(|| "–".to_owned()));
        let lost = both(&|found| {
            let Served { asked, lost, slowest } = found.served;
            format!("{lost} of {asked} ({} ms)", slowest.as_millis())
        });
        let [one, other] = found.map(|found| cell(&result(&found)));
        let _ = writeln!(out, " {one} | {other} | {still} | {lost} |");
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
    fn the_table_names_the_rows_that_exist_and_no_outcome_is_wrong() {
        let table = std::fs::read_to_string(crate::cargo::workspace().join("docs/scenarios.md")).unwrap();
        let named = |line: &str| Some(line.strip_prefix("| **")?.split_once("**:")?.0.to_owned());
        let rows = Row::all().unwrap();
        let expected: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(table.lines().filter_map(named).collect::<Vec<_>>(), expected);
        assert!(!table.contains("**WRONG**") && !table.contains("not tried"));
    }
}
