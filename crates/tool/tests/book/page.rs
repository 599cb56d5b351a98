//! A page with sessions: what its commands print now, and how that is compared with what it shows.

use std::{fs, path::PathBuf};

use regex_lite::Regex;

use crate::session::Session;

/// Folder of the book.
pub(crate) fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// The page shows what its commands print.
pub(crate) fn check(name: &str, session: &Session) {
    let file = docs().join(name);
    let page = fs::read_to_string(&file).unwrap();
    assert!(page.contains("\n```console\n$ "), "{name} shows no session");
    let now = performed(&page, session);
    if std::env::var_os("EDELIVER_BLESS").is_some() {
        fs::write(file, now).unwrap();
    } else {
        compare(name, &without_chance(&page), &without_chance(&now));
    }
}

/// The page, with what its commands print now.
fn performed(page: &str, session: &Session) -> String {
    let mut now = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        now += &format!("{line}\n");
        if let Some(command) = line.strip_prefix("<!-- $ ").and_then(|rest| rest.strip_suffix(" -->")) {
            session.prepare(command);
        }
        if line != "```console" {
            continue;
        }
        let block: Vec<&str> = std::iter::from_fn(|| lines.next_if(|line| *line != "```")).collect();
        for (at, line) in block.iter().enumerate() {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            now += &format!("{line}\n{}", shown(&session.run(command, &typed(&block[at + 1..]))));
        }
    }
    now
}

/// What is typed at the prompts of the console that the command above begins.
fn typed<'a>(block: &[&'a str]) -> Vec<&'a str> {
    let prompt = Regex::new(r"^iex\(.*?\)[0-9]+> ").unwrap();
    let here = block.iter().take_while(|line| !line.starts_with("$ "));
    here.filter_map(|line| prompt.find(line).map(|prompt| &line[prompt.end()..])).collect()
}

/// What was printed, as a page has it.
fn shown(printed: &str) -> String {
    let stays = |line: &&str| !is_passing(line);
    printed.lines().filter(stays).flat_map(|line| [line.trim_end(), "\n"]).collect()
}

/// A step that takes long is told once more, and so is how far a start has come. What has a spinner was wiped off again.
fn is_passing(line: &str) -> bool {
    let spins = line.trim_start().starts_with(|first| ('\u{2800}'..='\u{28ff}').contains(&first));
    spins || line.ends_with(" ...") || line.contains(" applications are up, starting ")
}

/// What differs from one machine or day to another, as what it is.
fn without_chance(text: &str) -> Vec<String> {
    let chances = [
        (r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", "RUN"),
        (r"[A-Z][a-z]{2} [A-Z][a-z]{2} +[0-9]+ [0-9:]{8} UTC 20[0-9]{2}", "DATE"),
        (r"(OTP|Elixir|OpenSSH_|git version|erts-) ?[0-9][^ ,)]*", "$1 VERSION"),
        (r"[0-9]+(\.[0-9]+)? ?(ms|s|min|h)\b( [0-9]+ s\b)?", "TIME"),
        (r"[0-9]+(\.[0-9]+)? (KB|MB|GB|B)\b", "SIZE"),
        (r"\b[0-9a-f]{7,40}\b", "COMMIT"),
        (r"process [0-9]+", "process PID"),
        (r"<[0-9]+\.[0-9]+\.[0-9]+>", "<PID>"),
        (r"[0-9]+ (of [0-9]+ |new |loaded )?(files?|modules?|processes|process)\b", "SOME $2"),
        (r"1[0-9]\.[0-9]+(\.[0-9]+)+ ", "ERTS "),
        (r"@[A-Za-z0-9.-]+", "@HOST"),
        (r"[a-z]+@HOST, ", "WHO@HOST, "),
        (r"(running +[0-9.]+ +[0-9.]+ +TIME +SIZE) +[0-9]+ +[0-9]+", "$1 N N"),
    ];
    let chances = chances.map(|(pattern, word)| (Regex::new(pattern).unwrap(), word));
    let plain = |line: &str| {
        let line = chances.iter().fold(line.to_owned(), |line, (chance, word)| chance.replace_all(&line, *word).into_owned());
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    in_order_of_hosts(text.lines().filter(|line| !is_passing(line)).map(plain).collect())
}

/// Hosts tell in any order what they do at the same time; each its own in its order.
fn in_order_of_hosts(mut lines: Vec<String>) -> Vec<String> {
    let host = |line: &String| line.split_once(" | ").map(|(host, _)| host.to_owned()).filter(|host| !host.contains(' '));
    let mut at = 0;
    while at < lines.len() {
        let end = at + lines[at..].iter().take_while(|line| host(line).is_some()).count();
        lines[at..end].sort_by_key(host);
        at = end + 1;
    }
    lines
}

/// The first line that differs says more than two pages do.
fn compare(name: &str, page: &[String], now: &[String]) {
    let differs = page.iter().zip(now).position(|(page, now)| page != now).unwrap_or(page.len().min(now.len()));
    let around = |lines: &[String]| lines[differs.saturating_sub(3)..lines.len().min(differs + 4)].join("\n");
    assert!(page == now, "{name} shows\n{}\n\nand now it is\n{}", around(page), around(now));
}
