//! docs/parity.md claims nothing that no test proves.

#![expect(clippy::unwrap_used, reason = "all of this is a test, also what lies outside of test functions")]

mod inventory;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All sources in Rust, and tests in Elixir, as one text.
fn sources(dir: &Path, into: &mut String) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs" || extension == "exs") {
            into.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// The words in backticks.
fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// The tables' rows: their cells, without the outer bars. `\|` is no border.
fn rows(text: &str) -> Vec<Vec<String>> {
    let text = text.replace("\\|", "\u{1}");
    let lines = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| original") && !line.starts_with("| |"));
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

#[test]
fn parity_names_real_tests() {
    let text = fs::read_to_string(workspace().join("docs/parity.md")).unwrap();
    let mut code = String::new();
    sources(&workspace().join("crates"), &mut code);
    sources(&workspace().join("elixir/test"), &mut code);
    let rows = rows(&text);
    assert!(rows.len() > 60, "the tables were not found");
    let mut wrong = Vec::new();
    for row in &rows {
        let proof = quoted(row.last().expect("a row has cells"));
        if row.len() == 4 && !["works", "better", "obsolete"].contains(&row[1].as_str()) {
            wrong.push(format!("{}: {:?} is no state", row[0], row[1]));
        }
        let claims = row.len() == 3 || ["works", "better"].contains(&row[1].as_str());
        if claims && proof.is_empty() {
            wrong.push(format!("{}: no test is named", row[0]));
        }
        let forms = |name: &str| {
            [format!("fn {name}("), format!("(\"{name}\","), format!("test \"{name}\" do"), format!("test \"{name}\", %{{")]
        };
        let missing = |name: &&&str| !forms(name).iter().any(|form| code.contains(form));
        wrong.extend(proof.iter().filter(missing).map(|name| format!("{}: there is no test {name}", row[0])));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The numbers of defects in a text: `D1, D2`.
fn defects(text: &str) -> BTreeSet<u32> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    words.filter_map(|word| word.strip_prefix('D')?.parse().ok()).collect()
}

#[test]
fn everything_that_edeliver_1_has_is_decided() {
    let text = fs::read_to_string(workspace().join("docs/parity.md")).unwrap();
    let rows = rows(&text);
    let originals: Vec<&str> = rows.iter().filter(|row| row.len() == 4).flat_map(|row| quoted(&row[0])).collect();
    let words: BTreeSet<&str> = originals.iter().flat_map(|text| text.split([' ', '\u{1}', '(', ')', '[', ']', '/'])).collect();
    let is_nowhere = |name: &&&str| !originals.iter().any(|text| text.contains(**name));
    let mut missing: Vec<String> = Vec::new();
    for list in [inventory::COMMANDS, inventory::OPTIONS, inventory::HOOKS] {
        missing.extend(list.iter().filter(is_nowhere).map(|name| (*name).to_owned()));
    }
    let is_no_word = |name: &&&str| !words.iter().any(|word| word.split('=').next() == Some(**name));
    missing.extend(inventory::VARIABLES.iter().filter(is_no_word).map(|name| (*name).to_owned()));
    let decided: BTreeSet<u32> = rows.iter().filter(|row| row.len() == 3).flat_map(|row| defects(&row[0])).collect();
    missing.extend(inventory::DEFECTS.filter(|number| !decided.contains(number)).map(|number| format!("D{number}")));
    assert!(missing.is_empty(), "no row in docs/parity.md: {}", missing.join(", "));
}
