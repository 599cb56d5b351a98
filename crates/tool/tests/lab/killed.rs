//! edeliver killed and interrupted.

use std::{thread, time::Duration};

use libtest_mimic::Failed;

use crate::{
    Test,
    scene::{Ran, Scene, eventually, signal},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("killed_at_any_moment_of_a_deploy_the_old_release_serves_and_the_next_run_finishes", killed_anywhere),
    ("an_interrupted_build_leaves_nothing_running_on_the_build_host", interrupted_build),
    ("a_killed_build_frees_its_slot", killed_build),
    ("two_builds_at_once_do_not_disturb_each_other", two_builds),
];

fn killed_anywhere() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    // From before the login to after the last step; how long a whole deploy takes here is measured by the last run.
    for delay in (0..24).map(|n| Duration::from_millis(50 * n)) {
        let mut deploy = scene.spawn("deploy release to production --version=0.2.0");
        thread::sleep(delay);
        let _ = deploy.kill();
        let _ = deploy.wait();
        scene.assert_serves("prod1", "0.1.0");
        let permanent = scene.permanent("prod1", "apps");
        assert!(["0.1.0", "0.2.0"].contains(&permanent.as_str()), "after {delay:?}: {permanent}");
        scene.on(
            "prod1",
            &format!("cd apps/hotapp && test -s releases/{permanent}/start.boot && test -x bin/hotapp && test -s releases/COOKIE"),
        );
    }
    scene.ok("deploy release to production --version=0.2.0 --start-deploy");
    scene.assert_serves("prod1", "0.2.0");
    assert_eq!(scene.on("prod1", "ls apps/hotapp/.edeliver/staging 2>/dev/null | wc -l"), "0", "leftovers are cleared");
    scene.ok("stop production");
    Ok(())
}

/// Makes compiling take a minute.
fn slow_compile(scene: &Scene) -> Result<(), Failed> {
    let path = scene.project().join("lib/hotapp/version.ex");
    let text = std::fs::read_to_string(&path)?;
    std::fs::write(&path, text.replace("  @doc", "  System.cmd(\"sleep\", [\"61.5\"])\n  @doc"))?;
    for args in [&["add", "lib"][..], &["-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "slow"]] {
        assert!(std::process::Command::new("git").args(args).current_dir(scene.project()).status()?.success());
    }
    Ok(())
}

fn compiling(scene: &Scene) -> bool {
    let output = scene.lab.exec("build", &["pgrep", "-f", "sleep 61.5"]);
    output.is_ok_and(|output| output.status.success())
}

fn interrupted_build() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    slow_compile(&scene)?;
    let build = scene.spawn("build release");
    eventually("compiling", || compiling(&scene));
    signal(&build, "INT");
    thread::sleep(Duration::from_millis(500));
    signal(&build, "INT");
    let ran = Ran::from(build.wait_with_output()?);
    assert_eq!(ran.code, Some(130), "{}", ran.said());
    eventually("the compiler has gone", || !compiling(&scene));
    Ok(())
}

fn killed_build() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    slow_compile(&scene)?;
    let mut build = scene.spawn("build release");
    eventually("compiling", || compiling(&scene));
    build.kill()?;
    build.wait()?;
    eventually("the compiler has gone", || !compiling(&scene));
    scene.ok("build release --tag=v0.1.0 --force");
    let slots = scene.on("build", "find builds/.edeliver/hotapp/slots -mindepth 2 -maxdepth 2 -type d -name '[0-9]*' | wc -l");
    assert_eq!(slots, "1", "the slot of the killed build is used again");
    Ok(())
}

fn two_builds() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    let one = scene.spawn("build release --tag=v0.1.0 --force");
    let two = scene.spawn("build release --tag=v0.2.0 --force");
    for build in [one, two] {
        let ran = Ran::from(build.wait_with_output()?);
        assert_eq!(ran.code, Some(0), "{}", ran.said());
    }
    scene.ok("show releases").assert(0, &["0.1.0", "0.2.0"]);
    Ok(())
}
