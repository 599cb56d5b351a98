//! Hosts and links that fail: the old release serves, the table is true, and the same command again finishes the work.

use std::{thread, time::Duration};

use edeliver_lab::{Fault, Link};
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("one_of_three_hosts_down_stops_before_anything_is_done", one_down),
    ("one_of_three_hosts_down_can_be_left_out", one_left_out),
    ("a_full_disk_is_seen_before_the_first_byte", full_disk_before),
    ("a_disk_that_fills_up_in_the_transfer_is_told_and_the_same_command_completes", full_disk_during),
    ("a_link_cut_in_the_transfer_is_unknown_and_the_same_command_completes", cut_link),
    ("a_host_that_loses_its_sshd_sessions_hides_nothing_of_the_others", sessions_killed),
    ("a_read_only_disk_is_seen_before_the_first_byte", read_only),
    ("a_release_that_does_not_start_gives_way_to_the_old_one", broken_release),
    ("a_stopped_process_is_called_hung", hung),
];

fn one_down() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 3);
    scene.lab.cut("prod2")?;
    scene.run("deploy release to production --version=0.1.0").assert(6, &["prod2", "can't be reached", "--skip-blocked"]);
    assert_eq!(scene.on("prod1", "ls -A apps 2>/dev/null | wc -l"), "0");
    Ok(())
}

fn one_left_out() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 3);
    scene.lab.cut("prod2")?;
    let ran = scene.run("deploy release to production --version=0.1.0 --skip-blocked");
    assert_eq!(ran.code, Some(8), "{}", ran.said());
    assert_eq!(scene.permanent("prod1", "apps"), "0.1.0");
    assert_eq!(scene.permanent("prod3", "apps"), "0.1.0");
    scene.lab.heal("prod2")?;
    scene.ok("deploy release to production --version=0.1.0");
    assert_eq!(scene.permanent("prod2", "apps"), "0.1.0");
    Ok(())
}

fn full_disk_before() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.on("prod1", "mkdir apps");
    scene.lab.fault("prod1", Fault::Disk { path: "/home/deploy/apps".into(), size: "4m".into() })?;
    let before = scene.lab.netstat()?["prod1"].rx;
    scene.run("deploy release to production --version=0.1.0").assert(4, &["prod1", "free"]);
    assert!(scene.lab.netstat()?["prod1"].rx - before < 100_000);
    Ok(())
}

fn full_disk_during() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.on("prod1", "mkdir apps");
    scene.lab.fault("prod1", Fault::Disk { path: "/home/deploy/apps".into(), size: "60m".into() })?;
    scene.lab.shape("prod1", Link { rate_mbit: 8.0, ..Link::default() })?;
    // There is room enough when it begins; then somebody else takes it while the transfer is under way.
    let deploy = scene.spawn("deploy release to production --version=0.1.0");
    eventually("staging begins", || scene.on("prod1", "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l") != "0");
    scene.on("prod1", "dd if=/dev/zero of=apps/filler bs=1M 2>/dev/null || true");
    let ran = Ran::from(deploy.wait_with_output()?);
    assert!(matches!(ran.code, Some(8 | 9)), "{:?} {}", ran.code, ran.said());
    assert!(ran.said().contains("No space left"), "{}", ran.said());
    scene.on("prod1", "rm apps/filler");
    scene.lab.shape("prod1", Link::default())?;
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("stop production");
    Ok(())
}

/// One host that runs 0.1.0.
fn serving_old() -> Scene {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.assert_serves("prod1", "0.1.0");
    scene
}

fn cut_link() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 2);
    // 12 MB at 4 Mbit/s: long enough to cut it in the middle.
    scene.lab.shape("prod2", Link { rate_mbit: 4.0, ..Link::default() })?;
    let deploy = scene.spawn("deploy release to production --version=0.1.0 --on-failure=continue");
    eventually("staging begins on prod2", || scene.on("prod2", "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l") != "0");
    thread::sleep(Duration::from_millis(500));
    scene.lab.cut("prod2")?;
    let ran = Ran::from(deploy.wait_with_output()?);
    assert_eq!(ran.code, Some(8), "{}", ran.said());
    assert!(ran.said().contains("unknown"), "{}", ran.said());
    assert_eq!(scene.permanent("prod1", "apps"), "0.1.0", "the other host is done");
    scene.lab.heal("prod2")?;
    scene.lab.shape("prod2", Link::default())?;
    scene.ok("deploy release to production --version=0.1.0");
    assert_eq!(scene.permanent("prod2", "apps"), "0.1.0");
    Ok(())
}

fn sessions_killed() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 2);
    scene.lab.shape("prod1", Link { rate_mbit: 4.0, ..Link::default() })?;
    let deploy = scene.spawn("deploy release to production --version=0.1.0");
    eventually("staging begins on prod1", || scene.on("prod1", "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l") != "0");
    scene.lab.fault("prod1", Fault::SessionsKill)?;
    let ran = Ran::from(deploy.wait_with_output()?);
    assert_eq!(ran.code, Some(8), "{}", ran.said());
    assert_eq!(scene.on("prod2", "ls apps/hotapp/releases/start_erl.data 2>/dev/null | wc -l"), "0", "nothing was changed there");
    scene.ok("deploy release to production --version=0.1.0");
    assert_eq!(scene.permanent("prod2", "apps"), "0.1.0");
    Ok(())
}

fn read_only() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.on("prod1", "mkdir apps");
    scene.lab.fault("prod1", Fault::Readonly { path: "/home/deploy/apps".into() })?;
    scene.run("deploy release to production --version=0.1.0").assert(4, &["prod1", "writ"]);
    Ok(())
}

fn broken_release() -> Result<(), Failed> {
    let scene = serving_old();
    // The same release, but this host's environment makes the new start fail: the port is no number.
    scene.configure("apps", "");
    let toml = scene.project().join("edeliver.toml");
    let text = std::fs::read_to_string(&toml)?
        .replace("\"4000\"", "\"no number\"")
        .replace("confirm = false", "confirm = false\nstart_timeout = \"20s\"");
    std::fs::write(&toml, text)?;
    let ran = scene.run("deploy release to production --version=0.2.0 --start-deploy");
    assert!(matches!(ran.code, Some(8 | 9)), "{:?} {}", ran.code, ran.said());
    assert_eq!(scene.permanent("prod1", "apps"), "0.1.0", "{}", ran.said());
    Ok(())
}

fn hung() -> Result<(), Failed> {
    let scene = serving_old();
    scene.on("prod1", "pkill -STOP beam.smp");
    let ran = scene.run("ping production");
    assert_ne!(ran.code, Some(0));
    assert!(ran.said().contains("hung"), "{}", ran.said());
    scene.on("prod1", "pkill -CONT beam.smp");
    scene.ok("ping production");
    scene.ok("stop production");
    Ok(())
}
