//! The common road: deploy, start, ask, deploy the next, go back.

use std::fs;

use crate::{
    fleet::{Fleet, assert_there},
    store::App,
};

#[test]
fn a_release_is_deployed_started_followed_by_the_next_and_gone_back_to() {
    for app in [App::Mix, App::Relx] {
        let fleet = Fleet::new(app, 1);
        let told = fleet.edeliver("deploy release to staging --version=0.1.0").ok();
        assert!(told.contains("0.1.0") && told.contains("no node runs"), "{told}");
        fleet.edeliver("ping staging").ends_with(8);
        fleet.edeliver("start on staging").ok();
        assert!(fleet.edeliver("ping staging").ok().contains("running"));
        let version = fleet.edeliver("version staging").ok();
        assert!(version.contains("0.1.0"), "{version}");
        let old = fleet.snapshot("one", &["lib", "releases/0.1.0"]);
        let first = fleet.beam("one").unwrap();

        let told = fleet.edeliver("deploy release to staging --version=0.2.0 --start-deploy").ok();
        assert!(told.contains("it is restarted"), "{told}");
        assert_ne!(fleet.beam("one").unwrap(), first, "a new process, never a restart in place");
        assert!(fleet.edeliver("version staging").ok().contains("0.2.0"));
        let now = fleet.snapshot("one", &["lib", "releases/0.1.0"]);
        let lost: Vec<_> = old.iter().filter(|file| !now.contains(file)).collect();
        assert!(lost.is_empty(), "{app:?}: a file of the old release was touched: {lost:?}");

        let releases = fleet.read("one", "releases/RELEASES");
        assert!(releases.contains("\"0.2.0\"") && releases.contains("\"0.1.0\""), "{releases}");
        assert_eq!(fleet.read("one", "releases/start_erl.data").split_whitespace().last(), Some("0.2.0"));

        fleet.edeliver("rollback staging").ok();
        assert!(fleet.edeliver("version staging").ok().contains("0.1.0"));
        let table = fleet.edeliver("releases staging").ok();
        let row = table.lines().find(|line| line.contains("0.1.0")).unwrap();
        assert!(row.contains("running") && row.contains("boots next"), "{table}");
        fleet.edeliver("stop staging").ok();
        assert!(fleet.beam("one").is_none());
        assert!(fleet.edeliver("stop staging").ok().contains("no node runs"));
    }
}

#[test]
fn a_plan_changes_nothing_and_tells_by_its_exit_code() {
    let fleet = Fleet::new(App::Relx, 1);
    let told = fleet.edeliver("deploy release --version=0.1.0 --plan --exit-code").ends_with(10);
    assert!(told.contains("files travel"), "{told}");
    assert!(!fleet.root("one").exists());
    fleet.edeliver("deploy release --version=0.1.0").ok();
    let there = fleet.snapshot("one", &["."]);
    let told = fleet.edeliver("deploy release --version=0.1.0").ok();
    assert!(told.contains("0.1.0 is there and boots next"), "{told}");
    let after = fleet.snapshot("one", &["."]);
    let but_leases = |files: &[String]| files.iter().filter(|file| !file.contains("/lease")).cloned().collect::<Vec<_>>();
    assert_eq!(but_leases(&after), but_leases(&there));
    fleet.edeliver("deploy release --version=0.1.0 --plan --exit-code").ok();
    assert_eq!(fleet.snapshot("one", &["."]), after);
}

#[test]
fn only_what_is_new_travels() {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.edeliver("deploy release --version=0.1.0").ok();
    let told = fleet.edeliver("deploy release --version=0.2.0 --plan").ok();
    let line = told.lines().find(|line| line.contains("files travel")).unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "of").unwrap();
    let (sent, all): (u32, u32) = (words[at - 1].parse().unwrap(), words[at + 1].parse().unwrap());
    assert!(sent * 10 < all, "{line}");
}

