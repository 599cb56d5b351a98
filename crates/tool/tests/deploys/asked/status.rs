//! `status` of real nodes.

use std::{
    fs,
    io::{BufRead, BufReader},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{fleet::Fleet, store::App};

fn row<'a>(table: &'a str, host: &str) -> &'a str {
    table.lines().find(|line| line.starts_with(host)).unwrap_or_else(|| panic!("no row of {host}: {table}"))
}

#[test]
fn every_node_has_a_line_that_says_how_it_is() {
    let fleet = Fleet::new(App::Mix, 3);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let all = fleet.words(&["status", "on", "staging"]).ok();
    let head: Vec<&str> = all.out.lines().next().unwrap().split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    assert_eq!(head, ["host", "node", "state", "runs", "boots next", "uptime", "memory", "processes", "run queue"]);
    fleet.edeliver("deploy release --version=0.2.0").ok();
    fleet.edeliver("stop staging --host=two").ok();
    kill_process(fleet.beam("three").unwrap(), Signal::STOP).unwrap();
    let done = fleet.words(&["status", "staging"]).ends_with(8);
    let one: Vec<&str> = row(&done.out, "one").split_whitespace().collect();
    assert!(one[1].contains("one@"), "the full name: {one:?}");
    assert_eq!(one[2..5], ["running", "0.1.0", "0.2.0"]);
    assert!(one.contains(&"MB") && one[one.len() - 2].parse::<u32>().unwrap() > 20, "memory and processes: {one:?}");
    assert!(row(&done.out, "two").contains("down") && row(&done.out, "two").contains("0.2.0"), "{}", done.out);
    assert!(row(&done.out, "three").contains("hung"), "{}", done.out);
}

#[test]
fn a_watched_status_is_renewed_until_ctrl_c() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let mut child = fleet.start(&["status", "--watch=100ms", "--json"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let mut frame = |part: &str| lines.find(|line| line.contains(r#""event":"frame""#) && line.contains(part)).expect(part);
    frame("\"running\"");
    frame("\"running\"");
    fleet.edeliver("stop staging").ok();
    frame("\"down\"");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

/// A hundred hosts that are one folder: what each costs this program is the same.
#[test]
fn a_hundred_nodes_are_asked_within_sixty_megabytes() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    let host = config.lines().find_map(|line| line.strip_prefix("hosts = [")?.strip_suffix(']')).unwrap();
    let hosts: Vec<String> = (0..100).map(|number| host.replace("name = \"one\"", &format!("name = \"h{number}\""))).collect();
    fs::write(fleet.project().join("edeliver.toml"), config.replace(host, &hosts.join(", "))).unwrap();
    let mut child = fleet.start(&["status", "staging"]);
    let peak = || fs::read_to_string(format!("/proc/{}/status", child.id())).ok();
    let kilobytes =
        |status: &str| status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let mut most = 0_u32;
    while let Some(now) = peak().as_deref().and_then(kilobytes) {
        most = now;
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let out = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    child.wait().unwrap();
    // One node for all of them may be slow to answer some of a hundred at once.
    assert_eq!((out.lines().count(), out.contains("running")), (101, true), "{out}");
    assert!(most > 0 && most < 60_000, "{most} kB");
}
