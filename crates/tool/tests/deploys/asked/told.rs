//! What all commands about nodes have in common: `--json`, and that nobody sees a cookie.

use std::{
    fs,
    io::{self, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{fleet::Fleet, store::App};

/// Each of these once, the later ones without a node.
const COMMANDS: [&[&str]; 14] = [
    &["start", "staging"],
    &["ping", "staging"],
    &["version", "staging"],
    &["status", "staging"],
    &["rpc", "lists:seq(1, 3)", "on", "staging"],
    &["eval", "io:format(\"printed~n\")", "staging"],
    &["run", "lists:last([ok])", "on", "staging"],
    &["exec", "staging", "--", "echo printed"],
    &["logs", "staging", "-n", "3"],
    &["migrate", "staging"],
    &["restart", "staging"],
    &["stop", "staging"],
    &["status", "staging"],
    &["rpc", "lists:seq(1, 3)", "on", "staging"],
];

fn with_a_task(app: App) -> Fleet {
    let fleet = Fleet::new(app, 2);
    let toml = fleet.project().join("edeliver.toml");
    fs::write(&toml, fs::read_to_string(&toml).unwrap() + "migrate = \"erlang:garbage_collect\"\n").unwrap();
    fleet.edeliver("deploy release --version=0.1.0").ok();
    fleet
}

#[test]
fn every_command_about_nodes_gives_its_events_as_lines_of_json() {
    let fleet = with_a_task(App::Relx);
    for words in COMMANDS {
        let (options, rest) = words.split_at(1);
        let said = fleet.words(&[options, &["--json"], rest].concat());
        assert!(!said.out.is_empty(), "{words:?}: {}", said.err);
        for line in said.out.lines() {
            let event: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{words:?}: {error}: {line}"));
            assert!(event["event"].is_string() && event["v"] == 1, "{words:?}: {line}");
        }
        assert_eq!(said.err, "", "{words:?}: nothing beside it");
    }
}

/// In one read: between two of them a process can become another program, and the halves of two command lines would be one.
fn command_line(process: &Path) -> io::Result<String> {
    let mut words = vec![0; 1 << 17];
    let len = fs::File::open(process.join("cmdline"))?.read(&mut words)?;
    Ok(String::from_utf8_lossy(&words[..len]).replace('\0', " "))
}

/// Command lines that were seen with this in them, looked at as often as can be until `end`.
fn command_lines_with(secret: &str, end: &AtomicBool) -> Vec<String> {
    let mut seen = Vec::new();
    while !end.load(Ordering::Relaxed) {
        for entry in fs::read_dir("/proc").unwrap().filter_map(Result::ok) {
            let words = command_line(&entry.path()).unwrap_or_default();
            if words.contains(secret) && !seen.contains(&words) {
                seen.push(words);
            }
        }
    }
    seen
}

#[test]
fn the_cookie_is_in_no_command_line_of_ours_in_no_output_and_in_no_record() {
    let fleet = with_a_task(App::Mix);
    let cookie = format!("secret-{}-cookie", std::process::id());
    for host in ["one", "two"] {
        fs::write(fleet.root(host).join("releases/COOKIE"), &cookie).unwrap();
    }
    let end = AtomicBool::new(false);
    let (told, seen) = thread::scope(|scope| {
        let watched = scope.spawn(|| command_lines_with(&cookie, &end));
        let mut told = String::new();
        for words in COMMANDS {
            let said = fleet.words(&[words, &["--debug"]].concat());
            told += &(said.out + &said.err);
        }
        end.store(true, Ordering::Relaxed);
        (told, watched.join().unwrap())
    });
    assert!(!told.contains(&cookie), "{told}");
    // The start script of mix hands it to its node in this way; what we start boots something else, or nothing.
    let (own, others): (Vec<_>, Vec<_>) = seen.iter().partition(|words| words.contains("/releases/0.1.0/start "));
    assert!(!own.is_empty() && others.is_empty(), "{others:?}");
    for run in fs::read_dir(fleet.project().join(".deliver/runs")).unwrap() {
        assert!(!fs::read_to_string(run.unwrap().path()).unwrap().contains(&cookie), "a record has it");
    }
}
