//! `logs` of real nodes.

use std::{
    io::{BufRead, BufReader},
    process::Child,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{fleet::Fleet, store::App};

#[test]
fn the_logs_of_mix_and_relx_are_shown_with_their_hosts() {
    for app in [App::Mix, App::Relx] {
        let fleet = Fleet::new(app, 2);
        fleet.words(&["logs", "staging"]).ends_with(8);
        fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
        let done = fleet.words(&["logs", "on", "staging", "-n", "200"]).ok();
        for host in ["one", "two"] {
            let started = done.out.lines().filter(|line| line.starts_with(host) && line.contains("LOGGING STARTED"));
            assert_eq!(started.count(), 1, "{app:?}: {}", done.out);
        }
        let hosts: Vec<&str> = done.out.lines().map(|line| &line[..3]).collect();
        let changes = hosts.windows(2).filter(|pair| pair[0] != pair[1]).count();
        assert_eq!(changes, 1, "one host after the other: {}", done.out);
    }
}

/// Its standard output up to a line with this.
fn until(child: &mut Child, part: &str) {
    let mut reader = BufReader::new(child.stdout.as_mut().unwrap());
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert_ne!(reader.read_line(&mut line).unwrap(), 0, "it ended without {part}");
    }
}

#[test]
fn a_log_is_followed_until_ctrl_c() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let mut child = fleet.start(&["logs", "staging", "-f"]);
    until(&mut child, "LOGGING STARTED");
    fleet.ask("IO.puts(Process.whereis(:init) |> Process.info(:group_leader) |> elem(1), \"told to the log\")");
    until(&mut child, "told to the log");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.lines().all(|line| line == "the log of 1 host ..."), "it may say that it waits, and nothing else: {told}");
}

#[test]
fn a_log_that_nobody_reads_any_more_is_not_followed() {
    let fleet = Fleet::new(App::Relx, 1);
    let mut child = fleet.start(&["logs", "staging", "-f"]);
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
