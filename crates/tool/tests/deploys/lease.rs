//! Several deployers of one target.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use crate::{
    fleet::{Done, Fleet},
    store::{App, text},
};

/// A deploy that waits in a hook while there is a file `wait`, when it has the lease and has changed nothing yet. Two at once leave a file `both`.
const HOOKS: &str = r#"
pre_extract_release_archive() {
  mkdir busy 2>/dev/null || touch both
  echo "$VERSION" >>begun
  while [ -e wait ]; do sleep 0.2; done
  sleep 0.3
  rmdir busy
}
"#;

fn fleet(hosts: usize) -> Fleet {
    let fleet = Fleet::new(App::Relx, hosts);
    fs::write(fleet.project().join("hooks.sh"), HOOKS).unwrap();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    fs::write(fleet.project().join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{config}")).unwrap();
    fleet
}

fn begin(fleet: &Fleet, line: &str) -> Child {
    fleet.start(&line.split_whitespace().collect::<Vec<_>>())
}

/// A deploy that has begun and goes on when `go` says so.
fn at_work(fleet: &Fleet, line: &str) -> Child {
    fs::write(fleet.project().join("wait"), "").unwrap();
    let child = begin(fleet, line);
    eventually("the deploy begins", || fleet.project().join("busy").exists());
    eventually("the hosts know", || fleet.read("one", ".edeliver/lease-beat").contains("yes"));
    child
}

fn go(fleet: &Fleet) {
    fs::remove_file(fleet.project().join("wait")).unwrap();
}

fn end(child: Child) -> Done {
    let output = child.wait_with_output().unwrap();
    Done { code: output.status.code().unwrap_or(-1), told: text(&output.stdout) + &text(&output.stderr) }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

#[track_caller]
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within a minute");
        thread::sleep(Duration::from_millis(100));
    }
}

fn boots(fleet: &Fleet, host: &str) -> String {
    let data = fs::read_to_string(fleet.root(host).join("releases/start_erl.data")).unwrap_or_default();
    data.split_whitespace().last().unwrap_or_default().to_owned()
}

