//! An operator who is lost while a node is restarted: the host itself goes back.

use std::{
    fs,
    process::{Child, Command},
    thread,
    time::{Duration, Instant},
};

use crate::{fleet::Fleet, store::App};

/// A start that waits while there is a file `wait` in the home directory.
const PROFILE: &str = "while [ -e \"$HOME/wait\" ]; do sleep 0.2; done\n";

struct Scene {
    fleet: Fleet,
}

impl Scene {
    /// 0.1.0 serves.
    fn new() -> Self {
        let fleet = Fleet::new(App::Mix, 1);
        let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
        let config = config.replacen("start_timeout = \"30s\"", "start_timeout = \"60s\"\nprofile = \"~/profile\"", 1);
        fs::write(fleet.project().join("edeliver.toml"), config).unwrap();
        fs::write(fleet.home().join("profile"), PROFILE).unwrap();
        fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
        Self { fleet }
    }
    fn begin(&self, line: &str) -> Child {
        self.fleet.start(&line.split_whitespace().collect::<Vec<_>>())
    }
    fn wait_in_start(&self) {
        fs::write(self.fleet.home().join("wait"), "").unwrap();
    }
    fn go(&self) {
        fs::remove_file(self.fleet.home().join("wait")).unwrap();
    }
    fn has(&self, file: &str) -> bool {
        self.fleet.root("one").join(".edeliver").join(file).exists()
    }
    fn own(&self, file: &str) -> String {
        fs::read_to_string(self.fleet.root("one").join(".edeliver").join(file)).unwrap_or_default()
    }
    fn boots(&self) -> String {
        self.fleet.read("one", "releases/start_erl.data").split_whitespace().last().unwrap_or_default().to_owned()
    }
    fn is_watched(&self) -> bool {
        !self.fleet.processes_with("edeliver-guard").is_empty()
    }
    /// Whether the node is up, with this release.
    fn runs(&self, version: &str) -> bool {
        self.fleet.edeliver("status").told.contains(&format!("running  {version}"))
    }
    /// The host has gone back to 0.1.0 by itself, says so, and nothing is left of that.
    fn assert_went_back(&self) {
        let over = || !["", "begun\n"].contains(&self.own("went-back").rsplit(' ').next().unwrap_or_default());
        eventually("the host comes to an end", over);
        assert!(self.own("went-back").ends_with(" done\n"), "{}", self.own("went-back"));
        eventually("nothing is left", || !self.has("guard") && !self.is_watched() && self.own("lease").starts_with("- "));
        assert_eq!(self.boots(), "0.1.0");
        let told = self.fleet.edeliver("status").ok();
        assert!(
            told.contains("went back to 0.1.0 by itself at 20") && told.contains("0.2.0 was not confirmed within 20 s"),
            "{told}"
        );
        let shown = self.fleet.edeliver("fleet").told;
        assert!(shown.contains("went back to 0.1.0 by itself"), "{shown}");
        let refused = self.fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ends_with(4);
        assert!(refused.contains("--force"), "it is remembered as taken back: {refused}");
    }
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[track_caller]
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within two minutes");
        thread::sleep(Duration::from_millis(200));
    }
}

const DEPLOY: &str = "deploy release --version=0.2.0 --start-deploy --confirm-within=20s";

#[test]
fn a_host_whose_operator_is_killed_between_stop_and_start_serves_the_old_release_again() {
    let scene = Scene::new();
    scene.wait_in_start();
    let deploy = scene.begin(DEPLOY);
    eventually("the node is stopped", || scene.has("guard") && scene.fleet.beam("one").is_none());
    kill(deploy);
    eventually("the host begins to go back", || scene.has("went-back"));
    scene.go();
    scene.assert_went_back();
    let told = scene.fleet.edeliver("resume").told;
    assert!(told.contains("went back to 0.1.0 by itself"), "{told}");
    scene.fleet.edeliver("deploy release --version=0.2.0 --start-deploy --force").ok();
    assert!(!scene.fleet.edeliver("status").ok().contains("by itself"), "it is past");
}

