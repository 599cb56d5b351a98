//! The whole program on hosts that are folders of this machine: from a git commit to a running node, to the next version, and back.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::{io::Write as _, process::Stdio};

use edeliver_lab::samples::{self, Sample, SampleError};
use program::{Done, Program, done};

/// A sample project with versions 0.1.0 and 0.2.0, a build host and a staging host, and no node left when it is dropped.
struct Scene {
    program: Program,
    sample: Sample,
}

impl Scene {
    fn new(make: fn(&std::path::Path, &str) -> Result<Sample, SampleError>, node: &str) -> Self {
        let program = Program::new();
        make(&program.project(), "0.1.0").unwrap();
        let sample = make(&program.project(), "0.2.0").unwrap();
        let hosts = program.project().parent().unwrap().join("hosts");
        let (builds, apps) = (hosts.join("build"), hosts.join("stage"));
        let (web1, web2) = (hosts.join("web1"), hosts.join("web2"));
        let config = format!(
            r#"
app = "{app}"
[build]
host = "builder"
transport = "local"
path = {builds:?}
[targets.staging]
hosts = [{{ name = "stage", transport = "local", path = {apps:?}, node = "{node}" }}]
[targets.production]
hosts = [{{ name = "web1", transport = "local", path = {web1:?} }}, {{ name = "web2", transport = "local", path = {web2:?} }}]
"#,
            app = sample.app,
        );
        sample.write("edeliver.toml", &config).unwrap();
        sample.commit("how it is deployed").unwrap();
        Self { program, sample }
    }
    #[track_caller]
    fn ok(&self, line: &str) -> Done {
        let done = self.program.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, 0, "{line}\n{}{}", done.err, done.out);
        done
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.program.run(&["stop", "staging", "--yes"]);
    }
}

fn main_job(scene: &Scene) {
    scene.ok("build release --tag=v0.1.0");
    scene.ok("deploy release to staging --start-deploy");
    let ping = scene.ok("ping staging");
    assert!(ping.out.contains("stage"), "{}", ping.out);
    assert_eq!(ping.err, "", "a question prints its answer and nothing else");
    assert!(scene.ok("version staging").out.contains("0.1.0"));

    scene.ok("build release");
    assert!(scene.ok("show releases").out.contains("0.2.0"));
    let plan = scene.ok("deploy release to staging --version=0.2.0 --start-deploy --plan");
    assert!(plan.out.contains("start 0.2.0"), "{}", plan.out);
    assert!(scene.ok("version staging").out.contains("0.1.0"), "a plan changes nothing");
    scene.ok("deploy release to staging --version=0.2.0 --start-deploy");
    let version = scene.ok("version staging");
    assert!(version.out.contains("0.2.0") && version.out.contains("as built"), "{}", version.out);

    scene.ok("rollback staging");
    assert!(scene.ok("version on staging").out.contains("0.1.0"));
    let releases = scene.ok("releases staging").out;
    assert!(releases.contains("0.1.0") && releases.contains("0.2.0"), "{releases}");

    scene.ok("restart staging");
    scene.ok("stop staging");
    assert_ne!(scene.program.run(&["ping", "staging"]).code, 0, "a stopped node does not answer");
    scene.ok("start staging");
    scene.ok("ping");

    let runs = scene.ok("run list").out;
    for what in ["build", "deploy", "roll", "start", "stop", "restart"] {
        assert!(runs.contains(what), "{what} … is not recorded:\n{runs}");
    }
    assert!(!runs.contains("ping") && !runs.contains("version"), "questions are not recorded:\n{runs}");
    assert!(scene.ok("run show").out.contains("start"));
    for line in scene.ok("run show --json").out.lines() {
        serde_json::from_str::<edeliver_core::event::Event>(line).unwrap();
    }
}

#[test]
fn an_elixir_commit_becomes_a_running_node_and_goes_back() {
    let scene = Scene::new(samples::elixir, "hotapp-main-job");
    main_job(&scene);
    assert_eq!(scene.sample.app, "hotapp");
}

#[test]
fn an_erlang_commit_becomes_a_running_node_and_goes_back() {
    main_job(&Scene::new(samples::erlang, "relapp-main-job"));
}

/// What release_handler and the disk say is not all: here somebody has replaced a module in the running node.
#[test]
fn code_that_is_not_that_of_the_release_is_told() {
    let scene = Scene::new(samples::elixir, "hotapp-patched");
    scene.ok("build release");
    scene.ok("deploy release to staging --start-deploy");
    assert_eq!(scene.ok("version staging").err, "");
    let root = scene.program.project().parent().unwrap().join("hosts/stage/hotapp");
    let mut patch = scene.program.command(root.join("bin/hotapp").to_str().unwrap());
    let code = r#"Code.compile_string("defmodule Hotapp.Version do def patched, do: true end")"#;
    let patched = done(patch.args(["rpc", code]).env("RELEASE_NODE", "hotapp-patched").output().unwrap());
    assert_eq!(patched.code, 0, "{}", patched.err);
    let version = scene.ok("version staging");
    assert!(version.out.contains("1 module differs"), "{}", version.out);
    assert!(version.err.contains("not those of 0.2.0: Hotapp.Version"), "{}", version.err);
    scene.ok("restart staging");
    assert!(scene.ok("version staging").out.contains("as built"));
}

/// Runs edeliver at a terminal, and types this. What is said goes to the terminal, so all of it is in `out`.
fn at_terminal(program: &Program, line: &str, typed: &str) -> Done {
    let mut command = program.command("script");
    let edeliver = format!("'{}' {line}", env!("CARGO_BIN_EXE_edeliver"));
    command.args(["--quiet", "--return", "--command", &edeliver, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(typed.as_bytes()).unwrap();
    done(child.wait_with_output().unwrap())
}

/// Production is asked for, at a terminal; without one, `--yes` is needed.
#[test]
fn production_is_changed_only_on_a_yes() {
    let scene = Scene::new(samples::elixir, "hotapp-confirm");
    scene.ok("build release");
    let refused = scene.program.run(&["deploy", "to", "production"]);
    assert_eq!((refused.code, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("--yes"), "{}", refused.err);

    let no = at_terminal(&scene.program, "deploy to production", "n\n");
    assert_eq!(no.code, 130, "{}", no.out);
    assert!(no.out.contains("PRODUCTION") && no.out.contains("change 2 hosts? [y/N]"), "{}", no.out);
    assert!(no.out.contains("not confirmed; nothing was changed"), "{}", no.out);
    assert!(scene.ok("releases production").out.lines().skip(1).all(|line| !line.contains("0.2.0")), "it was refused");

    let yes = at_terminal(&scene.program, "deploy to production", "y\n");
    assert_eq!(yes.code, 0, "{}", yes.out);
    assert!(yes.out.contains("2 hosts done"), "{}", yes.out);
    let releases = scene.ok("releases production").out;
    assert_eq!(releases.matches("0.2.0").count(), 2, "{releases}");
}