fn assert_free(fleet: &Fleet, host: &str) {
    assert!(fleet.read(host, ".edeliver/lease").starts_with("- "), "nobody has it");
    let names = fs::read_dir(fleet.root(host).join(".edeliver")).unwrap().map(|file| file.unwrap().file_name());
    let left: Vec<_> = names.filter(|name| name.to_string_lossy().starts_with("lease-step")).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn of_two_deployers_one_proceeds_and_the_other_says_who_is_at_work_or_waits() {
    let fleet = fleet(2);
    let first = at_work(&fleet, "deploy release --version=0.1.0");
    let told = fleet.edeliver("deploy release --version=0.2.0").ends_with(5);
    let machine = text(&Command::new("uname").arg("-n").output().unwrap().stdout);
    for word in
        [&format!("@{}", machine.trim()), "deploy relapp 0.1.0 to staging (run ", "--lock-wait", "edeliver lock break staging"]
    {
        assert!(told.contains(word), "no {word} in {told}");
    }
    fleet.edeliver("deploy release --version=0.2.0 --host=two").ends_with(5);
    fleet.edeliver("deploy release --version=0.2.0 --lock-wait=1s").ends_with(5);
    fleet.edeliver("deploy release --version=0.2.0 --plan").ok();
    let shown = fleet.edeliver("lock show staging").ok();
    assert_eq!(shown.matches("deploy relapp 0.1.0 to staging").count(), 2, "{shown}");
    let second = begin(&fleet, "deploy release --lock-wait --version=0.2.0 staging");
    thread::sleep(Duration::from_secs(1));
    go(&fleet);
    end(first).ok();
    let told = end(second).ok();
    assert!(told.contains("waiting for "), "{told}");
    for host in ["one", "two"] {
        assert_eq!(boots(&fleet, host), "0.2.0");
        assert_eq!(fleet.read(host, ".edeliver/previous").trim(), "0.1.0", "the plan was made when the other one was done");
        assert_free(&fleet, host);
    }
    assert!(fleet.edeliver("lock show staging").ok().contains("free"));
    assert!(!fleet.project().join("both").exists());
}

#[test]
fn deployers_who_begin_at_once_take_turns() {
    let fleet = fleet(3);
    let lines = ["0.1.0", "0.2.0", "0.1.0", "0.2.0"].map(|version| format!("deploy release --lock-wait=2m --version={version}"));
    let deploys: Vec<Child> = lines.iter().map(|line| begin(&fleet, line)).collect();
    for deploy in deploys {
        end(deploy).ok();
    }
    assert!(!fleet.project().join("both").exists());
    ["one", "two", "three"].iter().for_each(|host| assert_free(&fleet, host));
}

#[test]
fn the_lease_of_a_killed_deploy_ends_by_itself() {
    let fleet = fleet(1);
    let mut first = at_work(&fleet, "deploy release --version=0.1.0");
    first.kill().unwrap();
    first.wait().unwrap();
    fs::remove_dir(fleet.project().join("busy")).unwrap();
    go(&fleet);
    // Elsewhere nobody knows that it is dead; here the next test shows what happens.
    fs::remove_dir_all(fleet.project().join(".deliver/runs")).unwrap();
    let told = fleet.edeliver("deploy release --version=0.2.0").ends_with(5);
    assert!(told.contains("it ends by itself"), "{told}");
    let began = Instant::now();
    fleet.edeliver("deploy release --version=0.2.0 --lock-wait").ok();
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    assert_eq!(boots(&fleet, "one"), "0.2.0");
}

#[test]
fn where_a_deploy_was_killed_the_next_one_goes_on_at_once() {
    let fleet = fleet(2);
    let mut first = at_work(&fleet, "deploy release --version=0.1.0");
    fleet.edeliver("deploy release --version=0.2.0").ends_with(5);
    first.kill().unwrap();
    first.wait().unwrap();
    fs::remove_dir(fleet.project().join("busy")).unwrap();
    go(&fleet);
    let told = fleet.edeliver("deploy release --version=0.2.0").ok();
    assert!(told.contains("without letting go"), "{told}");
    assert_eq!(boots(&fleet, "two"), "0.2.0");
    let left = fs::read_dir(fleet.project().join(".deliver/runs")).unwrap().map(|file| file.unwrap().file_name());
    assert_eq!(left.filter(|name| name.to_string_lossy().ends_with(".lease")).count(), 0);
}

#[test]
fn a_hold_keeps_everybody_out_with_its_message_until_it_is_released() {
    let fleet = fleet(2);
    fleet.words(&["lock", "hold", "-m", "the database is being moved", "staging"]).ok();
    let told = fleet.edeliver("deploy release --version=0.1.0").ends_with(5);
    for word in ["on hold", "the database is being moved", "edeliver lock release staging"] {
        assert!(told.contains(word), "no {word} in {told}");
    }
    fleet.words(&["lock", "hold", "-m", "me too", "staging"]).ends_with(5);
    let shown = fleet.edeliver("lock show").ok();
    assert_eq!(shown.matches("on hold").count(), 2, "{shown}");
    fleet.edeliver("lock release staging").ok();
    assert!(!fleet.edeliver("lock show").ok().contains("on hold"));
    fleet.edeliver("deploy release --version=0.1.0").ok();
    fleet.edeliver("lock release staging").ok();
}

#[test]
fn a_deploy_from_which_the_lease_is_taken_stops_before_its_next_change() {
    let fleet = fleet(2);
    let first = at_work(&fleet, "deploy release --version=0.1.0");
    let told = fleet.edeliver("lock release staging").ends_with(5);
    assert!(told.contains("deploy relapp 0.1.0"), "{told}");
    fleet.edeliver("lock break staging").ends_with(2);
    fleet.edeliver("lock break staging --yes").ok();
    go(&fleet);
    let told = end(first).ends_with(5);
    // Either it has noticed, or its first script does.
    assert!(told.contains("lost") && (told.contains("nothing was begun") || told.contains("nobody has it now")), "{told}");
    assert_eq!(boots(&fleet, "one"), "");
    fleet.edeliver("deploy release --version=0.2.0").ok();
    assert_eq!(boots(&fleet, "two"), "0.2.0");
}

#[test]
fn a_deploy_that_is_given_up_while_it_asks_leaves_no_lease_behind() {
    let fleet = fleet(1);
    fleet.edeliver("deploy release --version=0.1.0").ok();
    // A host that takes connections and never says anything.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    let hosts = format!("hosts = [{{ name = \"127.0.0.1\", transport = \"ssh\", port = {port}, path = \"/srv\" }}, ");
    fs::write(fleet.project().join("edeliver.toml"), config.replacen("hosts = [", &hosts, 1)).unwrap();
    let deploy = begin(&fleet, "deploy release --version=0.2.0");
    eventually("the other host gives its lease", || !fleet.read("one", ".edeliver/lease").starts_with("- "));
    signal(&deploy, "INT");
    end(deploy).ends_with(130);
    assert_free(&fleet, "one");
}

/// A laptop that was closed: its clock goes on, and it does not know.
#[test]
fn a_deployer_who_slept_finds_the_target_taken() {
    let fleet = fleet(2);
    let first = at_work(&fleet, "deploy release --version=0.1.0");
    signal(&first, "STOP");
    go(&fleet);
    eventually("the hook of the sleeper has ended", || !fleet.project().join("busy").exists());
    fleet.edeliver("deploy release --version=0.2.0 --lock-wait").ok();
    signal(&first, "CONT");
    let told = end(first).ends_with(5);
    assert!(told.contains("the lease is lost"), "{told}");
    for host in ["one", "two"] {
        assert_eq!(boots(&fleet, host), "0.2.0");
        assert!(!fleet.root(host).join("releases/0.1.0").exists(), "the sleeper changed {host}");
    }
}
