//! Running nodes upgraded over a real ssh: whole fleets, mixed versions, lost links.

use std::{thread, time::Duration};

use edeliver_lab::Fault;
use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("a_fleet_is_upgraded_while_it_runs_and_hosts_without_a_node_get_the_release", fleet),
    ("an_erlang_node_is_upgraded_with_its_configuration_and_goes_back", erlang),
    ("an_upgrade_rehearsed_over_ssh_goes_to_the_host_and_leaves_nothing_on_the_build_host", rehearsed),
    ("a_link_cut_while_a_node_is_watched_leaves_it_unknown_and_the_node_goes_back_by_itself", cut),
    ("killed_at_any_moment_of_an_upgrade_the_node_serves_and_the_next_run_finishes", killed_anywhere),
    ("a_full_disk_stops_an_upgrade_before_it_begins_or_takes_it_back_with_its_state", full_disk),
];

const WATCHED: &str = "[upgrade]\nsoak = \"1s\"\n";

/// The state of a node, and which process it is: the same after an upgrade, another after a restart.
fn life(scene: &Scene, host: &str) -> String {
    let code = match scene.app {
        App::Hotapp => "{Hotapp.Counter.read(),System.pid()}",
        App::Relapp => "{relapp_counter:read(),os:getpid()}.",
    };
    scene.ok(&format!("eval {code} on production --host={host}")).out.trim().to_owned()
}

fn count(scene: &Scene, host: &str) {
    let code = match scene.app {
        App::Hotapp => "Hotapp.Counter.count()",
        App::Relapp => "relapp_counter:count().",
    };
    scene.ok(&format!("eval {code} on production --host={host}"));
}

fn fleet() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 3);
    scene.configure("apps", WATCHED);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.ok("stop production --host=prod3");
    count(&scene, "prod1");
    let before = life(&scene, "prod1");
    let upgraded = scene.ok("deploy upgrade to production --version=0.2.0");
    upgraded.assert(0, &["0.2.0 running, upgraded without a restart", "0.2.0 boots next, no node runs"]);
    assert_eq!(life(&scene, "prod1"), before);
    for host in ["prod1", "prod2"] {
        scene.assert_serves(host, "0.2.0");
        assert_eq!(scene.permanent(host, "apps"), "0.2.0");
    }
    scene.ok("rollback production --host=prod1").assert(0, &["0.1.0 running"]);
    assert_eq!(life(&scene, "prod1"), before);
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("upgrade production --version=0.2.0 --host=prod1,prod2");
    assert_eq!(life(&scene, "prod1"), before);
    scene.ok("stop production");
    Ok(())
}

fn erlang() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 1);
    scene.configure("apps", WATCHED);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    count(&scene, "prod1");
    let before = life(&scene, "prod1");
    scene.ok("deploy upgrade to production --version=0.2.0");
    assert_eq!(life(&scene, "prod1"), before);
    scene.assert_serves("prod1", "0.2.0");
    scene.ok("version production").assert(0, &["0.2.0", "as built"]);
    scene.ok("rollback production");
    assert_eq!(life(&scene, "prod1"), before);
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("deploy upgrade to production --version=0.2.0");
    scene.ok("restart production");
    scene.assert_serves("prod1", "0.2.0");
    scene.ok("stop production");
    Ok(())
}

fn cut() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.configure("apps", "[upgrade]\nsoak = \"300s\"\nconfirm_within = \"5s\"\n");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    count(&scene, "prod1");
    let before = life(&scene, "prod1");
    let upgrade = scene.spawn("deploy upgrade to production --version=0.2.0");
    eventually("it is upgraded", || scene.served("prod1").is_some_and(|served| served.contains("0.2.0")));
    scene.lab.cut("prod1")?;
    let ended = Ran::from(upgrade.wait_with_output()?);
    assert_ne!(ended.code, Some(0), "{}", ended.said());
    ended.assert(8, &["unknown"]);
    scene.lab.heal("prod1")?;
    eventually("it goes back", || scene.served("prod1").is_some_and(|served| served.contains("0.1.0")));
    assert_eq!(life(&scene, "prod1"), before);
    scene.configure("apps", WATCHED);
    scene.ok("deploy upgrade to production --version=0.2.0");
    assert_eq!(life(&scene, "prod1"), before);
    scene.ok("stop production");
    Ok(())
}

