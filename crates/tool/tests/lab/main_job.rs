//! From a git commit to a running fleet, and back.

use libtest_mimic::Failed;

use crate::{Test, scene::Scene, world::App};

pub(crate) const TESTS: &[Test] = &[
    ("an_elixir_commit_becomes_a_running_fleet_and_goes_back", elixir),
    ("an_erlang_commit_becomes_a_running_fleet_and_goes_back", erlang),
    ("a_second_deploy_sends_under_two_percent_of_the_archive", second_deploy),
    ("a_path_with_a_blank_works_from_deploy_to_rollback", blank_in_path),
    ("an_unneeded_deploy_changes_nothing", nothing_to_do),
];

fn elixir() -> Result<(), Failed> {
    main_job(App::Hotapp)
}

fn erlang() -> Result<(), Failed> {
    main_job(App::Relapp)
}

fn main_job(app: App) -> Result<(), Failed> {
    let scene = Scene::fleet(app, 3);
    std::fs::remove_dir_all(scene.project().join(".deliver"))?;
    scene.ok("build release --tag=v0.1.0");
    scene.ok("deploy release to production");
    scene.ok("start production");
    for host in ["prod1", "prod2", "prod3"] {
        scene.assert_serves(host, "0.1.0");
    }
    scene.ok("ping production");
    scene.ok("version on production").assert(0, &["prod1", "prod2", "prod3", "0.1.0"]);
    scene.ok("build release --tag=v0.2.0");
    scene.ok("deploy release to production --version=0.2.0 --start-deploy");
    for host in ["prod1", "prod2", "prod3"] {
        scene.assert_serves(host, "0.2.0");
    }
    scene.ok("rollback production");
    scene.ok("version production").assert(0, &["0.1.0"]);
    scene.assert_serves("prod2", "0.1.0");
    scene.ok("releases production").assert(0, &["0.1.0", "0.2.0"]);
    scene.ok("stop production");
    assert_eq!(scene.served("prod1"), None);
    let ping = scene.run("ping production");
    assert_ne!(ping.code, Some(0), "{}", ping.said());
    Ok(())
}

fn second_deploy() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.ok("deploy release to production --version=0.1.0");
    let before = scene.lab.netstat()?["prod1"].rx;
    scene.ok("deploy release to production --version=0.2.0");
    let sent = scene.lab.netstat()?["prod1"].rx - before;
    scene.on("prod1", "cd apps/hotapp && test -d lib/hotapp-0.1.0 && test -d lib/hotapp-0.2.0 && test -s releases/RELEASES");
    let archive = std::fs::metadata(scene.project().join(".deliver/releases/hotapp_0.2.0.release.tar.gz"))?.len();
    assert!(sent < archive / 50, "{sent} of {archive} bytes");
    Ok(())
}

fn blank_in_path() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.configure("my apps/é", "");
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("deploy release to production --version=0.2.0 --start-deploy");
    scene.assert_serves("prod1", "0.2.0");
    scene.ok("rollback production");
    scene.assert_serves("prod1", "0.1.0");
    scene.ok("stop production");
    Ok(())
}

fn nothing_to_do() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.ok("deploy release to production --version=0.1.0");
    // But for who had the lease.
    let listing = "find apps -type f ! -name 'lease*' -exec ls -l --time-style=full-iso {} + | sort";
    let before = scene.on("prod1", listing);
    scene.ok("deploy release to production --version=0.1.0");
    assert_eq!(scene.on("prod1", listing), before);
    Ok(())
}
