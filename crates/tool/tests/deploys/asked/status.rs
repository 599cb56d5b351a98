//! `status` of real nodes.

use std::io::{BufRead, BufReader};

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
    fleet.edeliver("start staging").ok();
    frame("restarted since the first look (1 time)");
    fleet.words(&["rpc", "init:restart()", "on", "staging"]);
    frame("restarted since the first look (2 times)");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}
