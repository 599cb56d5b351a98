//! Hosts are taken out of the traffic before their nodes are stopped, and come back.

use std::{fs, thread, time::Duration};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{fleet::Fleet, store::App};

/// A fleet whose programs note what they are called for, the release that their host runs by then, and whether it has its mark.
fn fleet(app: App, hosts: usize, more: &str) -> Fleet {
    let fleet = Fleet::new(app, hosts);
    let hosts = fleet.root("one").parent().unwrap().parent().unwrap().to_owned();
    let note = format!(
        r#"root='{}'/$EDELIVER_RUN_HOST/$EDELIVER_RUN_APP
mark=; [ ! -e "$root/.edeliver/drained" ] || mark=marked
nodes=$(find /proc -maxdepth 2 -name exe -printf '%l\n' 2>/dev/null | grep -F "$root" | grep -c 'beam.smp$')
echo "$EDELIVER_RUN_MOMENT $EDELIVER_RUN_HOST $EDELIVER_RUN_VERSION nodes=$nodes $mark" >>told
cat >"$EDELIVER_RUN_MOMENT-$EDELIVER_RUN_HOST.json"
[ ! -e "no-$EDELIVER_RUN_MOMENT-$EDELIVER_RUN_HOST" ] || {{ echo 'the balancer is away' >&2; exit 3; }}"#,
        hosts.display()
    );
    fleet.script("traffic", &note);
    fleet.last_table("targets.staging.rollout", &format!("drain = \"traffic\"\nresume = \"traffic\"\n{more}"));
    fleet
}
fn told(fleet: &Fleet) -> Vec<String> {
    let text = fs::read_to_string(fleet.project().join("told")).unwrap_or_default();
    text.lines().map(|line| line.trim_end().to_owned()).collect()
}
fn is_marked(fleet: &Fleet, host: &str) -> bool {
    fleet.root(host).join(".edeliver/drained").exists()
}
fn refuse(fleet: &Fleet, what: &str, refuses: bool) {
    let file = fleet.project().join(format!("no-{what}"));
    if refuses { fs::write(file, "").unwrap() } else { fs::remove_file(file).unwrap() }
}
/// The host's row in the last table.
fn row(told: &str, host: &str) -> String {
    let is_row = |line: &&str| line.starts_with(&format!("{host} ")) && !line.contains(" | ");
    told.lines().find(is_row).unwrap_or_default().to_owned()
}

#[test]
fn a_host_is_drained_while_its_node_still_serves_and_resumed_when_the_next_is_up() {
    let fleet = fleet(App::Relx, 2, "waves = [1, \"rest\"]\n");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    assert!(told(&fleet).is_empty(), "where no node runs there is no traffic");
    let plan = fleet.edeliver("deploy release --version=0.2.0 --start-deploy --plan").ok();
    let at = |text: &str| plan.find(text).unwrap_or_else(|| panic!("{text}: {plan}"));
    assert!(at("boots") < at("drain the host (traffic)") && at("drain the host") < at("stop the node"), "{plan}");
    assert!(at("start 0.2.0") < at("resume the host (traffic)"), "{plan}");
    assert!(told(&fleet).is_empty());

    fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    let of = |host: &str| [format!("drain {host} 0.2.0 nodes=1 marked"), format!("resume {host} 0.2.0 nodes=1 marked")];
    assert_eq!(told(&fleet), [of("one"), of("two")].concat());
    assert!(!is_marked(&fleet, "one") && !is_marked(&fleet, "two"));
    let json: Value = serde_json::from_str(&fs::read_to_string(fleet.project().join("drain-one.json")).unwrap()).unwrap();
    assert_eq!((&json["v"], &json["moment"], &json["host"]), (&1.into(), &"drain".into(), &"one".into()));
    assert_eq!((&json["app"], &json["target"], &json["version"]), (&"relapp".into(), &"staging".into(), &"0.2.0".into()));
    assert!(json["run"].is_string() && json["title"] == "deploy relapp 0.2.0 to staging");

    let before = told(&fleet).len();
    fleet.edeliver("restart --host=two").ok();
    assert_eq!(told(&fleet)[before..], ["drain two  nodes=1 marked", "resume two  nodes=1 marked"]);
}

