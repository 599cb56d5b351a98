//! `exec` through a real ssh.

use libtest_mimic::Failed;
use rustix::process::{Pid, Signal, kill_process};

use crate::{
    Test,
    scene::{Ran, Scene, eventually},
    world::App,
};

pub(crate) const TESTS: &[Test] = &[("a_command_on_hosts_is_ended_there_by_ctrl_c_and_unknown_after_a_cut", commands)];

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
