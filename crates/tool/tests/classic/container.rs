//! Builds in a container of edeliver 1.x. What stands for docker here notes what it was asked for; `--test container` has a real one.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{
    program::{self, Done, Program},
    run,
};

/// A docker that runs everything on this machine. The folder in the container is a link. Beside a file `slow` it takes its time to begin.
const DOCKER: &str = r#"#!/bin/sh
echo "$@" >>"${0%/*}/asked"
case $1 in
info) exit 0 ;;
run)
  [ ! -e "${0%/*}/slow" ] || sleep 3
  while [ "$1" != --mount ]; do shift; done
  source=${2#*source=} target=${2#*target=}
  mkdir -p "${target%/*}" && ln -s "${source%,target=*}" "$target"
  while [ "$1" != -c ]; do image=$1; shift; done
  [ "$image" = elixir:1.14 ] || { printf 'no such image: %s\n\nsee the help\n' "$image" >&2; rm "$target"; exit 125; }
  sh -c "$2"
  rm "$target"
  echo gone >>"${0%/*}/asked"
  ;;
exec)
  shift 3
  exec env -i HOME="$HOME" PATH="$PATH" LANG=C.UTF-8 "$@"
  ;;
esac
"#;

/// A project that is built in a container, and the folder with the engines that are asked.
struct Scene {
    program: Program,
    bin: PathBuf,
}

impl Scene {
    fn new() -> Self {
        let program = Program::new();
        let dir = program.project().parent().unwrap().to_owned();
        let sample = edeliver_lab::samples::elixir(&program.project(), "0.1.0").unwrap();
        let config =
            format!("APP=hotapp\nREVISION=HEAD\nBUILD_HOST=docker\nBUILD_AT={:?}\n", dir.join("inside/builds").to_str().unwrap());
        sample.write(".deliver/config", &config).unwrap();
        sample.write(".gitignore", "/.deliver/*\n!/.deliver/config\n/_build\n").unwrap();
        sample.commit("in a container").unwrap();
        let scene = Self { program, bin: dir.join("bin") };
        fs::create_dir_all(&scene.bin).unwrap();
        scene.engine("docker", DOCKER);
        scene
    }
    fn engine(&self, name: &str, text: &str) {
        let _ = fs::remove_file(self.bin.join(name));
        fs::write(self.bin.join(name), text).unwrap();
        self.program.shell(&format!("chmod +x {}", self.bin.join(name).display()));
    }
    fn command(&self, image: &str) -> Command {
        let mut command = self.program.command(env!("CARGO_BIN_EXE_edeliver"));
        let path = format!("{}:{}", self.bin.display(), std::env::var("PATH").unwrap());
        command.args(["build", "release"]).env("PATH", path).env("DOCKER_BUILD_IMAGE", image);
        command
    }
    fn build(&self, image: &str) -> Done {
        program::done(self.command(image).output().unwrap())
    }
    /// What docker was asked for, a line each.
    fn asked(&self) -> String {
        fs::read_to_string(self.bin.join("asked")).unwrap_or_default()
    }
    fn wait_for(&self, what: impl Fn(&str) -> bool) {
        for _ in 0..600 {
            if what(&self.asked()) {
                return;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{}", self.asked());
    }
}

#[test]
fn a_release_is_built_in_a_container_whose_work_is_kept() {
    let scene = Scene::new();
    let none = scene.build("nowhere:1");
    assert_eq!(none.code, 6, "{}{}", none.out, none.err);
    assert!(
        none.err.contains("error: docker can't start a container of nowhere:1: no such image: nowhere:1; see the help"),
        "{}",
        none.err
    );
    assert!(none.err.contains("hint: check `docker info`"), "{}", none.err);

    let built = scene.build("elixir:1.14");
    assert_eq!(built.code, 0, "{}{}", built.out, built.err);
    assert!(run(&scene.program, "check release", 0).out.contains("hotapp 0.1.0 is whole"));
    let kept = scene.program.project().join(".deliver/container/.edeliver/hotapp/slots");
    assert_eq!(fs::read_dir(&kept).unwrap().count(), 1, "the work of a build is there for the next one");
    let asked = scene.asked();
    assert!(asked.ends_with("gone\n"), "the container ends with the build: {asked}");
    assert!(asked.contains("git-receive-pack") && asked.contains("--rm"), "{asked}");

    let unusable = "#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n";
    ["docker", "podman"].iter().for_each(|engine| scene.engine(engine, unusable));
    let unusable = scene.build("elixir:1.14");
    assert_eq!(unusable.code, 6, "{}", unusable.err);
    assert!(
        unusable.err.contains("no container can be started here (docker: Cannot connect to the Docker daemon"),
        "{}",
        unusable.err
    );
}

#[test]
fn a_container_that_is_being_made_when_a_build_is_interrupted_is_taken_away_by_its_engine() {
    let scene = Scene::new();
    fs::write(scene.bin.join("slow"), "").unwrap();
    let mut build = scene.command("elixir:1.14").stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    scene.wait_for(|asked| asked.contains("run "));
    kill_process(Pid::from_child(&build), Signal::INT).unwrap();
    assert_eq!(build.wait().unwrap().code(), Some(130));
    assert!(!scene.asked().contains("gone"));
    scene.wait_for(|asked| asked.contains("gone"));
}
