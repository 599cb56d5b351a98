//! `edeliver build release` as users run it: the real program, real git and build tools, and a build host that is a folder here.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use edeliver_lab::samples::{self, Sample};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A sample project and its build host.
struct Scene {
    dir: TempDir,
    sample: Sample,
}

/// What came of a command.
#[derive(Debug)]
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Scene {
    fn elixir() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("home")).unwrap();
        let sample = samples::elixir(&dir.path().join("project"), "0.1.0").unwrap();
        let scene = Self { dir, sample };
        let toml = "app = \"hotapp\"\n[build]\nhost = \"build\"\ntransport = \"local\"\npath = \"PATH\"\n";
        scene.sample.write("edeliver.toml", &toml.replace("PATH", scene.at().to_str().unwrap())).unwrap();
        scene.sample.write(".git/info/exclude", "edeliver.toml\n.deliver\n").unwrap();
        scene
    }
    /// The program, with nothing of the developer's environment but `PATH`.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_edeliver"));
        command.args(arguments).current_dir(&self.sample.dir).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.dir.path().join("home")).env("MIX_ENV", "leaked");
        command
    }
    fn run(&self, arguments: &[&str]) -> Done {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
    /// With a file of hooks.
    fn with_hooks(hooks: &str) -> Self {
        let scene = Self::elixir();
        let config = fs::read_to_string(scene.sample.dir.join("edeliver.toml")).unwrap();
        scene.sample.write(".deliver/hooks.sh", hooks).unwrap();
        scene.sample.write("edeliver.toml", &format!("hooks = \".deliver/hooks.sh\"\n{config}")).unwrap();
        scene
    }
    /// The folder for builds.
    fn at(&self) -> PathBuf {
        self.dir.path().join("builds here")
    }
    fn build(&self, options: &[&str]) -> Done {
        self.run(&[&["build", "release"], options].concat())
    }
    fn ok(&self, options: &[&str]) -> Done {
        let done = self.build(options);
        assert_eq!(done.code, Some(0), "{}{}", done.err, done.out);
        done
    }
    /// Slots, by their numbers.
    fn slots(&self) -> Vec<String> {
        let key = fs::read_dir(self.at().join(".edeliver/hotapp/slots")).unwrap().next().unwrap().unwrap().path();
        let mut names: Vec<_> = fs::read_dir(key).unwrap().map(|slot| slot.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
    /// A commit that takes very long to compile.
    fn commit_slow(&self) {
        self.sample.write("lib/slow.ex", "defmodule Slow do\n  IO.puts(\"slow\")\n  Process.sleep(60_000)\nend\n").unwrap();
        self.sample.commit("slow").unwrap();
    }
}

#[test]
fn a_release_is_built_stored_and_archived() {
    let scene = Scene::elixir();
    let done = scene.ok(&[]);
    assert!(done.out.contains("hotapp 0.1.0 is in the store"), "{}", done.out);
    assert!(done.err.contains("bring it to the store"), "{}", done.err);
    assert!(!done.err.contains("warning"), "{}", done.err);
    assert!(scene.sample.dir.join(".deliver/releases/hotapp_0.1.0.release.tar.gz").is_file());
    let listed = scene.run(&["show", "releases"]);
    assert!(listed.out.contains("0.1.0"), "{}", listed.out);
    let again = scene.ok(&[]);
    assert!(again.out.contains("hotapp 0.1.0 was in the store already"), "{}", again.out);
}

#[test]
fn a_hook_of_the_run_that_fails_stops_a_build_before_it_begins() {
    let scene = Scene::elixir();
    let config = fs::read_to_string(scene.sample.dir.join("edeliver.toml")).unwrap();
    scene.sample.write("edeliver.toml", &format!("{config}[run_hooks]\nbefore_build = \"/bin/false\"\n")).unwrap();
    let done = scene.build(&[]);
    assert_eq!(done.code, Some(4), "{}{}", done.err, done.out);
    assert!(done.err.contains("the hook before-build failed with exit status: 1"), "{}", done.err);
    assert!(!scene.at().join(".edeliver/hotapp/slots").exists());
}

#[test]
fn a_build_is_published_and_one_that_can_not_be_says_where_it_is() {
    let scene = Scene::elixir();
    let shelf = scene.dir.path().join("shelf");
    let config = fs::read_to_string(scene.sample.dir.join("edeliver.toml")).unwrap();
    let store = format!("[store]\nremote = {{ name = \"shelf\", transport = \"local\", path = {shelf:?} }}\n");
    scene.sample.write("edeliver.toml", &format!("{config}{store}")).unwrap();
    scene.ok(&[]);
    let archive = shelf.join("hotapp_0.1.0.release.tar.gz");
    assert!(archive.is_file() && shelf.join("store/manifests/hotapp/0.1.0.json").is_file());

    // Another machine knows it, and builds it no second time.
    fs::remove_dir_all(scene.sample.dir.join(".deliver")).unwrap();
    let again = scene.ok(&[]);
    assert!(again.out.contains("hotapp 0.1.0 was in the store already"), "{}", again.out);

    scene.sample.set_version("0.2.0").unwrap();
    scene.sample.commit("the next one").unwrap();
    fs::remove_dir_all(&shelf).unwrap();
    fs::create_dir_all(shelf.join("store")).unwrap();
    fs::write(shelf.join("store/blobs"), "in the way").unwrap();
    let done = scene.build(&[]);
    assert_eq!(done.code, Some(1), "{}{}", done.err, done.out);
    assert!(done.err.contains("hotapp 0.2.0 is built and on this machine, and could not be published"), "{}", done.err);
    assert!(done.err.contains("edeliver upload release 0.2.0"), "{}", done.err);
    assert!(scene.sample.dir.join(".deliver/store/manifests/hotapp/0.2.0.json").is_file());
}

#[test]
fn a_compile_error_is_shown_with_the_compilers_words_and_exit_code_7() {
    let scene = Scene::elixir();
    scene.sample.write("lib/broken.ex", "defmodule Broken do\n  def x, do: undefined_thing()\nend\n").unwrap();
    scene.sample.commit("broken").unwrap();
    let done = scene.build(&[]);
    assert_eq!(done.code, Some(7), "{}", done.err);
    assert!(done.err.contains("lib/broken.ex:2: undefined function undefined_thing/0"), "{}", done.err);
    assert!(done.err.contains("`mix release hotapp --overwrite` ended with status 1"), "{}", done.err);
}

#[test]
fn a_tag_that_does_not_exist_is_a_wrong_command_line() {
    let scene = Scene::elixir();
    let done = scene.build(&["--tag=v0.1.1"]);
    assert_eq!(done.code, Some(2), "{}", done.err);
    assert!(done.err.contains("there is no tag \"v0.1.1\"") && done.err.contains("did you mean `v0.1.0`?"), "{}", done.err);
    for hostile in ["--revision=--upload-pack=x", "--branch=$(touch x)", "--tag=; rm -rf x", "--branch=../x", "--revision="] {
        let done = scene.build(&[hostile]);
        assert_eq!(done.code, Some(2), "{hostile}: {}", done.err);
    }
    assert!(!scene.at().exists(), "the build host was not touched");
}

#[test]
fn a_dirty_tree_is_told_and_stops_nothing() {
    let scene = Scene::elixir();
    scene.sample.set_marker("not committed").unwrap();
    let done = scene.ok(&[]);
    assert!(done.err.contains("warning: 1 file in the working tree differs from commit 1744c2a"), "{}", done.err);
    let other = scene.ok(&["--tag=v0.1.0", "--plan"]);
    assert!(other.err.contains("differs"), "it is what is checked out: {}", other.err);
    scene.sample.git(&["checkout", "--quiet", "--", "."]).unwrap();
    scene.sample.set_version("0.2.0").unwrap();
    scene.sample.set_marker("not committed").unwrap();
    let old = scene.ok(&["--tag=v0.1.0"]);
    assert!(!old.err.contains("differs"), "{}", old.err);
}

#[test]
fn another_release_of_the_same_version_needs_force() {
    let scene = Scene::elixir();
    scene.ok(&[]);
    scene.sample.set_marker("other").unwrap();
    scene.sample.commit("other").unwrap();
    let refused = scene.build(&[]);
    assert_eq!(refused.code, Some(4), "{}", refused.err);
    assert!(refused.err.contains("the store has another hotapp 0.1.0, built from commit 1744c2a"), "{}", refused.err);
    assert!(refused.err.contains("edeliver build release --force"), "{}", refused.err);
    scene.ok(&["--force"]);
    assert!(scene.ok(&[]).out.contains("already"));
}

#[test]
fn without_a_build_host_it_is_a_matter_of_configuration() {
    let scene = Scene::elixir();
    scene.sample.write("edeliver.toml", "app = \"hotapp\"\n").unwrap();
    let done = scene.build(&[]);
    assert_eq!(done.code, Some(3), "{}", done.err);
}

#[test]
fn json_tells_every_step() {
    let scene = Scene::elixir();
    let done = scene.ok(&["--json"]);
    for word in ["\"event\":\"planned\"", "\"step\":\"push-source\"", "\"event\":\"step-finished\"", "\"event\":\"run-finished\""] {
        assert!(done.out.contains(word), "{word} is missing in {}", done.out);
    }
}

/// Sends the program this signal when it has begun to compile, and waits for its end.
fn end_while_compiling(scene: &Scene, signal: Signal) -> Option<i32> {
    let mut child = scene.command(&["build", "release", "--verbose"]).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("|   slow")), "it never came to compiling");
    kill_process(Pid::from_child(&child), signal).unwrap();
    child.wait().unwrap().code()
}