#[test]
fn a_host_that_cannot_be_drained_is_not_changed_and_the_rollout_ends() {
    let fleet = fleet(App::Relx, 2, "waves = [1, \"rest\"]\n");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let node = fleet.beam("one");
    refuse(&fleet, "drain-one", true);
    let said = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ends_with(9);
    assert!(said.contains("the hook drain failed with exit status: 3") && said.contains("the balancer is away"), "{said}");
    assert!(row(&said, "one").contains("it was not drained: the balancer is away"), "{said}");
    assert!(row(&said, "two").contains("one failed"), "{said}");
    assert_eq!(fleet.beam("one"), node, "it was not touched");
    assert_eq!(told(&fleet), ["drain one 0.2.0 nodes=1 marked", "resume one 0.2.0 nodes=1 marked"], "half a drain is none");
    assert!(!is_marked(&fleet, "one"));
    refuse(&fleet, "drain-one", false);
    fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
}

#[test]
fn a_host_whose_new_release_does_not_start_is_resumed_with_the_old_one() {
    let fleet = fleet(App::Mix, 1, "");
    fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    let said = fleet.edeliver("deploy release --version=0.3.0 --start-deploy").ends_with(9);
    assert!(row(&said, "one").contains("0.2.0 serving again"), "{said}");
    assert_eq!(told(&fleet), ["drain one 0.3.0 nodes=1 marked", "resume one 0.3.0 nodes=1 marked"]);
    assert!(!is_marked(&fleet, "one"));
}

#[test]
fn a_host_that_was_not_resumed_says_so_and_the_same_command_again_does_just_that() {
    let fleet = fleet(App::Relx, 1, "");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    refuse(&fleet, "resume-one", true);
    let said = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ends_with(8);
    assert!(row(&said, "one").contains("0.2.0 running; it is still drained"), "{said}");
    assert!(is_marked(&fleet, "one"));
    let drift = fleet.edeliver("fleet").ends_with(8);
    assert!(drift.contains("drained: out of the traffic: run "), "{drift}");
    refuse(&fleet, "resume-one", false);
    let (node, before) = (fleet.beam("one"), told(&fleet).len());
    let said = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    assert!(said.contains("it was drained (run "), "{said}");
    assert_eq!(told(&fleet)[before..], ["resume one 0.2.0 nodes=1 marked"]);
    assert_eq!(fleet.beam("one"), node, "it was not restarted for that");
    assert!(!is_marked(&fleet, "one"));
    let said = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    assert!(!said.contains("drained"), "{said}");
}

#[test]
fn a_run_that_was_killed_while_a_host_was_drained_is_resumed_with_it() {
    let fleet = fleet(App::Relx, 1, "");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    fleet.script("hang", "echo $$ >pid.new; mv pid.new pid; exec sleep 300");
    fleet.last_table("targets.staging.rollout", "drain = \"hang\"\nresume = \"traffic\"");
    let mut child = fleet.start(&["deploy", "release", "--version=0.2.0", "--start-deploy"]);
    let file = fleet.project().join("pid");
    while !file.exists() {
        thread::sleep(Duration::from_millis(100));
    }
    kill_process(Pid::from_child(&child), Signal::KILL).unwrap();
    child.wait().unwrap();
    kill_process(Pid::from_raw(fs::read_to_string(&file).unwrap().trim().parse().unwrap()).unwrap(), Signal::KILL).unwrap();
    assert!(is_marked(&fleet, "one"));
    fleet.last_table("targets.staging.rollout", "drain = \"traffic\"\nresume = \"traffic\"");
    let said = fleet.edeliver("resume --yes").ok();
    assert!(said.contains("it was drained (run ") && said.contains("is resumed: edeliver deploy release"), "{said}");
    assert_eq!(told(&fleet), ["drain one 0.2.0 nodes=1 marked", "resume one 0.2.0 nodes=1 marked"]);
    assert!(!is_marked(&fleet, "one") && fleet.edeliver("version").ok().contains("0.2.0"));
}

