//! Building in containers of a real engine, docker or podman.
//!
//! An engine and an image are not in the project: every test here counts as ignored, unless `EDELIVER_TEST_CONTAINER` names an image
//! with mix and git (docs/containers.md).

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

#[path = "../program/optional.rs"]
mod optional;
#[path = "../program/mod.rs"]
mod program;

use std::{
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

use edeliver_lab::samples::{self, Sample};
use program::{Program, done};
use rustix::process::{Pid, Signal, kill_process};

const IMAGE: &str = "EDELIVER_TEST_CONTAINER";
const TESTS: &[(&str, fn())] = &[
    ("what_a_container_has_built_runs_on_a_host", built_and_deployed),
    ("two_builds_at_a_time_have_containers_and_folders_of_their_own", two_at_a_time),
    ("a_build_that_is_interrupted_leaves_no_container", || interrupted(Scene::is_compiling)),
    ("a_build_that_is_interrupted_while_its_container_is_made_leaves_none", || interrupted(Scene::has_a_container)),
];

fn main() -> ExitCode {
    optional::run(IMAGE, "image with mix and git", TESTS, || ())
}

/// A project that is built in a container, and its host: this machine.
struct Scene {
    program: Program,
    sample: Sample,
}

impl Scene {
    fn new() -> Self {
        let program = Program::new();
        let sample = samples::elixir(&program.project(), "0.1.0").unwrap();
        let (image, host) = (std::env::var(IMAGE).unwrap(), program.project().parent().unwrap().join("host"));
        let node = format!("boxed{}", std::process::id());
        let text = format!(
            "app = \"hotapp\"\n[build]\nimage = {image:?}\n[targets.staging]\n\
             hosts = [{{ name = \"here\", transport = \"local\", path = {host:?}, node = {node:?} }}]\n"
        );
        sample.write("edeliver.toml", &text).unwrap();
        sample.write(".git/info/exclude", ".deliver\nedeliver.toml\n").unwrap();
        Self { program, sample }
    }
    /// A program with what engines want to know of the environment.
    fn command(&self, program: &str) -> Command {
        let mut command = self.program.command(program);
        command.envs(std::env::vars_os().filter(|(name, _)| {
            let name = name.to_string_lossy();
            ["DOCKER_", "CONTAINER", "XDG_"].iter().any(|prefix| name.starts_with(prefix))
        }));
        command
    }
    fn build(&self, version: &str) -> Child {
        let mut command = self.command(env!("CARGO_BIN_EXE_edeliver"));
        command.args(["build", "release", &format!("--set-version={version}")]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
    /// The build goes well.
    fn is_built(&self, build: Child) {
        let name = name(&build);
        let done = done(build.wait_with_output().unwrap());
        assert_eq!(done.code, 0, "{}{}", done.out, done.err);
        self.wait("the container is left", || self.containers(&name).is_empty());
    }
    /// The containers with this in their names, as the engine that can be used knows them.
    fn containers(&self, name: &str) -> String {
        let usable = |engine: &&str| self.command(engine).arg("info").output().is_ok_and(|asked| asked.status.success());
        let engine = ["docker", "podman"].into_iter().find(usable).unwrap();
        let listed = self.command(engine).args(["ps", "--all", "--quiet", "--filter", &format!("name={name}")]).output().unwrap();
        assert!(listed.status.success());
        String::from_utf8(listed.stdout).unwrap()
    }
    fn has_a_container(&self, build: &str) -> bool {
        !self.containers(build).is_empty()
    }
    fn is_compiling(&self, _: &str) -> bool {
        let seen = self.program.shell("find .deliver/container* -name compiling");
        !seen.out.is_empty()
    }
    fn wait(&self, what: &str, until: impl Fn() -> bool) {
        for _ in 0..600 {
            if until() {
                return;
            }
            thread::sleep(Duration::from_millis(100));
        }
        panic!("{what}: {}", self.containers("edeliver-"));
    }
}

/// What the names of its containers have in common.
fn name(build: &Child) -> String {
    format!("edeliver-{}-", build.id())
}

fn built_and_deployed() {
    let scene = Scene::new();
    scene.is_built(scene.build("0.1.0"));
    scene.program.ends_with("deploy release to staging --start-deploy --yes", 0);
    let answer = scene.program.run(&["rpc", "Hotapp.Counter.count()", "staging"]);
    scene.program.run(&["stop", "staging", "--yes"]);
    assert_eq!((answer.code, answer.out.trim()), (0, "1"), "{}", answer.err);
}

fn two_at_a_time() {
    let scene = Scene::new();
    scene.sample.write("lib/hotapp/slow.ex", "Process.sleep(10_000)\n").unwrap();
    scene.sample.commit("slow").unwrap();
    let [one, two] = ["0.1.1", "0.1.2"].map(|version| scene.build(version));
    scene.is_built(one);
    scene.is_built(two);
    let folders = scene.program.shell("ls .deliver").out;
    assert!(folders.contains("container\n") && folders.contains("container-2\n"), "{folders}");
    // What the dead have left is no obstacle, and the folder of the first is used again.
    scene.is_built(scene.build("0.1.3"));
    assert!(!scene.program.shell("ls .deliver").out.contains("container-3"));
}

fn interrupted(when: fn(&Scene, &str) -> bool) {
    let scene = Scene::new();
    scene.sample.write("lib/hotapp/slow.ex", "File.write!(\"compiling\", \"\")\nProcess.sleep(120_000)\n").unwrap();
    scene.sample.commit("slow").unwrap();
    let build = scene.build("0.1.1");
    let name = name(&build);
    scene.wait("the build does not come so far", || when(&scene, &name));
    kill_process(Pid::from_child(&build), Signal::INT).unwrap();
    let done = done(build.wait_with_output().unwrap());
    assert_eq!(done.code, 130, "{}{}", done.out, done.err);
    scene.wait("the container is left", || scene.containers(&name).is_empty());
}
