//! Bad days of a fleet: something happens to one of several hosts, or to whoever deploys, in the middle of a change. What every host then has
//! is what the table says, the old or the new release serves, and one command ends it in one version everywhere.

use std::{
    process::Child,
    thread,
    time::{Duration, Instant},
};

use edeliver_lab::{Fault, HostSpec, Link};
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually, signal},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("fleet_a_full_disk_on_one_host_changes_nothing_on_any", full_disk),
    ("fleet_a_link_cut_before_its_wave_leaves_that_host_as_it_was_and_resume_ends_it", cut_before_its_wave),
    ("fleet_a_host_without_sshd_in_an_upgrade_has_the_others_taken_back_with_their_state", no_sshd),
    ("fleet_a_host_rebooted_in_a_deploy_has_the_others_brought_back", rebooted),
    ("fleet_a_node_that_hangs_in_an_upgrade_has_the_others_taken_back", hung),
    ("fleet_a_node_that_falls_while_it_is_watched_brings_the_old_release_back_everywhere", fallen),
    ("fleet_an_application_that_gets_unwell_brings_the_old_release_back_everywhere", unwell),
    ("fleet_an_operator_without_network_tells_what_is_unknown_and_resume_ends_it", operator_cut),
    ("fleet_a_host_whose_clock_is_wrong_is_told_by_doctor_and_changed_like_the_others", wrong_clock),
    ("fleet_ctrl_c_ends_after_what_is_begun_and_resume_ends_it", interrupted_once),
    ("fleet_ctrl_c_twice_leaves_each_host_with_one_release_and_resume_ends_it", interrupted_twice),
];

pub(crate) const HOSTS: [&str; 3] = ["prod1", "prod2", "prod3"];
/// One after the other, with time to do something while the first is watched.
const SLOWLY: &str =
    "[upgrade]\nsoak = \"4s\"\nconfirm_within = \"10s\"\n[targets.production.rollout]\nwaves = [1, 1, \"rest\"]\nsoak = \"4s\"\n";

/// Three hosts that serve 0.1.0, each with state to lose.
fn serving(settings: &str) -> Scene {
    let scene = Scene::fleet(App::Hotapp, 3);
    scene.configure("apps", "");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.ok("eval Hotapp.Counter.count() on production");
    scene.configure("apps", settings);
    scene
}

/// The state and the process of every node.
fn lives(scene: &Scene) -> Vec<String> {
    let life = |host| scene.ok(&format!("eval {{Hotapp.Counter.read(),System.pid()}} on production --host={host}"));
    HOSTS.map(|host| life(host).out.trim().to_owned()).into()
}

fn serves(scene: &Scene, host: &str, version: &str) -> bool {
    scene.served(host).is_some_and(|served| served.contains(version))
}

/// One host's row in the last table.
fn row<'a>(ran: &'a Ran, host: &str) -> &'a str {
    ran.out.lines().rfind(|line| line.split(' ').next() == Some(host)).unwrap_or_default()
}

pub(crate) fn assert_row(ran: &Ran, host: &str, words: &[&str]) {
    for word in words {
        assert!(row(ran, host).contains(word), "{host}: no {word:?} in its row\n{}", ran.said());
    }
}

/// Every host serves and boots this version, and nothing is left of what was interrupted.
pub(crate) fn assert_one(scene: &Scene, version: &str) {
    for host in HOSTS {
        scene.assert_serves(host, version);
        assert_eq!(scene.permanent(host, "apps"), version, "{host}");
        assert_eq!(scene.on(host, "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l"), "0", "{host}");
        assert_eq!(scene.on(host, "pgrep -c beam.smp"), "1", "{host}");
    }
    scene.ok("fleet production").assert(0, &["the fleet is one"]);
}

pub(crate) const DEPLOY: &str = "deploy release to production --version=0.2.0 --start-deploy";
const UPGRADE: &str = "deploy upgrade to production --version=0.2.0";

/// Begins it, and waits until the first host serves the new release; the second is not begun then.
fn until_first_is_new(scene: &Scene, words: &str) -> Child {
    let child = scene.spawn(words);
    eventually("the first host serves the new release", || serves(scene, "prod1", "0.2.0"));
    child
}

