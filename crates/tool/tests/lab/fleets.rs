//! What differs on a fleet, and a run that was killed in the middle.

use std::fs;

use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("what_differs_on_each_host_is_told_at_one_look", drift),
    ("twenty_hosts_behind_one_bastion_are_deployed_to_without_a_dropped_login", bastion),
    ("a_run_that_was_killed_in_the_middle_is_resumed_for_what_is_left", resumed),
];

fn drift() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 4);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.ok("fleet production").assert(0, &["the fleet is one: 4 hosts, as deployed", "as built", "the same"]);
    scene.on(
        "prod2",
        "cd apps/hotapp && echo '# by hand' >>releases/0.1.0/env.sh && mkdir -p .edeliver/staging/20260101-000000-aaaa",
    );
    scene.ok("deploy release to production --version=0.2.0 --start-deploy --host=prod3");
    scene.on("prod4", "printf anothercookie >apps/hotapp/releases/COOKIE");
    let told = scene.run("fleet production");
    let wanted = [
        "prod2: config: env.sh of 0.1.0 is not as deployed",
        "prod2: left: an interrupted run has left files in .edeliver/staging",
        "prod3: boots: runs and boots 0.2.0, and most hosts boot 0.1.0",
        "prod4: cookie: releases/COOKIE is another than on most hosts",
    ];
    told.assert(8, &wanted);
    assert!(!told.said().contains("anothercookie"), "{}", told.said());
    scene.lab.cut("prod1")?;
    scene.run("fleet production --host=prod1").assert(6, &["prod1: login"]);
    Ok(())
}

/// A stock sshd: MaxStartups 10:30:100, MaxSessions 10.
fn bastion() -> Result<(), Failed> {
    let scene = Scene::behind_gates(App::Relapp, 20);
    let config = scene.file("jump_config");
    let own = fs::read_to_string(scene.lab.ssh_config())?;
    fs::write(&config, format!("Match originalhost prod*\n  ProxyJump gate\n{own}"))?;
    let deploy = |words: &str| {
        let output = scene.command(words).env("EDELIVER_SSH_CONFIG", &config).output()?;
        Ok::<_, Failed>(Ran::from(output))
    };
    deploy("deploy release to production --version=0.1.0 --bandwidth=50MB/s")?.assert(0, &["at most 50MB/s", "20 hosts done"]);
    let gate = scene.lab.netstat()?["gate"].clone();
    assert_eq!((gate.logins, gate.dropped, gate.sessions_refused), (20, 0, 0), "{gate:?}");
    deploy("deploy release to production --version=0.2.0 --waves=1,25%")?.assert(0, &["20 hosts done"]);
    let gate = scene.lab.netstat()?["gate"].clone();
    assert_eq!((gate.logins, gate.dropped, gate.sessions_refused), (40, 0, 0), "{gate:?}");
    for host in ["prod1", "prod20"] {
        assert_eq!(scene.permanent(host, "apps"), "0.2.0");
    }
    Ok(())
}

fn resumed() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 3);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    let mut deploy = scene.spawn("deploy release to production --version=0.2.0 --start-deploy --batch=1");
    eventually("the first host is done", || scene.served("prod1").is_some_and(|served| served.contains("0.2.0")));
    deploy.kill()?;
    deploy.wait()?;
    scene.ok("resume --yes").assert(0, &["is resumed: edeliver deploy release to production --version=0.2.0"]);
    for host in ["prod1", "prod2", "prod3"] {
        scene.assert_serves(host, "0.2.0");
    }
    scene.ok("fleet production").assert(0, &["the fleet is one"]);
    scene.run("resume").assert(2, &["no run is left to be resumed"]);
    Ok(())
}