#[test]
fn a_library_that_changed_under_its_version_is_moved_booted_and_the_old_one_untouched() {
    let fleet = Fleet::new(App::Mix, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    assert_eq!(fleet.ask("IO.puts(Greeter.word())"), "first");
    let old = fleet.snapshot("one", &["lib/greeter-1.0.0"]);
    let told = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    assert!(told.contains("lib/greeter-1.0.0 is another build than the one there"), "{told}");
    assert_eq!(fleet.ask("IO.puts(Greeter.word())"), "second");
    assert_eq!(fleet.snapshot("one", &["lib/greeter-1.0.0"]), old);
    assert!(fleet.read("one", "releases/RELEASES").contains("lib/greeter-1.0.0~"));
    fleet.edeliver("rollback").ok();
    assert_eq!(fleet.ask("IO.puts(Greeter.word())"), "first");
    let again = fleet.edeliver("deploy release --version=0.2.0 --plan").ok();
    assert!(again.contains("0.2.0 is there already"), "{again}");
}

#[test]
fn old_releases_go_and_what_is_needed_stays() {
    let fleet = Fleet::new(App::Mix, 1);
    for version in ["0.1.0", "0.2.0"] {
        fleet.edeliver(&format!("deploy release --version={version}")).ok();
    }
    let told = fleet.edeliver("deploy release --version=0.3.0 --clean-deploy").ok();
    assert!(told.contains("0.1.0 goes"), "{told}");
    let root = fleet.root("one");
    assert!(!root.join("releases/0.1.0").exists() && !root.join("lib/hotapp-0.1.0").exists());
    for there in ["releases/0.2.0", "releases/0.3.0", "lib/hotapp-0.2.0", "lib/hotapp-0.3.0"] {
        assert_there(&root.join(there));
    }
    assert!(!fleet.read("one", "releases/RELEASES").contains("\"0.1.0\""));
    fleet.edeliver("rollback").ok();
    assert!(fleet.edeliver("releases").ok().contains("0.2.0"));
}

/// Hooks that note when they run, and what is there by then.
const HOOKS: &str = r#"
note() { echo "$1 $(ls "$ROOT/releases" 2>/dev/null | grep -c '^0') $VERSION $DEPLOY_ENVIRONMENT" >>notes; }
pre_extract_release_archive() { note before; }
post_extract_release_archive() { note deployed; [ ! -e refuse ] || error "the hook refuses"; }
pre_start_deployed_release() { note starting; __remote "echo hosts do this" ; }
post_start_deployed_release() { note started; }
"#;

#[test]
fn hooks_run_at_their_places_and_can_stop_a_deploy() {
    let fleet = Fleet::new(App::Mix, 2);
    let hooks = HOOKS.replace("$ROOT", fleet.root("one").to_str().unwrap());
    fs::write(fleet.project().join("hooks.sh"), hooks).unwrap();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    fs::write(fleet.project().join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
    let told = fleet.edeliver("deploy release --version=0.1.0 --start-deploy --verbose").ok();
    assert_eq!(told.matches("hosts do this").count(), 2, "once on each host: {told}");
    let notes = fs::read_to_string(fleet.project().join("notes")).unwrap();
    let wanted = ["before 0", "deployed 1", "starting 1", "started 1"].map(|note| format!("{note} 0.1.0 staging\n"));
    assert_eq!(notes, wanted.concat());

    fs::write(fleet.project().join("refuse"), "").unwrap();
    let told = fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ends_with(9);
    assert!(told.contains("the hook refuses"), "{told}");
    for host in ["one", "two"] {
        assert_eq!(fleet.read(host, "releases/start_erl.data").split_whitespace().last(), Some("0.1.0"));
    }
    assert_eq!(fleet.edeliver("version").ok().matches("0.1.0").count(), 4, "running and booting next on both hosts");
}

#[test]
fn hooks_between_the_steps_of_hosts_run_once_in_each_wave() {
    let fleet = Fleet::new(App::Relx, 3);
    let hooks = r#"
note() { echo "$1 $(ls "$ROOT"/*/relapp/releases/start_erl.data 2>/dev/null | grep -c .)" >>notes; }
pre_extract_release_archive() { note before; }
post_extract_release_archive() { note deployed; }
pre_start_deployed_release() { note starting; }
post_start_deployed_release() { note started; }
"#;
    let root = fleet.root("one").parent().unwrap().parent().unwrap().to_str().unwrap().to_owned();
    fs::write(fleet.project().join("hooks.sh"), hooks.replace("$ROOT", &root)).unwrap();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    fs::write(fleet.project().join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy --waves=1,rest").ok();
    let notes = fs::read_to_string(fleet.project().join("notes")).unwrap();
    // By the first wave's hooks one host boots the release, by the second's all three.
    let wanted = ["before 0", "deployed 1", "starting 1", "deployed 3", "starting 3", "started 3"];
    assert_eq!(notes.lines().collect::<Vec<_>>(), wanted);
}