fn killed_anywhere() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.configure("apps", "[upgrade]\nsoak = \"1s\"\nconfirm_within = \"2s\"\n");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    count(&scene, "prod1");
    let before = life(&scene, "prod1");
    for delay in (0..8).map(|n| Duration::from_millis(450 * n)) {
        let mut upgrade = scene.spawn("deploy upgrade to production --version=0.2.0");
        thread::sleep(delay);
        let _ = upgrade.kill();
        let _ = upgrade.wait();
        let served = scene.served("prod1").unwrap_or_default();
        assert!(served.contains("0.1.0") || served.contains("0.2.0"), "after {delay:?}: {served:?}");
        assert_eq!(life(&scene, "prod1"), before, "after {delay:?}");
        // Nobody confirms it, so it is over soon, one way or the other.
        thread::sleep(Duration::from_millis(2_500));
        scene.ok("rollback production --version=0.1.0");
        assert_eq!(life(&scene, "prod1"), before, "back after {delay:?}");
        scene.assert_serves("prod1", "0.1.0");
        assert_eq!(scene.permanent("prod1", "apps"), "0.1.0");
    }
    scene.ok("deploy upgrade to production --version=0.2.0");
    assert_eq!(life(&scene, "prod1"), before);
    scene.assert_serves("prod1", "0.2.0");
    scene.ok("stop production");
    Ok(())
}

/// Before there is room for the release, and when all that is left to do is to make it what boots.
fn full_disk() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.on("prod1", "mkdir apps");
    scene.lab.fault("prod1", Fault::Disk { path: "/home/deploy/apps".into(), size: "60m".into() })?;
    scene.configure("apps", "[upgrade]\nsoak = \"5s\"\n");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    count(&scene, "prod1");
    let before = life(&scene, "prod1");
    let fill = || scene.on("prod1", "cat /dev/zero >apps/filler 2>/dev/null || true; df -P apps | awk 'END { print $4 }'");
    let as_before = |what: &str| {
        assert_eq!(life(&scene, "prod1"), before, "{what}");
        scene.assert_serves("prod1", "0.1.0");
        assert_eq!(scene.permanent("prod1", "apps"), "0.1.0", "{what}");
    };
    assert_eq!(fill(), "0");
    let refused = scene.run("deploy upgrade to production --version=0.2.0");
    refused.assert(4, &["prod1", "free"]);
    as_before("nothing was begun");
    scene.on("prod1", "rm apps/filler");

    let upgrade = scene.spawn("deploy upgrade to production --version=0.2.0");
    eventually("it is upgraded", || scene.served("prod1").is_some_and(|served| served.contains("0.2.0")));
    assert_eq!(fill(), "0");
    let ended = Ran::from(upgrade.wait_with_output()?);
    ended.assert(9, &["No space left", "0.1.0 serving again"]);
    as_before("it was taken back");
    scene.on("prod1", "rm apps/filler");
    scene.ok("deploy upgrade to production --version=0.2.0");
    assert_eq!(life(&scene, "prod1"), before);
    assert_eq!(scene.permanent("prod1", "apps"), "0.2.0");
    scene.ok("stop production");
    Ok(())
}

fn rehearsed() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 1);
    scene.configure("apps", WATCHED);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    let before = life(&scene, "prod1");
    let upgraded = scene.ok("deploy upgrade to production --version=0.2.0 --rehearse");
    upgraded.assert(0, &["rehearsed: 0.1.0 to 0.2.0 without a restart, and back, and again", "0.2.0 running"]);
    assert_eq!(life(&scene, "prod1"), before);
    assert_eq!(scene.on("build", "ls -A builds/.edeliver/relapp/rehearsals"), "");
    let left = "cat /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c ^EDELIVER_REHEARSAL= || true";
    assert_eq!(scene.on("build", left), "0");
    assert_eq!(scene.on("build", "ls -d /tmp/erl_pipes/*rehearsal* 2>/dev/null || true"), "");
    scene.ok("stop production");
    Ok(())
}
