//! What fails is taken back, and said.

use std::{process::Stdio, thread, time::Duration};

use crate::scene::Scene;

const RELEASE_HANDLER: &str = "engine = \"release_handler\"\nsoak = \"1s\"";

#[test]
fn a_failing_code_change_leaves_the_node_as_it_was() {
    let scene = Scene::new("raises", "soak = \"1s\"");
    scene.count(5);
    let life = scene.life();
    let failed = scene.run("deploy upgrade to staging --version=0.2.1");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("no such luck"), "{}", failed.err);
    assert!(failed.out.contains("0.1.0 serving as before"), "{}", failed.out);
    scene.counted(5);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"));
    assert!(scene.ok("version staging").out.contains("as built"));

    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(5);
    assert_eq!(scene.life(), life, "and the next one works");
}

#[test]
fn code_that_crashes_is_taken_back_while_it_is_watched() {
    let scene = Scene::new("crashes", "soak = \"10s\"");
    let life = scene.life();
    let failed = scene.run("deploy upgrade to staging --version=0.2.2");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("was restarted"), "{}", failed.err);
    assert!(failed.out.contains("0.1.0 serving again"), "{}", failed.out);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.1.0"));
    scene.counted(0);
    assert!(scene.ok("version staging").out.contains("as built"));
}

#[test]
fn a_node_that_falls_while_it_is_taken_back_is_started_into_what_it_had() {
    let scene = Scene::new("falls", "soak = \"1s\"\nhealth = { command = \"test ! -e sick || { echo I am sick; false; }\" }");
    scene.count(2);
    std::fs::write(scene.root().join("sick"), "").unwrap();
    let failed = scene.run("deploy upgrade to staging --version=0.2.4");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("I am sick") && failed.err.contains("the node has ended"), "{}", failed.err);
    assert!(failed.out.contains("0.1.0 serving again after a restart, the state of its processes is lost"), "{}", failed.out);
    scene.counted(0);
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.1.0\"", "0.1.0"));
}

#[test]
fn an_application_that_says_it_is_not_well_goes_back_with_its_state() {
    let scene = Scene::new("unwell", "soak = \"1s\"\nhealth = { command = \"test ! -e sick || { echo I am sick; false; }\" }");
    scene.count(2);
    std::fs::write(scene.root().join("sick"), "").unwrap();
    let failed = scene.run("deploy upgrade to staging --version=0.2.0");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.err.contains("I am sick") && failed.out.contains("0.1.0 serving again"), "{}{}", failed.err, failed.out);
    scene.count(1);
    scene.counted(3);
    std::fs::remove_file(scene.root().join("sick")).unwrap();
    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(3);
}

#[test]
fn release_handler_goes_up_and_down_with_the_state() {
    let scene = Scene::new("otp", RELEASE_HANDLER);
    scene.count(4);
    let life = scene.life();
    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(4);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.2.0"));
    assert!(scene.ok("version staging").out.contains("as built"));
    assert_eq!(scene.eval("System.get_env(\"RELEASE_VSN\")"), "\"0.2.0\"");
    scene.ok("rollback staging");
    scene.counted(4);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.1.0"));
}

#[test]
fn release_handler_restarts_the_node_on_failure_and_it_is_said_that_its_state_is_lost() {
    let scene = Scene::new("otpraises", RELEASE_HANDLER);
    scene.count(4);
    let life = scene.life();
    let failed = scene.run("deploy upgrade to staging --version=0.2.1");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(
        failed.out.contains("0.1.0 serving again after a restart, the state of its processes is lost"),
        "{}{}",
        failed.out,
        failed.err
    );
    assert!(failed.err.contains("no such luck") || failed.err.contains("code_change_failed"), "{}", failed.err);
    assert_ne!(scene.life(), life);
    assert_eq!(scene.boots(), "0.1.0");
    scene.counted(0);
}

/// What its process was started with says 0.1.0 for ever.
#[test]
fn a_node_that_was_upgraded_before_falls_back_to_what_it_was_upgraded_to() {
    let scene = Scene::new("otptwice", RELEASE_HANDLER);
    scene.ok("deploy upgrade to staging --version=0.2.0");
    let failed = scene.run("deploy upgrade to staging --version=0.2.1");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(
        failed.out.contains("0.2.0 serving again after a restart, the state of its processes is lost"),
        "{}{}",
        failed.out,
        failed.err
    );
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.2.0\"", "0.2.0"));
}

