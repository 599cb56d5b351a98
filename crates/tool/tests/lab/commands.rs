//! `exec` and `doctor` through a real ssh.

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[
    ("a_command_on_hosts_is_ended_there_by_ctrl_c_and_unknown_after_a_cut", commands),
    ("a_checkup_names_what_is_wrong_with_each_host_and_what_to_do_about_it", doctor),
];

/// Whether the command runs on a host.
fn runs(scene: &Scene, host: &str) -> bool {
    scene.on(host, "ps -A -o args= | grep -c '[s]leep 7331' || true").trim() != "0"
}

fn commands() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 2);
    let ran = scene.ok("exec production -- hostname");
    assert!(ran.out.contains("prod1 | prod1") && ran.out.contains("prod2 | prod2"), "{}", ran.said());
    let child = scene.spawn("exec production -- sleep 7331");
    eventually("it runs on both", || runs(&scene, "prod1") && runs(&scene, "prod2"));
    kill_process(Pid::from_child(&child), Signal::INT)?;
    assert_eq!(child.wait_with_output()?.status.code(), Some(130));
    eventually("it has ended on both", || !runs(&scene, "prod1") && !runs(&scene, "prod2"));

    let child = scene.spawn("exec production --host=prod1 -- sleep 7331");
    eventually("it runs again", || runs(&scene, "prod1"));
    scene.lab.cut("prod1")?;
    let ran = Ran::from(child.wait_with_output()?);
    scene.lab.heal("prod1")?;
    ran.assert(11, &["the link was lost while the command ran", "nobody knows how far it came"]);
    eventually("the host has ended it", || !runs(&scene, "prod1"));
    Ok(())
}

/// The output in docs/doctor.md, of a target whose second host is as this test leaves it.
fn shown_in_the_book() -> impl Iterator<Item = &'static str> {
    let page = include_str!("../../../../docs/doctor.md");
    let (_, block) = page.split_once("$ edeliver doctor production\n").expect("the page shows it");
    block.lines().take_while(|line| *line != "```")
}

fn doctor() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 2);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    let ran = scene.ok("doctor production");
    // epmd and nodes are open to everybody unless somebody takes care: that holds for every host, and is told once.
    assert_eq!(ran.said().matches("warning:").count(), 1, "{}", ran.said());
    ran.assert(0, &["warning: prod1, prod2: ports: open on every address: epmd", "hint:", "build (builds)"]);
    let fine = "login, clock, start-up files, files, sshd, programs, rights, disk, system, releases, node, cookie";
    assert_eq!(ran.out.matches(fine).count(), 2, "{}", ran.out);

    scene.on("prod2", "echo 'echo Welcome' >~/.bashrc; chmod o+r ~/apps/hotapp/releases/COOKIE; chmod a-w ~/apps/hotapp/lib");
    let ran = scene.run("doctor production");
    ran.assert(
        4,
        &[
            "trouble: prod2: rights:",
            "chown -R deploy",
            "warning: prod2: cookie:",
            "start-up files print where nobody reads: Welcome",
        ],
    );
    for line in shown_in_the_book() {
        assert!(ran.said().lines().any(|said| said == line), "docs/doctor.md shows {line:?}, and now it is\n{}", ran.said());
    }
    scene.on("prod2", "chmod u+w ~/apps/hotapp/lib; rm ~/.bashrc");

    scene.lab.stop("prod2")?;
    let ran = scene.run("doctor production");
    scene.lab.start("prod2")?;
    ran.assert(6, &["trouble: prod2: login:", "warning: prod1: ports:"]);
    scene.run("doctor prodution").assert(2, &["did you mean `production`?"]);
    Ok(())
}