#[test]
fn a_host_whose_operator_is_killed_while_it_watches_serves_the_old_release_again_and_stays_drained() {
    let scene = Scene::new();
    let note = |word: &str| format!("{{ command = \"echo {word} >>told\" }}");
    scene.fleet.last_table("targets.staging.rollout", &format!("drain = {}\nresume = {}", note("drain"), note("resume")));
    let deploy = scene.begin(&format!("{DEPLOY} --soak=10m"));
    eventually("0.2.0 is watched", || scene.runs("0.2.0"));
    let told = scene.fleet.edeliver("status").ok();
    assert!(told.contains("0.2.0 is not confirmed yet"), "{told}");
    kill(deploy);
    scene.assert_went_back();
    // Nobody has brought it back into the traffic, which is not forgotten: the next command that leaves a node there does.
    assert!(scene.has("drained"));
    assert!(scene.fleet.edeliver("fleet").told.contains("drained: out of the traffic: run "));
    assert_eq!(scene.fleet.read("one", "told"), "drain\n");
    scene.fleet.edeliver("start").ok();
    assert_eq!((scene.fleet.read("one", "told").as_str(), scene.has("drained")), ("drain\nresume\n", false));
    assert_eq!(scene.boots(), "0.1.0");
}

#[test]
fn a_restart_that_is_confirmed_stays_and_leaves_nothing_behind() {
    let scene = Scene::new();
    let told = scene.fleet.edeliver(&format!("{DEPLOY} --verbose")).ok();
    assert!(told.contains("unless that is confirmed within 20s, the host goes back to 0.1.0 by itself"), "{told}");
    assert!(told.contains("confirm 0.2.0 ("), "{told}");
    assert!(!scene.has("guard") && !scene.has("went-back"));
    eventually("the watch has ended", || !scene.is_watched());
    assert_eq!(scene.boots(), "0.2.0");
    // An end that was told stays too: the old release serves, and nobody goes anywhere later.
    let told = scene.fleet.edeliver("deploy release --version=0.3.0 --start-deploy").ends_with(9);
    assert!(told.contains("0.2.0 serving again"), "{told}");
    assert!(!scene.has("guard"));
    eventually("the watch has ended", || !scene.is_watched());
}

#[test]
fn a_host_that_another_run_has_taken_over_does_not_go_back() {
    let scene = Scene::new();
    let deploy = scene.begin(&format!("{DEPLOY} --soak=10m"));
    eventually("0.2.0 is watched", || scene.runs("0.2.0"));
    kill(deploy);
    // It has nothing else to do than to end what was begun.
    let told = scene.fleet.edeliver("deploy release --version=0.2.0 --start-deploy").ok();
    assert!(told.contains("0.2.0 is not confirmed yet") && told.contains("confirm 0.2.0 ("), "{told}");
    assert!(!scene.has("guard"));
    eventually("the watch has ended", || !scene.is_watched());
    assert_eq!((scene.boots().as_str(), scene.has("went-back")), ("0.2.0", false));
    assert!(!scene.fleet.edeliver("status").ok().contains("not confirmed"));
}

#[test]
fn a_restart_of_one_release_that_is_lost_half_way_ends_with_a_node() {
    let scene = Scene::new();
    scene.wait_in_start();
    let restart = scene.begin("restart --confirm-within=20s");
    eventually("the node is stopped", || scene.has("guard") && scene.fleet.beam("one").is_none());
    kill(restart);
    eventually("the host begins to start it", || scene.has("went-back"));
    scene.go();
    eventually("it serves", || scene.own("went-back").ends_with(" done\n"));
    let told = scene.fleet.edeliver("status").ok();
    assert!(told.contains("the host started 0.1.0 by itself at 20"), "{told}");
}

/// Once: what has begun is brought to its end. The node is looked at and kept, but nobody says that it was watched.
#[test]
fn who_interrupts_before_a_started_node_is_watched_keeps_it_and_is_told_that_it_was_not() {
    let scene = Scene::new();
    scene.wait_in_start();
    let deploy = scene.begin(&format!("{DEPLOY} --soak=10m"));
    eventually("the node is stopped", || scene.has("guard") && scene.fleet.beam("one").is_none());
    let sent = Command::new("kill").args(["-s", "INT", &deploy.id().to_string()]).status().unwrap();
    assert!(sent.success());
    scene.go();
    let output = deploy.wait_with_output().unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    assert_eq!(output.status.code(), Some(130), "{told}");
    assert!(told.contains("0.2.0 running; interrupted: it was not watched to the end"), "{told}");
    assert!(scene.runs("0.2.0") && scene.boots() == "0.2.0" && !scene.has("guard") && !scene.has("went-back"));
}
