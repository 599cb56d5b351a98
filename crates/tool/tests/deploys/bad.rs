//! Bad days.

use std::fs;

use crate::{fleet::Fleet, store::App};

#[test]
fn a_release_that_does_not_start_leaves_the_old_one_serving() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    let told = fleet.edeliver("deploy release --version=0.3.0 --start-deploy").ends_with(9);
    assert!(told.contains("broken as asked"), "the release's own words: {told}");
    let version = fleet.edeliver("version").ok();
    assert!(version.contains("0.2.0") && !version.contains("0.3.0"), "{version}");
    assert_eq!(fleet.read("one", "releases/start_erl.data").split_whitespace().last(), Some("0.2.0"));
    let table = fleet.edeliver("releases").ok();
    assert!(table.lines().any(|row| row.contains("0.3.0") && row.contains("failed to start")), "{table}");
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let table = fleet.edeliver("releases").ok();
    assert!(!table.contains("0.3.0"), "a failed release goes with the next deploy: {table}");
}

#[test]
fn a_first_release_that_does_not_start_leaves_nothing_running() {
    let fleet = Fleet::new(App::Mix, 1);
    let told = fleet.edeliver("deploy release --version=0.3.0 --start-deploy").ends_with(9);
    assert!(told.contains("broken as asked"), "{told}");
    assert!(fleet.beam("one").is_none());
}

#[test]
fn what_fails_on_one_host_before_the_first_change_leaves_all_as_they_were_unless_the_others_may_go_on() {
    let fleet = Fleet::new(App::Mix, 2);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    // A file where the next release needs a directory that nothing accounts for.
    fs::write(fleet.root("two").join("lib/hotapp-0.2.0"), "in the way").unwrap();
    let told = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ends_with(9);
    assert!(told.contains("nothing was changed: two failed; 0.1.0 serving as before"), "{told}");
    assert!(!fleet.edeliver("version").ok().contains("0.2.0"));
    let told = fleet.edeliver("deploy release --version=0.2.0 --start-deploy --on-failure=continue").ends_with(8);
    let row = |host: &str| told.lines().rfind(|line| line.trim_start().starts_with(host)).unwrap_or_default().to_owned();
    assert!(row("one").contains("done") && row("two").contains("failed"), "{told}");
    assert_eq!(fleet.edeliver("ping").ok().matches("running").count(), 2);
    let table = fleet.edeliver("releases").ok();
    assert!(table.lines().any(|line| line.contains("one") && line.contains("0.2.0") && line.contains("running")), "{table}");
    assert!(table.lines().any(|line| line.contains("two") && line.contains("0.1.0") && line.contains("running")), "{table}");
    fs::remove_file(fleet.root("two").join("lib/hotapp-0.2.0")).unwrap();
    let told = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    assert!(told.contains("0.2.0 is there and boots next"), "host one had nothing to do: {told}");
    assert_eq!(fleet.edeliver("version").ok().matches("0.1.0").count(), 0);
}

#[test]
fn what_cannot_be_done_is_told_before_anything_is_changed() {
    let fleet = Fleet::new(App::Relx, 2);
    let in_the_way = fleet.root("two");
    fs::create_dir_all(in_the_way.parent().unwrap()).unwrap();
    fs::write(&in_the_way, "a file").unwrap();
    let told = fleet.edeliver("deploy release --version=0.1.0").ends_with(4);
    assert!(told.contains("may not write in") && told.contains("--skip-blocked"), "{told}");
    assert!(!fleet.root("one").exists(), "nothing was changed");
    fleet.edeliver("deploy release --version=0.1.0 --skip-blocked").ends_with(8);
    assert!(fleet.root("one").join("releases/0.1.0").exists());
}

#[test]
fn what_does_not_exist_is_refused() {
    let fleet = Fleet::new(App::Relx, 1);
    let told = fleet.edeliver("deploy release --version=9.9.9").ends_with(2);
    assert!(told.contains("9.9.9"), "{told}");
    let told = fleet.edeliver("deploy release").ends_with(2);
    assert!(told.contains("--version"), "without a terminal nobody can be asked: {told}");
    fleet.edeliver("deploy release to production --version=0.1.0").ends_with(2);
    let told = fleet.edeliver("rollback").ends_with(4);
    assert!(told.contains("there is no release to go back to"), "{told}");
    let told = fleet.edeliver("start").ends_with(4);
    assert!(told.contains("no release is deployed there"), "{told}");
    for hostile in ["$(id)", ";id", "../x", "-rf", "`id`"] {
        fleet.edeliver(&format!("deploy release --version={hostile}")).ends_with(2);
    }
}

#[test]
fn a_target_that_wants_to_be_asked_for_is_not_changed_unasked() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.configure("unused", "confirm = true");
    let told = fleet.edeliver("deploy release --version=0.1.0").ends_with(2);
    assert!(told.contains("--yes"), "{told}");
    assert!(!fleet.root("one").exists());
    fleet.edeliver("deploy release --version=0.1.0 --yes").ok();
}

#[test]
fn a_node_that_hangs_is_told_and_a_restart_gets_rid_of_it() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let first = fleet.beam("one").unwrap();
    rustix::process::kill_process(first, rustix::process::Signal::STOP).unwrap();
    assert!(fleet.edeliver("ping").ends_with(8).contains("hung"));
    let told = fleet.edeliver("start").ends_with(4);
    assert!(told.contains("edeliver restart staging"), "{told}");
    let told = fleet.edeliver("restart --verbose").ok();
    assert!(told.contains("SIGKILL"), "{told}");
    assert!(fleet.edeliver("ping").ok().contains("running"));
    assert_ne!(fleet.beam("one").unwrap(), first);
}

#[test]
fn a_host_that_cannot_be_reached_stops_a_deploy_before_it_begins() {
    let fleet = Fleet::new(App::Relx, 1);
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    // Nobody listens on port 1.
    let unreachable = "{ name = \"two\", address = \"127.0.0.1\", transport = \"ssh\", port = 1, path = \"/nowhere\" }";
    let config = config.replace("hosts = [", &format!("hosts = [{unreachable}, "));
    fs::write(fleet.project().join("edeliver.toml"), config).unwrap();
    let told = fleet.edeliver("deploy release --version=0.1.0").ends_with(6);
    assert!(told.contains("can't be reached") && told.contains("--skip-blocked"), "{told}");
    assert!(!fleet.root("one").exists());
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy --skip-blocked").ends_with(8);
    let told = fleet.edeliver("ping").ends_with(6);
    assert!(told.contains("running") && told.contains("could not be asked"), "{told}");
    let told = fleet.edeliver("releases").ends_with(6);
    assert!(told.contains("0.1.0") && told.contains("could not be asked"), "{told}");
    fleet.edeliver("ping --host=one").ok();
}
