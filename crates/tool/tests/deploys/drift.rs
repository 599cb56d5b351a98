//! `fleet`: what differs between hosts, and from what was deployed.

use std::{fs, os::unix::fs::symlink};

use crate::{fleet::Fleet, store::App};

/// Loads `Greeter` compiled anew, with another word: what somebody does who mends a node by hand.
const PATCH: &str = "Code.compile_string(\"defmodule Greeter do def word, do: \\\"patched\\\" end\")";

fn row<'a>(table: &'a str, host: &str) -> &'a str {
    table.lines().find(|line| line.starts_with(host)).unwrap_or_else(|| panic!("no row of {host}: {table}"))
}

fn append(fleet: &Fleet, host: &str, path: &str, text: &str) {
    let before = fleet.read(host, path);
    fs::write(fleet.root(host).join(path), before + text).unwrap();
}

#[test]
fn hosts_as_they_were_deployed_are_one_fleet_and_what_was_changed_by_hand_is_told() {
    let fleet = Fleet::new(App::Mix, 3);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let there = fleet.snapshot("one", &["."]);
    let all = fleet.words(&["fleet", "on", "staging"]).ok();
    assert!(all.err.contains("the fleet is one: 3 hosts, as deployed"), "{all:?}");
    let head: Vec<&str> = all.out.lines().next().unwrap().split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    assert_eq!(head, ["host", "node", "runs", "boots next", "erts", "config", "cookie", "code"]);
    for host in ["one", "two", "three"] {
        for word in ["running", "0.1.0", "as deployed", "the same", "as built"] {
            assert!(row(&all.out, host).contains(word), "{word}: {}", all.out);
        }
    }
    assert_eq!(fleet.snapshot("one", &["."]), there, "looking changes nothing");

    append(&fleet, "two", "releases/0.1.0/env.sh", "# by hand\n");
    fleet.words(&["eval", PATCH, "on", "staging", "--host=three"]).ok();
    let done = fleet.words(&["fleet", "staging"]).ends_with(8);
    assert!(row(&done.out, "two").ends_with("config") && row(&done.out, "two").contains("changed"), "{}", done.out);
    assert!(row(&done.out, "three").ends_with("code") && row(&done.out, "three").contains("1 module differs"), "{}", done.out);
    assert!(done.err.contains("two: config: env.sh of 0.1.0 is not as deployed"), "{}", done.err);
    assert!(done.err.contains("are not those of 0.1.0: Greeter"), "{}", done.err);
    assert!(done.err.contains("edeliver restart staging --host=three"), "{}", done.err);
    fleet.edeliver("restart staging --host=three").ok();
    assert!(row(&fleet.words(&["fleet"]).ends_with(8).out, "three").ends_with("as built"), "the remedy helps");
}

#[test]
fn another_cookie_is_told_and_neither_it_nor_its_digest_is_printed() {
    let fleet = Fleet::new(App::Mix, 3);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let ours = fleet.read("one", "releases/COOKIE");
    fs::write(fleet.root("two").join("releases/COOKIE"), "anothercookieforthishost").unwrap();
    let done = fleet.words(&["fleet"]).ends_with(8);
    assert!(done.err.contains("two: cookie: releases/COOKIE is another"), "{}", done.err);
    fleet.edeliver("restart staging --host=two").ok();
    let done = fleet.words(&["fleet", "--json", "-D"]).ends_with(8);
    assert!(done.out.contains("the node has another cookie"), "{}", done.out);
    let digest = |text: &str| edeliver_core::release::Digest::of(text.as_bytes()).to_string();
    for secret in [&ours, "anothercookieforthishost", &digest(&ours), &digest("anothercookieforthishost")] {
        assert!(!done.out.contains(secret) && !done.err.contains(secret), "{secret}");
    }
}

#[test]
fn other_releases_nodes_that_are_down_and_leftovers_are_told_with_their_remedies() {
    let fleet = Fleet::new(App::Mix, 3);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    fleet.edeliver("deploy release --version=0.2.0").ok();
    let waiting = fleet.words(&["fleet"]).ok();
    assert!(waiting.err.contains("one, two, three: runs: runs 0.1.0 until it is restarted, and then 0.2.0"), "{}", waiting.err);
    fleet.edeliver("restart staging").ok();
    fleet.edeliver("rollback --host=two").ok();
    fleet.edeliver("stop --host=three").ok();
    let own = fleet.root("three").join(".edeliver");
    fs::write(own.join("manifests/0.0.9.dirs"), "lib/hotapp-0.0.9\n").unwrap();
    fs::create_dir_all(own.join("staging/20260101-000000-aaaa")).unwrap();
    let done = fleet.words(&["fleet"]).ends_with(8);
    assert!(row(&done.out, "two").ends_with("boots"), "{}", done.out);
    assert!(done.err.contains("two: boots: runs and boots 0.1.0, and most hosts boot 0.2.0"), "{}", done.err);
    assert!(done.err.contains("edeliver deploy release staging --version=0.2.0 --host=two --start-deploy"), "{}", done.err);
    assert!(row(&done.out, "three").ends_with("node, left"), "{}", done.out);
    assert!(done.err.contains("edeliver start staging --host=three"), "{}", done.err);
    assert!(done.err.contains("a deploy or removal of 0.0.9 was interrupted"), "{}", done.err);
    assert!(done.err.contains("left files in .edeliver/staging"), "{}", done.err);
    symlink(format!("{}-0-0", std::process::id()), own.join("lock")).unwrap();
    let busy = fleet.words(&["fleet", "--host=three"]).ok();
    assert!(busy.err.contains(&format!("process {} is changing the release root", std::process::id())), "{}", busy.err);
    fs::remove_file(own.join("lock")).unwrap();
    fleet.edeliver("deploy release --version=0.2.0 --host=two --start-deploy").ok();
    fleet.edeliver("start --host=three").ok();
    fleet.edeliver("deploy release --version=0.1.0 --host=three").ok();
    fleet.edeliver("deploy release --version=0.2.0 --host=three").ok();
    fleet.words(&["fleet"]).ok();
}

#[test]
fn a_host_that_runs_nothing_and_a_relx_release_are_looked_at_too() {
    let fleet = Fleet::new(App::Relx, 2);
    assert!(fleet.words(&["fleet"]).ok().err.contains("the fleet is one"), "nothing is deployed anywhere");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy --host=one").ok();
    let done = fleet.words(&["fleet"]).ends_with(8);
    assert!(row(&done.out, "two").contains("boots"), "{}", done.out);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy --host=two").ok();
    fleet.edeliver("restart").ok();
    let told = fleet.words(&["fleet"]).ok();
    assert!(row(&told.out, "one").contains("as deployed"), "files that the start script writes are no drift: {}", told.out);
}