/// Up and watched, and back with what has happened in between.
#[test]
fn a_way_down_that_does_not_go_well_ends_where_it_began() {
    let scene = Scene::new("downsick", "soak = \"1s\"\nhealth = { command = \"test ! -e sick\" }");
    scene.count(2);
    let life = scene.life();
    scene.ok("deploy upgrade to staging --version=0.2.0");
    std::fs::write(scene.root().join("sick"), "").unwrap();
    let failed = scene.run("rollback staging");
    assert_eq!(failed.code, 9, "{}{}", failed.out, failed.err);
    assert!(failed.out.contains("0.2.0 serving again"), "{}{}", failed.out, failed.err);
    scene.counted(2);
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.2.0\"", "0.2.0"));
    assert_eq!(scene.life(), life);
    let version = scene.ok("version staging").out;
    assert!(version.contains("0.2.0") && !version.contains("0.1.0"), "{version}");
}

#[test]
fn a_node_whose_operator_was_lost_goes_back_by_itself_and_the_next_run_works() {
    let scene = Scene::new("lost", "soak = \"60s\"\nconfirm_within = \"3s\"");
    scene.count(6);
    let life = scene.life();
    let mut operator =
        scene.command("deploy upgrade to staging --version=0.2.0").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    scene.until("it is upgraded", || scene.eval("Hotapp.Version.marker()") == "\"0.2.0\"");
    let second = scene.run("deploy upgrade to staging --version=0.2.1");
    assert_eq!(second.code, 4, "another operator is refused: {}{}", second.out, second.err);
    assert!(second.err.contains("from 0.1.0 to 0.2.0 is being watched"), "{}", second.err);
    operator.kill().unwrap();
    operator.wait().unwrap();
    scene.until("it goes back", || scene.eval("Hotapp.Version.marker()") == "\"0.1.0\"");
    scene.counted(6);
    assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"));
    scene.program.write("edeliver.toml", &scene.config("soak = \"1s\""));
    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(6);
    assert_eq!(scene.life(), life);
}

#[test]
fn an_upgrade_whose_operator_was_lost_is_taken_back_on_demand() {
    let scene = Scene::new("demand", "soak = \"60s\"");
    scene.count(2);
    let mut operator =
        scene.command("deploy upgrade to staging --version=0.2.0").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    scene.until("it is upgraded", || scene.eval("Hotapp.Version.marker()") == "\"0.2.0\"");
    operator.kill().unwrap();
    operator.wait().unwrap();
    let back = scene.ok("rollback staging");
    assert!(back.out.contains("0.1.0"), "{}{}", back.out, back.err);
    assert_eq!(scene.eval("Hotapp.Version.marker()"), "\"0.1.0\"");
    scene.counted(2);
}

#[test]
fn a_node_that_dies_while_it_is_watched_runs_the_old_release_again() {
    let scene = Scene::new("dies", "soak = \"30s\"");
    scene.count(2);
    let operator =
        scene.command("deploy upgrade to staging --version=0.2.0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    scene.until("it is upgraded", || scene.eval("Hotapp.Version.marker()") == "\"0.2.0\"");
    thread::sleep(Duration::from_millis(500));
    let pid = scene.eval("System.pid()").trim_matches('"').parse().unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::KILL).unwrap();
    let ended = crate::program::done(operator.wait_with_output().unwrap());
    assert_eq!(ended.code, 9, "{}{}", ended.out, ended.err);
    assert!(
        ended.out.contains("0.1.0 serving again after a restart, the state of its processes is lost"),
        "{}{}",
        ended.out,
        ended.err
    );
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.1.0\"", "0.1.0"));
}

#[test]
fn an_interrupted_upgrade_is_taken_back() {
    let scene = Scene::new("interrupted", "soak = \"30s\"");
    scene.count(2);
    let operator =
        scene.command("deploy upgrade to staging --version=0.2.0").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    scene.until("it is upgraded", || scene.eval("Hotapp.Version.marker()") == "\"0.2.0\"");
    let pid = rustix::process::Pid::from_raw(operator.id().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let ended = crate::program::done(operator.wait_with_output().unwrap());
    assert_eq!(ended.code, 130, "{}{}", ended.out, ended.err);
    assert_eq!((scene.eval("Hotapp.Version.marker()").as_str(), scene.boots().as_str()), ("\"0.1.0\"", "0.1.0"));
    scene.counted(2);
}

#[test]
fn another_build_of_what_runs_is_not_upgraded_by_a_relup_that_was_not_made_for_it() {
    let scene = Scene::new("foreign", "soak = \"1s\"");
    scene.count(2);
    // Somebody has replaced a module in the running node.
    scene.eval("Code.compiler_options(ignore_module_conflict: true); Code.compile_string(\"defmodule Hotapp.Version do def marker, do: 1 end\"); :ok");
    let refused = scene.run("deploy upgrade to staging --version=0.2.0");
    assert_ne!(refused.code, 0, "{}{}", refused.out, refused.err);
    assert!(refused.err.contains("Hotapp.Version"), "{}", refused.err);
    scene.counted(2);
    assert_eq!(scene.boots(), "0.1.0");
}