fn full_disk() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 3);
    scene.on("prod2", "mkdir apps");
    scene.lab.fault("prod2", Fault::Disk { path: "/home/deploy/apps".into(), size: "60m".into() })?;
    // There is room when the plan is made. While it travels, which takes some seconds there, somebody takes it.
    scene.lab.shape("prod2", Link { rate_mbit: 3.0, ..Link::default() })?;
    let deploy = scene.spawn(&DEPLOY.replace("0.2.0", "0.1.0"));
    let begun = "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l";
    eventually("staging begins", || scene.on("prod2", begun) != "0");
    scene.on("prod2", "cat /dev/zero >apps/filler 2>/dev/null || true");
    let ran = Ran::from(deploy.wait_with_output()?);
    ran.assert(9, &["No space left"]);
    assert_row(&ran, "prod2", &["failed"]);
    for host in ["prod1", "prod3"] {
        assert_row(&ran, host, &["skipped", "nothing was changed"]);
        assert_eq!(scene.on(host, "ls apps/hotapp/releases/start_erl.data 2>/dev/null | wc -l"), "0");
    }
    scene.on("prod2", "rm apps/filler");
    scene.lab.shape("prod2", Link::default())?;
    scene.ok("resume --yes");
    assert_one(&scene, "0.1.0");
    Ok(())
}

fn cut_before_its_wave() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let before = lives(&scene);
    let upgrade = until_first_is_new(&scene, UPGRADE);
    scene.lab.cut("prod2")?;
    let ran = Ran::from(upgrade.wait_with_output()?);
    assert_eq!(ran.code, Some(8), "{}", ran.said());
    assert_row(&ran, "prod1", &["done", "0.2.0"]);
    assert!(!row(&ran, "prod2").contains("done"), "{}", ran.said());
    assert_row(&ran, "prod3", &["skipped", "0.1.0"]);
    scene.lab.heal("prod2")?;
    assert!(serves(&scene, "prod1", "0.2.0") && serves(&scene, "prod2", "0.1.0") && serves(&scene, "prod3", "0.1.0"));
    scene.ok("resume --yes");
    assert_eq!(lives(&scene), before, "the same processes with the same state");
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn no_sshd() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let before = lives(&scene);
    let upgrade = until_first_is_new(&scene, &format!("{UPGRADE} --on-failure=rollback"));
    scene.lab.fault("prod2", Fault::SshdKill)?;
    scene.lab.fault("prod2", Fault::SessionsKill)?;
    let ran = Ran::from(upgrade.wait_with_output()?);
    assert!(matches!(ran.code, Some(8 | 9)), "{:?} {}", ran.code, ran.said());
    assert_row(&ran, "prod1", &["taken back", "0.1.0"]);
    assert_row(&ran, "prod3", &["skipped", "0.1.0"]);
    scene.lab.fault("prod2", Fault::SshdStart)?;
    assert_eq!(lives(&scene), before, "the same processes with the same state");
    assert_one(&scene, "0.1.0");
    scene.ok(&format!("{UPGRADE} --force"));
    assert_eq!(lives(&scene), before);
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn rebooted() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let deploy = until_first_is_new(&scene, &format!("{DEPLOY} --on-failure=rollback"));
    scene.lab.reboot("prod2")?;
    let ran = Ran::from(deploy.wait_with_output()?);
    assert_eq!(ran.code, Some(8), "{}", ran.said());
    assert_row(&ran, "prod1", &["taken back", "0.1.0"]);
    assert_row(&ran, "prod2", &["failed", "0.1.0 was serving when it was last asked"]);
    assert_row(&ran, "prod3", &["skipped", "0.1.0"]);
    // Nothing starts nodes there when the machine does.
    assert_eq!(scene.permanent("prod2", "apps"), "0.1.0");
    scene.ok("start production");
    assert_one(&scene, "0.1.0");
    scene.ok(&format!("{DEPLOY} --force"));
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn hung() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let before = lives(&scene);
    let upgrade = until_first_is_new(&scene, &format!("{UPGRADE} --on-failure=rollback"));
    scene.on("prod2", "pkill -STOP beam.smp");
    let ran = Ran::from(upgrade.wait_with_output()?);
    assert!(matches!(ran.code, Some(8 | 9)), "{:?} {}", ran.code, ran.said());
    assert_row(&ran, "prod1", &["taken back", "0.1.0"]);
    assert!(!row(&ran, "prod2").contains("done"), "{}", ran.said());
    assert_row(&ran, "prod3", &["skipped", "0.1.0"]);
    scene.on("prod2", "pkill -CONT beam.smp");
    eventually("it serves again", || serves(&scene, "prod2", "0.1.0"));
    scene.ok("rollback production --version=0.1.0");
    assert_eq!(lives(&scene), before, "the same processes with the same state");
    assert_one(&scene, "0.1.0");
    Ok(())
}

