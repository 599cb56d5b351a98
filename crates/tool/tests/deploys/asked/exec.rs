//! `exec`: hosts are folders on this machine, and commands are real.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{fleet::Fleet, store::App};

fn fleet(hosts: usize) -> Fleet {
    Fleet::new(App::Relx, hosts)
}

#[test]
fn a_command_runs_on_every_host_and_its_lines_carry_the_hosts_names() {
    let fleet = fleet(3);
    let done = fleet.words(&["exec", "on", "staging", "--", "echo $RELEASE_ROOT | wc -l; echo oh >&2"]).ok();
    let mut lines: Vec<&str> = done.out.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines, ["  one | 1", "  two | 1", "three | 1"]);
    assert_eq!(done.err.matches(" | oh\n").count(), 3, "{}", done.err);
    assert_eq!(done.err.matches("done: exit status 0").count(), 3, "{}", done.err);
    assert!(done.err.ends_with("3 hosts done\n"), "{}", done.err);
}

#[test]
fn several_words_are_a_program_and_its_arguments_as_they_stand() {
    let done = fleet(1).words(&["exec", "staging", "--", "printf", "%s.", "a b", "$HOME", "*", "'", "-f"]).ok();
    assert_eq!(done.out, "one | a b.$HOME.*.'.-f.\n");
}

#[test]
fn a_command_that_fails_on_one_host_is_told_with_its_status() {
    let fleet = fleet(2);
    let line = "case $RELEASE_ROOT in */two/*) exit 3 ;; esac";
    let done = fleet.words(&["exec", "staging", "--", line]).ends_with(8);
    assert!(done.err.contains("two | failed: exit status 3\n"), "{}", done.err);
    assert!(done.err.ends_with("1 host done, 1 host failed\n"), "{}", done.err);
    let done = fleet.words(&["exec", "staging", "--host=one", "--", "no-such-program"]).ends_with(8);
    assert!(done.err.contains("127: there is no such program"), "{}", done.err);
    let done = fleet.words(&["exec", "staging", "--json", "--", line]).ends_with(8);
    assert!(
        done.out.contains(r#""host":"two","event":"host-finished","result":"failed","summary":"exit status 3""#),
        "{}",
        done.out
    );
}

#[test]
fn a_command_without_two_dashes_in_front_is_answered_with_a_usage() {
    let done = fleet(1).words(&["exec", "staging", "uptime"]).ends_with(2);
    assert!(done.err.contains("edeliver exec staging -- uptime"), "{}", done.err);
    fleet(1).words(&["exec", "staging"]).ends_with(2);
}

/// Processes with this word in their command line.
fn processes(word: &str) -> usize {
    let has = |path: &Path| fs::read(path).is_ok_and(|words| words.split(|byte| *byte == 0).any(|one| one == word.as_bytes()));
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    all.filter(|pid| has(Path::new(&format!("/proc/{pid}/cmdline")))).count()
}

#[track_caller]
pub(super) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < Duration::from_secs(60), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_command_that_takes_too_long_is_ended_on_the_host() {
    let time = format!("7{}.25", std::process::id());
    let done = fleet(1).words(&["exec", "staging", "--timeout=1s", "--", "sleep", &time]).ends_with(8);
    assert!(done.err.contains("the command did not finish within 1 s"), "{}", done.err);
    eventually("the command goes", || processes(&time) == 0);
}

#[test]
fn ctrl_c_ends_the_command_on_the_hosts() {
    let (fleet, time) = (fleet(2), format!("8{}.25", std::process::id()));
    let child = fleet.start(&["exec", "staging", "--", &format!("sleep {time}; true")]);
    eventually("both run", || processes(&time) == 2);
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(130));
    eventually("both go", || processes(&time) == 0);
}