#[test]
fn after_kill_9_of_edeliver_the_next_build_gets_the_same_worktree() {
    let scene = Scene::elixir();
    scene.ok(&[]);
    scene.commit_slow();
    assert_eq!(end_while_compiling(&scene, Signal::KILL), None);
    let begun = Instant::now();
    scene.ok(&["--tag=v0.1.0"]);
    assert_eq!(scene.slots(), ["1"]);
    assert!(begun.elapsed() < Duration::from_secs(40), "the slow compilation went on: {:?}", begun.elapsed());
}

#[test]
fn ctrl_c_ends_what_runs_on_the_build_host() {
    let scene = Scene::elixir();
    scene.commit_slow();
    assert_eq!(end_while_compiling(&scene, Signal::INT), Some(130));
    scene.ok(&["--tag=v0.1.0"]);
    assert_eq!(scene.slots(), ["1"]);
}

#[test]
fn hooks_run_around_their_steps_and_work_on_the_build_host() {
    let hooks = r#"
pre_init_app_remotely() { echo "1 in $BUILD_AT"; }
post_git_push() { echo "2 of $BRANCH"; }
pre_erlang_get_and_update_deps() {
  __sync_remote "ln -sfn '$BUILD_AT/lib' '$BUILD_AT/linked'; printf '# %s' '$TARGET_MIX_ENV' >'$BUILD_AT/config/extra.exs'"
}
post_erlang_clean_compile() { echo "3 $(__sync_remote "cd '$BUILD_AT' && ls config/extra.exs linked/hotapp.ex | wc -l")"; }
post_erlang_generate_release() { echo "4 $(__sync_remote "test -x '$RELEASE_DIR/bin/$APP' && echo made")"; }
"#;
    let scene = Scene::with_hooks(hooks);
    let done = scene.ok(&["--verbose"]);
    let said: Vec<&str> = done.err.lines().filter_map(|line| line.strip_prefix("build |   ")).collect();
    let at = scene.at();
    for line in [&format!("1 in {}", at.display()), "2 of main", "3 2", "4 made"] {
        assert!(said.contains(&line), "{line:?} is missing in {said:#?}");
    }
    // A step is announced before its first line of output, and told when it is done; the first that is said of it counts.
    let steps: Vec<&str> =
        done.err.lines().filter(|line| line.starts_with("build | ") && !line.starts_with("build |   ")).collect();
    let place = |what: &str| steps.iter().position(|step| step.contains(what)).unwrap_or_else(|| panic!("{what} in {steps:#?}"));
    assert!(place("hook post_git_push") < place("check out"));
    assert!(place("| compile (mix compile)") < place("hook post_erlang_clean_compile"));
    assert!(place("hook post_erlang_clean_compile") < place("assemble the release"));
}

#[test]
fn a_hook_that_says_error_stops_the_build() {
    let scene = Scene::with_hooks("pre_erlang_clean_compile() { error \"the moon is full\"; }\n");
    let done = scene.build(&[]);
    assert_eq!(done.code, Some(7), "{}", done.err);
    assert!(done.err.contains("the moon is full"), "{}", done.err);
    assert!(!done.err.contains("assemble the release"), "{}", done.err);
}
