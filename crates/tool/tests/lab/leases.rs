//! Two operators of one target, each behind a gate of its own, so that the network between them and the hosts can be cut for one and not for
//! the other.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use edeliver_lab::{Fault, Link};
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::{App, edeliver},
};

pub(crate) const TESTS: &[Test] = &[
    ("of_operators_in_parted_networks_the_one_with_most_hosts_proceeds_and_no_other", parted),
    ("of_operators_who_reach_one_of_two_hosts_each_at_most_one_proceeds", one_each),
    ("an_operator_who_is_cut_off_stops_and_another_takes_over", cut_off),
    ("what_an_operator_who_was_cut_off_had_in_hand_is_ended_before_another_begins", in_hand),
    ("a_host_that_allows_one_session_at_a_time_is_deployed_to", few_sessions),
    ("a_node_on_a_full_disk_is_stopped", full_disk),
];

/// A deploy that stands still while there is a file `wait`, when it has the lease and has changed nothing.
const HOOKS: &str = "pre_extract_release_archive() { touch begun; while [ -e wait ]; do sleep 0.2; done; }\n";

/// A person with a checkout, who reaches the hosts through a gate.
struct Operator<'a> {
    scene: &'a Scene,
    gate: &'static str,
    project: PathBuf,
}

impl<'a> Operator<'a> {
    fn behind(scene: &'a Scene, gate: &'static str) -> Self {
        let project = scene.file(gate);
        let copied = Command::new("cp").arg("-a").arg(scene.project()).arg(&project).status().expect("cp can be started");
        assert!(copied.success());
        let toml = fs::read_to_string(project.join("edeliver.toml")).expect("it was written");
        fs::write(project.join("edeliver.toml"), format!("hooks = \"hooks.sh\"\n{toml}")).expect("the folder can be written");
        fs::write(project.join("hooks.sh"), HOOKS).expect("the folder can be written");
        let own = fs::read_to_string(scene.lab.ssh_config()).expect("the lab has written it");
        let config = format!("Match originalhost prod*\n  ProxyJump {gate}\n{own}");
        fs::write(project.join("ssh_config"), config).expect("the folder can be written");
        Self { scene, gate, project }
    }
    fn command(&self, words: &str) -> Command {
        let mut command = self.scene.lab.command(edeliver());
        command.args(words.split_whitespace()).current_dir(&self.project).stdin(Stdio::null());
        command.env("EDELIVER_SSH_CONFIG", self.project.join("ssh_config"));
        command
    }
    fn run(&self, words: &str) -> Ran {
        Ran::from(self.command(words).output().expect("edeliver can be started"))
    }
    fn spawn(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("edeliver can be started")
    }
    /// A deploy that has begun, and goes on when it may.
    fn at_work(&self, words: &str) -> Child {
        fs::write(self.project.join("wait"), "").expect("the folder can be written");
        let child = self.spawn(words);
        eventually("the deploy begins", || self.has_begun());
        child
    }
    fn has_begun(&self) -> bool {
        self.project.join("begun").exists()
    }
    fn go(&self) {
        fs::remove_file(self.project.join("wait")).expect("it was written");
    }
    fn cut_off(&self, hosts: &[&str]) -> Result<(), Failed> {
        hosts.iter().try_for_each(|host| self.scene.lab.split(self.gate, host)).map_err(Failed::from)
    }
}

fn deployed(scene: &Scene, host: &str, version: &str) -> bool {
    scene.on(host, &format!("[ -d apps/hotapp/releases/{version} ] && echo yes || echo no")) == "yes"
}

fn parted() -> Result<(), Failed> {
    let scene = Scene::behind_gates(App::Hotapp, 3);
    let (ann, bob) = (Operator::behind(&scene, "build"), Operator::behind(&scene, "gate"));
    ann.cut_off(&["prod3"])?;
    bob.cut_off(&["prod1", "prod2"])?;
    // Also alone: he can't know that he is.
    bob.run("deploy release to production --version=0.2.0 --skip-blocked").assert(6, &["1 of 3 hosts", "prod1", "--host"]);
    let first = ann.at_work("deploy release to production --version=0.1.0 --skip-blocked");
    bob.run("deploy release to production --version=0.2.0 --skip-blocked").assert(6, &["1 of 3 hosts"]);
    assert!(!bob.has_begun());
    ann.go();
    Ran::from(first.wait_with_output()?).assert(8, &["prod3"]);
    assert_eq!((scene.permanent("prod1", "apps"), scene.permanent("prod2", "apps")), ("0.1.0".into(), "0.1.0".into()));
    assert!(!deployed(&scene, "prod3", "0.2.0") && !deployed(&scene, "prod3", "0.1.0"));
    for host in ["prod1", "prod2", "prod3"] {
        scene.lab.heal(host)?;
    }
    bob.run("deploy release to production --version=0.2.0").assert(0, &[]);
    Ok(())
}