/// Everything is brought back when the second host fails so while it is watched.
fn brought_back(fail: impl FnOnce(&Scene), words: &[&str]) -> Result<(), Failed> {
    let sick = "health = { command = \"test ! -e sick || { echo I am sick; false; }\" }";
    let scene = serving(&SLOWLY.replace("[upgrade]", &format!("[upgrade]\n{sick}")));
    let deploy = until_first_is_new(&scene, &format!("{DEPLOY} --on-failure=rollback --soak=10s"));
    eventually("the second host serves the new release", || serves(&scene, "prod2", "0.2.0"));
    fail(&scene);
    let ran = Ran::from(deploy.wait_with_output()?);
    ran.assert(9, words);
    assert_row(&ran, "prod1", &["taken back", "0.1.0"]);
    assert_row(&ran, "prod2", &["failed", "0.1.0"]);
    assert_row(&ran, "prod3", &["skipped", "0.1.0"]);
    for host in HOSTS {
        scene.assert_serves(host, "0.1.0");
        assert_eq!(scene.permanent(host, "apps"), "0.1.0", "{host}");
    }
    scene.run(DEPLOY).assert(4, &["0.2.0 was taken back", "--force"]);
    scene.on("prod2", "rm -f apps/hotapp/sick");
    scene.ok(&format!("{DEPLOY} --force --soak=1s"));
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn fallen() -> Result<(), Failed> {
    brought_back(|scene| drop(scene.on("prod2", "pkill -KILL beam.smp")), &["the node has ended"])
}

fn unwell() -> Result<(), Failed> {
    brought_back(|scene| drop(scene.on("prod2", "touch apps/hotapp/sick")), &["I am sick"])
}

fn operator_cut() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let before = lives(&scene);
    let upgrade = until_first_is_new(&scene, UPGRADE);
    for host in HOSTS {
        scene.lab.cut(host)?;
    }
    let ran = Ran::from(upgrade.wait_with_output()?);
    assert!(ran.code != Some(0), "{}", ran.said());
    assert_row(&ran, "prod1", &["unknown"]);
    assert_row(&ran, "prod3", &["0.1.0"]);
    for host in HOSTS {
        scene.lab.heal(host)?;
    }
    eventually("nobody confirmed it, so it goes back", || serves(&scene, "prod1", "0.1.0"));
    scene.ok("resume --yes");
    assert_eq!(lives(&scene), before, "the same processes with the same state");
    assert_one(&scene, "0.2.0");
    Ok(())
}

/// A day behind, for everything that a login starts there, and so for its node too.
fn wrong_clock() -> Result<(), Failed> {
    let faked = "SetEnv LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1 FAKETIME=-1d FAKETIME_DONT_FAKE_MONOTONIC=1";
    let scene = Scene::fleet_with(App::Hotapp, 3, "prod2", HostSpec { sshd: vec![faked.to_owned()], ..HostSpec::default() });
    let days = |host| scene.on(host, "date +%s").parse::<i64>().unwrap_or_default() / 86_400;
    assert_eq!(days("prod1") - days("prod2"), 1, "the host's clock is wrong");
    scene.configure("apps", "[upgrade]\nsoak = \"1s\"\n");
    scene.run("doctor production").assert(0, &["prod2: clock"]);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.ok("eval Hotapp.Counter.count() on production");
    let before = lives(&scene);
    scene.ok(&format!("{UPGRADE} --waves=1,rest"));
    assert_one(&scene, "0.2.0");
    scene.ok("rollback production --version=0.1.0");
    assert_eq!(lives(&scene), before, "the same processes with the same state");
    scene.ok(DEPLOY);
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn interrupted_once() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let deploy = until_first_is_new(&scene, DEPLOY);
    signal(&deploy, "INT");
    let ran = Ran::from(deploy.wait_with_output()?);
    assert_eq!(ran.code, Some(130), "{}", ran.said());
    for host in ["prod2", "prod3"] {
        assert_row(&ran, host, &["0.1.0"]);
        scene.assert_serves(host, "0.1.0");
        assert_eq!(scene.permanent(host, "apps"), "0.1.0", "{host}");
    }
    scene.ok("resume --yes");
    assert_one(&scene, "0.2.0");
    Ok(())
}

fn interrupted_twice() -> Result<(), Failed> {
    let scene = serving(SLOWLY);
    let deploy = until_first_is_new(&scene, DEPLOY);
    signal(&deploy, "INT");
    thread::sleep(Duration::from_millis(300));
    signal(&deploy, "INT");
    let began = Instant::now();
    let ran = Ran::from(deploy.wait_with_output()?);
    assert_eq!(ran.code, Some(130), "{}", ran.said());
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    for host in HOSTS {
        let (boots, row) = (scene.permanent(host, "apps"), row(&ran, host));
        assert!(["0.1.0", "0.2.0"].contains(&boots.as_str()), "{host} boots {boots}");
        assert!(!row.is_empty(), "{}", ran.said());
    }
    scene.ok("resume --yes");
    assert_one(&scene, "0.2.0");
    Ok(())
}