#[test]
fn an_interruption_while_a_host_is_drained_changes_nothing_and_brings_it_back() {
    let fleet = fleet(App::Relx, 1, "");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let node = fleet.beam("one");
    fleet.script("slow", "echo $$ >pid.new; mv pid.new pid; while [ ! -e go ]; do sleep 0.2; done");
    fleet.last_table("targets.staging.rollout", "drain = \"slow\"\nresume = \"traffic\"");
    let child = fleet.start(&["deploy", "release", "--version=0.2.0", "--start-deploy"]);
    while !fleet.project().join("pid").exists() {
        thread::sleep(Duration::from_millis(100));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    thread::sleep(Duration::from_millis(500)); // the interruption comes before the end of what it interrupts
    fs::write(fleet.project().join("go"), "").unwrap();
    let ended = child.wait_with_output().unwrap();
    let said = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(130), "{said}");
    assert_eq!((told(&fleet), is_marked(&fleet, "one")), (vec!["resume one 0.2.0 nodes=1 marked".to_owned()], false), "{said}");
    assert_eq!(fleet.beam("one"), node);
}

#[test]
fn what_is_stopped_stays_drained_until_it_is_started() {
    let fleet = fleet(App::Relx, 1, "");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let said = fleet.edeliver("stop").ok();
    assert!(row(&said, "one").contains("no node runs; it stays drained"), "{said}");
    assert_eq!(told(&fleet), ["drain one  nodes=1 marked"]);
    assert!(is_marked(&fleet, "one"));
    fleet.edeliver("start").ok();
    assert_eq!(told(&fleet)[1..], ["resume one  nodes=1 marked"]);
    assert!(!is_marked(&fleet, "one"));
}

#[test]
fn commands_run_on_the_host_with_the_same_words() {
    let fleet = fleet(App::Relx, 1, "");
    let command = r#"{ command = "echo $EDELIVER_RUN_MOMENT $EDELIVER_RUN_HOST $(grep -c title) in ${PWD##*/} >>told; [ ! -e no ] || { echo nginx says no >&2; exit 4; }" }"#;
    fleet.last_table("targets.staging.rollout", &format!("drain = {command}\nresume = {command}"));
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    fleet.edeliver("restart").ok();
    assert_eq!(fleet.read("one", "told"), "drain one 1 in relapp\nresume one 1 in relapp\n");
    fs::write(fleet.root("one").join("no"), "").unwrap();
    let said = fleet.edeliver("restart").ends_with(8);
    assert!(said.contains("the command to drain failed with status 4") && said.contains("nginx says no"), "{said}");
    assert!(row(&said, "one").contains("it is still drained, for it was not resumed: nginx says no"), "{said}");
}

#[test]
fn half_of_it_and_what_cannot_be_run_are_told_before_anything_is_done() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.last_table("targets.staging.rollout", "drain = \"traffic\"");
    let said = fleet.edeliver("config check").ends_with(3);
    assert!(said.contains("there is `targets.staging.rollout.drain`, and no `targets.staging.rollout.resume`"), "{said}");
    assert!(said.contains("edeliver.toml:"), "its place: {said}");
    fleet.last_table("targets.staging.rollout", "drain = \"traffic\"\nresume = { command = \"true\" }");
    let said = fleet.edeliver("config check").ends_with(3);
    assert!(said.contains("`targets.staging.rollout.drain`: traffic does not exist"), "{said}");
    fleet.last_table("targets.staging.rollout", "drain = 7\nresume = { cmd = \"true\" }");
    let said = fleet.edeliver("config check").ends_with(3);
    assert_eq!(said.matches("should be a program or a table with command").count(), 2, "{said}");
}