fn one_each() -> Result<(), Failed> {
    let scene = Scene::behind_gates(App::Hotapp, 2);
    let (ann, bob) = (Operator::behind(&scene, "build"), Operator::behind(&scene, "gate"));
    ann.cut_off(&["prod2"])?;
    bob.cut_off(&["prod1"])?;
    let deploys = [(&ann, "0.1.0"), (&bob, "0.2.0")];
    let deploys =
        deploys.map(|(who, version)| who.spawn(&format!("deploy release to production --version={version} --skip-blocked")));
    let [first, second] = deploys.map(Child::wait_with_output);
    Ran::from(first?).assert(8, &["prod2"]);
    Ran::from(second?).assert(6, &["1 of 2 hosts"]);
    assert!(ann.has_begun() && !bob.has_begun());
    assert!(deployed(&scene, "prod1", "0.1.0") && !deployed(&scene, "prod2", "0.2.0"));
    Ok(())
}

fn cut_off() -> Result<(), Failed> {
    let scene = Scene::behind_gates(App::Hotapp, 3);
    let (ann, bob) = (Operator::behind(&scene, "build"), Operator::behind(&scene, "gate"));
    let first = ann.at_work("deploy release to production --version=0.1.0");
    bob.run("deploy release to production --version=0.2.0").assert(5, &["0.1.0 to production", "lock-wait"]);
    // Two of three: the third may be hers, and is of no use to her.
    ann.cut_off(&["prod1", "prod2"])?;
    bob.run("deploy release to production --version=0.2.0 --lock-wait").assert(0, &["waiting for"]);
    ann.go();
    let ran = Ran::from(first.wait_with_output()?);
    assert_eq!(ran.code, Some(5), "{}", ran.said());
    assert!(ran.said().contains("lease"), "{}", ran.said());
    for host in ["prod1", "prod2", "prod3"] {
        assert!(!deployed(&scene, host, "0.1.0"), "she changed {host} while he had the target");
        assert_eq!(scene.permanent(host, "apps"), "0.2.0");
    }
    Ok(())
}

fn in_hand() -> Result<(), Failed> {
    let scene = Scene::behind_gates(App::Hotapp, 1);
    let (ann, bob) = (Operator::behind(&scene, "build"), Operator::behind(&scene, "gate"));
    scene.lab.shape("prod1", Link { rate_mbit: 4.0, ..Link::default() })?;
    let first = ann.spawn("deploy release to production --version=0.1.0");
    eventually("staging begins", || scene.on("prod1", "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l") != "0");
    ann.cut_off(&["prod1"])?;
    scene.lab.shape("prod1", Link::default())?;
    // Her script waits for the rest of the archive, and would for a quarter of an hour.
    bob.run("deploy release to production --version=0.2.0 --lock-wait").assert(0, &["waiting for"]);
    let ran = Ran::from(first.wait_with_output()?);
    assert_ne!(ran.code, Some(0), "{}", ran.said());
    assert!(!deployed(&scene, "prod1", "0.1.0") && scene.permanent("prod1", "apps") == "0.2.0");
    assert_eq!(scene.on("prod1", "head -n 1 apps/hotapp/.edeliver/lease"), "- -");
    Ok(())
}

/// A host on which a lease and a step can't be at work at the same time goes on all the same.
fn few_sessions() -> Result<(), Failed> {
    for sessions in ["MaxSessions 2", "MaxSessions 1"] {
        let spec = edeliver_lab::HostSpec { sshd: vec![sessions.to_owned()], ..edeliver_lab::HostSpec::default() };
        let scene = Scene::host(App::Hotapp, spec);
        scene.ok("deploy release to production --version=0.1.0");
        assert_eq!(scene.on("prod1", "head -n 1 apps/hotapp/.edeliver/lease"), "- -", "{sessions}");
        scene.ok("deploy release to production --version=0.2.0");
        assert_eq!(scene.lab.netstat()?["prod1"].logins, 3, "one login for each command, and that of the test");
    }
    Ok(())
}

fn full_disk() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.on("prod1", "mkdir apps");
    scene.lab.fault("prod1", Fault::Disk { path: "/home/deploy/apps".into(), size: "120m".into() })?;
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.on(
        "prod1",
        "dd if=/dev/zero of=apps/filler bs=1M 2>/dev/null; dd if=/dev/zero of=apps/rest bs=1 count=4096 2>/dev/null; true",
    );
    scene.ok("stop production");
    scene.on("prod1", "rm apps/filler apps/rest");
    scene.ok("start production");
    scene.ok("stop production");
    Ok(())
}
