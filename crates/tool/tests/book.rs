//! The pages of the book that show a session: each command is run in a project of its own, and what it prints is what the page shows.
//!
//! In a page a session is a block ```console; a line after `$ ` is a command, what follows is its output. Times, sizes, versions of the
//! toolchain, ids and counts of files differ from machine to machine and are compared as such. `EDELIVER_BLESS=1 cargo test -p edeliver
//! --test book` writes what was really printed into the pages.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::{fs, path::PathBuf};

use edeliver_lab::samples;
use program::{Program, done};
use regex_lite::Regex;

/// A folder of the pages that stands for one of this test's.
const SRV: &str = "/srv/";

struct Session {
    program: Program,
}

impl Session {
    fn new(make: fn(&std::path::Path, &str) -> Result<samples::Sample, samples::SampleError>, node: &str) -> Self {
        let program = Program::new();
        let sample = make(&program.project(), "0.1.0").unwrap();
        // Of the same name on this machine there is perhaps another test's.
        match sample.app {
            "relapp" => sample.edit("config/vm.args.src", "NODE:-relapp}", &format!("NODE:-{node}}}")).unwrap(),
            _ => sample.write("rel/env.sh.eex", &format!("export RELEASE_NODE={node}\n")).unwrap(),
        }
        sample.commit("a name of its own").unwrap();
        Self { program }
    }
    fn folder(&self) -> String {
        self.program.project().parent().unwrap().display().to_string()
    }
    /// What the command prints, as it would stand in a page.
    fn run(&self, command: &str) -> String {
        let bin = PathBuf::from(env!("CARGO_BIN_EXE_edeliver"));
        let path = format!("{}:{}", bin.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let command = command.replace(SRV, &format!("{}{SRV}", self.folder()));
        let mut shell = self.program.command("sh");
        shell.args(["-c", &format!("{{ {command}\n}} 2>&1")]).env("PATH", path).env("EDELIVER_UPGRADE_SOAK", "1s");
        for (name, value) in [("AUTHOR", "an author"), ("COMMITTER", "a committer")] {
            shell.env(format!("GIT_{name}_NAME"), value).env(format!("GIT_{name}_EMAIL"), "somebody@example.com");
        }
        let done = done(shell.output().unwrap());
        assert_eq!(done.code, 0, "{command}\n{}", done.out);
        done.out.replace(&self.folder(), "")
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.program.run(&["stop", "staging", "--yes"]);
    }
}

/// What differs from one machine or day to another, as what it is.
fn without_chance(text: &str) -> Vec<String> {
    let chances = [
        (r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}", "RUN"),
        (r"(OTP|Elixir|OpenSSH_|git version|erts-) ?[0-9][^ ,)]*", "$1 VERSION"),
        (r"[0-9]+(\.[0-9]+)? ?(ms|s|min|h)\b( [0-9]+ s\b)?", "TIME"),
        (r"[0-9]+(\.[0-9]+)? (KB|MB|GB|B)\b", "SIZE"),
        (r"\b[0-9a-f]{7,40}\b", "COMMIT"),
        (r"process [0-9]+", "process PID"),
        (r"[0-9]+ (of [0-9]+ |new )?(files?|modules?|processes|process)\b", "SOME $2"),
        (r"@[A-Za-z0-9.-]+", "@HOST"),
        (r"(running +[0-9.]+ +[0-9.]+ +TIME +SIZE) +[0-9]+ +[0-9]+", "$1 N N"),
    ];
    let chances = chances.map(|(pattern, word)| (Regex::new(pattern).unwrap(), word));
    let plain = |line: &str| {
        let line = chances.iter().fold(line.to_owned(), |line, (chance, word)| chance.replace_all(&line, *word).into_owned());
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    // A step that takes long is told once more.
    text.lines().filter(|line| !line.ends_with(" ...")).map(plain).collect()
}

/// The page, with what its commands print now.
fn performed(page: &str, session: &Session) -> String {
    let mut now = String::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        now += &format!("{line}\n");
        if line != "```console" {
            continue;
        }
        while let Some(line) = lines.next_if(|line| *line != "```") {
            let Some(command) = line.strip_prefix("$ ") else { continue };
            let printed = session.run(command);
            let printed: String = printed.lines().filter(|line| !line.ends_with(" ...")).flat_map(|line| [line, "\n"]).collect();
            now += &format!("{line}\n{printed}");
        }
    }
    now
}

/// Folder of the book.
fn docs() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

fn check(name: &str, session: &Session) {
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

/// The first line that differs says more than two pages do.
fn compare(name: &str, page: &[String], now: &[String]) {
    let differs = page.iter().zip(now).position(|(page, now)| page != now).unwrap_or(page.len().min(now.len()));
    let around = |lines: &[String]| lines[differs.saturating_sub(3)..lines.len().min(differs + 4)].join("\n");
    assert!(page == now, "{name} shows\n{}\n\nand now it is\n{}", around(page), around(now));
}

#[test]
fn the_first_hour_of_an_elixir_project_is_as_the_book_shows_it() {
    check("quick-start.md", &Session::new(samples::elixir, "hotapp-book"));
}

#[test]
fn the_first_hour_of_an_erlang_project_is_as_the_book_shows_it() {
    check("quick-start-erlang.md", &Session::new(samples::erlang, "relapp-book"));
}

fn pages() -> Vec<String> {
    let is_page = |name: &String| name.ends_with(".md") && name != "SUMMARY.md";
    let names = fs::read_dir(docs()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(is_page).collect()
}

/// What a heading is called in a link: as mdBook and GitHub do it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase().chars().filter(|c| c.is_alphanumeric() || "-_ ".contains(*c)).collect::<String>();
    kept.replace(' ', "-")
}

fn has_anchor(page: &str, wanted: &str) -> bool {
    let headings = page.lines().filter_map(|line| line.strip_prefix('#')).map(|line| line.trim_start_matches('#'));
    headings.map(anchor).any(|anchor| anchor == wanted)
}

#[test]
fn the_book_has_every_page_and_every_link_leads_somewhere() {
    let summary = fs::read_to_string(docs().join("SUMMARY.md")).unwrap();
    for page in pages() {
        assert_eq!(summary.matches(&format!("]({page})")).count(), 1, "{page} is in SUMMARY.md once");
    }
    let link = Regex::new(r"\]\(([^)#:\s]*)(#[^)\s]+)?\)").unwrap();
    let others = ["SUMMARY.md", "../README.md", "../CONTRIBUTING.md", "../elixir/README.md"];
    for page in pages().iter().map(String::as_str).chain(others) {
        let (file, text) = (docs().join(page), fs::read_to_string(docs().join(page)).unwrap());
        for found in link.captures_iter(&text) {
            let to = if found[1].is_empty() { file.clone() } else { file.parent().unwrap().join(&found[1]) };
            assert!(to.exists(), "{page} has a link to {}, which is not there", &found[1]);
            let Some(place) = found.get(2).map(|place| &place.as_str()[1..]) else { continue };
            assert!(
                has_anchor(&fs::read_to_string(&to).unwrap(), place),
                "{page} has a link to {}, which has no such heading",
                &found[0]
            );
        }
    }
}
