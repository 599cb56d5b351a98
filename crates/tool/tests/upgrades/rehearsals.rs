//! `--rehearse` and `rehearse upgrade`: an upgrade is tried on the build host first, and nothing of that stays.

use std::{fs, process::Child, thread, time::Duration};

use crate::{program::Done, scene::Scene};

impl Scene {
    /// What the rehearsals of this test have on the build host.
    fn places(&self) -> Vec<String> {
        let entries = fs::read_dir(self.rehearsals()).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
    /// Processes with the mark of a rehearsal of this test, or with a word that leads to its place.
    fn players(&self) -> Vec<String> {
        let place = self.rehearsals().to_string_lossy().into_owned() + "/";
        let processes = fs::read_dir("/proc").unwrap().flatten().filter(|entry| entry.path().join("environ").exists());
        let text = |path| String::from_utf8_lossy(&fs::read(path).unwrap_or_default()).into_owned();
        let theirs = |text: &str| text.split('\0').any(|word| word.starts_with(&place) || word.contains(&format!("={place}")));
        processes
            .filter(|entry| theirs(&text(entry.path().join("environ"))) || theirs(&text(entry.path().join("cmdline"))))
            .map(|entry| text(entry.path().join("cmdline")).replace('\0', " "))
            .filter(|line| !line.is_empty())
            .collect()
    }
    #[track_caller]
    fn nothing_is_left(&self) {
        assert_eq!((self.places(), self.players()), (Vec::new(), Vec::new()));
    }
    /// A rehearsal that has come so far that its node runs.
    fn rehearsing(&self) -> Child {
        let mut command = self.command("rehearse upgrade --with=0.1.0 --version=0.2.0");
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        let child = command.spawn().unwrap();
        self.until("the rehearsal's node runs", || self.node().is_some());
        child
    }
    /// The process of the rehearsal's node.
    fn node(&self) -> Option<i32> {
        let mark = self.rehearsals().to_string_lossy().into_owned();
        let processes = fs::read_dir("/proc").unwrap().flatten();
        let mut nodes = processes.filter_map(|entry| {
            let line = fs::read(entry.path().join("cmdline")).ok()?;
            let line = String::from_utf8_lossy(&line).into_owned();
            let pid: i32 = entry.file_name().to_str()?.parse().ok()?;
            (line.contains("beam") && line.contains(&mark) && line.contains("/start")).then_some(pid)
        });
        nodes.next()
    }
}

fn signal(pid: i32, signal: &str) {
    assert!(std::process::Command::new("kill").args([signal, &pid.to_string()]).status().unwrap().success());
}

#[track_caller]
fn says(done: &Done, words: &[&str]) {
    let said = format!("{}{}", done.out, done.err);
    for word in words {
        assert!(said.contains(word), "no {word:?} in\n{said}");
    }
}

#[test]
fn an_upgrade_is_rehearsed_up_and_down_and_up_before_the_hosts_and_nothing_of_it_stays() {
    let scene = Scene::new("reh", "");
    scene.configure("soak = \"1s\"\nhealth = { function = \"Hotapp.Counter.read\" }\nrehearsal_env = { HOTAPP_GREETING = \"hi\" }");
    scene.count(2);
    let life = scene.life();
    // Not well by that function's answer, on the build host as well as there: so it is never asked of the real one.
    let refused = scene.run("deploy upgrade to staging --version=0.2.0 --rehearse");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    says(&refused, &["nothing was changed on the hosts", "upgrade 0.1.0 to 0.2.0 failed", "Hotapp.Counter.read"]);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"));
    scene.nothing_is_left();

    scene.configure("soak = \"1s\"\nhealth = { command = \"test -d lib\" }");
    let done = scene.ok("deploy upgrade to staging --version=0.2.0 --rehearse");
    says(&done, &["rehearsed: 0.1.0 to 0.2.0 without a restart, and back, and again", "0.2.0 running, upgraded without a restart"]);
    scene.counted(2);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.2.0"));
    scene.nothing_is_left();
}

#[test]
fn a_code_change_that_fails_is_found_before_production_is_touched() {
    let scene = Scene::new("bad", "soak = \"1s\"");
    let life = scene.life();
    let refused = scene.run("deploy upgrade to staging --version=0.2.1 --rehearse");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    says(&refused, &["nothing was changed on the hosts", "no such luck", "the end of the node's log"]);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.1.0"));
    assert!(!scene.root().join("releases/0.2.1").exists(), "not even staged");
    scene.nothing_is_left();
}

#[test]
fn a_node_that_does_not_start_is_told_with_its_log_and_nothing_stays() {
    let scene = Scene::new("boot", "rehearsal_env = { HOTAPP_PORT = \"no port\" }");
    let refused = scene.run("rehearse upgrade --with=0.1.0 --version=0.2.0");
    assert_eq!(refused.code, 4, "{}{}", refused.out, refused.err);
    says(&refused, &["start 0.1.0 failed", "no port", "rehearsal_env"]);
    scene.nothing_is_left();
}

#[test]
fn killing_edeliver_in_a_rehearsal_leaves_nothing() {
    let scene = Scene::new("kill", "soak = \"1s\"");
    let mut child = scene.rehearsing();
    child.kill().unwrap();
    child.wait().unwrap();
    scene.until("all has gone", || scene.places().is_empty() && scene.players().is_empty());
}

#[test]
fn ctrl_c_in_a_rehearsal_leaves_nothing_and_says_so() {
    let scene = Scene::new("int", "soak = \"1s\"");
    let mut child = scene.rehearsing();
    signal(i32::try_from(child.id()).unwrap(), "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    scene.nothing_is_left();
}

#[test]
fn a_node_that_hangs_goes_with_the_rehearsal() {
    let scene = Scene::new("hang", "soak = \"1s\"");
    let mut child = scene.rehearsing();
    signal(scene.node().unwrap(), "-STOP");
    thread::sleep(Duration::from_secs(1));
    signal(i32::try_from(child.id()).unwrap(), "-INT");
    thread::sleep(Duration::from_millis(300));
    signal(i32::try_from(child.id()).unwrap(), "-INT");
    assert_eq!(child.wait().unwrap().code(), Some(130));
    scene.until("all has gone", || scene.places().is_empty() && scene.players().is_empty());
}
