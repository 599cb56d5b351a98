//! A sample with two versions in the store, and a node that runs the older one.

use std::{path::PathBuf, time::Duration};

use edeliver_lab::samples::{self, Sample};

use crate::program::{Done, Program, done};

/// The Elixir sample: version 0.2.0 counts under another key, so that its `code_change` has something to do.
pub(crate) struct Scene {
    pub(crate) program: Program,
    pub(crate) sample: Sample,
    pub(crate) node: String,
}

/// A state that only `code_change` makes of the older one.
const COUNTER: [(&str, &str); 4] = [
    ("@vsn \"1\"", "@vsn \"2\""),
    ("{:ok, %{n: Keyword.get(options, :from, 0)}}", "{:ok, %{count: Keyword.get(options, :from, 0)}}"),
    (
        "def handle_call(:count, _from, %{n: n} = state), do: {:reply, n + 1, %{state | n: n + 1}}\n  def handle_call(:read, _from, %{n: n} \
         = state), do: {:reply, n, state}",
        "def handle_call(:count, _from, %{count: n}), do: {:reply, n + 1, %{count: n + 1}}\n  def handle_call(:read, _from, %{count: n} = \
         state), do: {:reply, n, state}",
    ),
    (
        "def code_change(_vsn, state, _extra), do: {:ok, state}",
        "def code_change({:down, _vsn}, %{count: n}, _extra), do: {:ok, %{n: n}}\n  def code_change(_vsn, %{n: n}, _extra), do: {:ok, \
         %{count: n}}",
    ),
];

impl Scene {
    /// With settings for `[upgrade]`.
    pub(crate) fn new(node: &str, settings: &str) -> Self {
        let node = format!("{node}{}", std::process::id());
        let program = Program::new();
        let sample = samples::elixir(&program.project(), "0.1.0").unwrap();
        let scene = Self { program, sample, node };
        scene.sample.write("edeliver.toml", &scene.config(settings)).unwrap();
        scene.sample.commit("how it is deployed").unwrap();
        scene.ok("build release");
        scene
    }
    fn config(&self, settings: &str) -> String {
        let (builds, apps) = (self.hosts().join("build"), self.hosts().join("stage"));
        let node = &self.node;
        format!(
            r#"
app = "hotapp"
[build]
host = "builder"
transport = "local"
path = {builds:?}
[upgrade]
{settings}
[targets.staging]
hosts = [{{ name = "stage", transport = "local", path = {apps:?}, node = "{node}" }}]
"#
        )
    }
    fn hosts(&self) -> PathBuf {
        self.program.project().parent().unwrap().join("hosts")
    }
    pub(crate) fn root(&self) -> PathBuf {
        self.hosts().join("stage/hotapp")
    }

    /// Builds another version; `edit` changes its source.
    pub(crate) fn version(&self, version: &str, edit: impl FnOnce(&Sample)) {
        self.sample.set_version(version).unwrap();
        edit(&self.sample);
        self.sample.commit("as it is upgraded to").unwrap();
        self.ok("build release");
    }
    /// Version 0.2.0 with a counter that migrates its state.
    pub(crate) fn second(&self) {
        self.version("0.2.0", migrating);
        self.relup("0.1.0", "0.2.0");
    }
    /// Deploys and starts the first version.
    pub(crate) fn first_runs(&self) {
        self.ok("deploy release to staging --version=0.1.0 --start-deploy");
    }

    /// Makes the relup between two versions.
    pub(crate) fn relup(&self, from: &str, to: &str) {
        self.ok(&format!("build upgrade --with={from} --version={to}"));
    }
    pub(crate) fn run(&self, line: &str) -> Done {
        self.program.run(&line.split(' ').collect::<Vec<_>>())
    }
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> Done {
        let done = self.run(line);
        assert_eq!(done.code, 0, "{line}\n{}{}", done.err, done.out);
        done
    }
    /// Evaluates Elixir on the node, and gives its value as text.
    #[track_caller]
    pub(crate) fn eval(&self, code: &str) -> String {
        let done = self.program.run(&["eval", code, "on", "staging"]);
        assert_eq!(done.code, 0, "{code}\n{}{}", done.err, done.out);
        done.out.trim().to_owned()
    }
    /// The process of the node, and the number of its start: another one after a restart in place, too.
    pub(crate) fn life(&self) -> String {
        self.eval("{System.pid(), :erlang.system_info(:creation)}")
    }
    /// What boots next.
    pub(crate) fn boots(&self) -> String {
        let text = std::fs::read_to_string(self.root().join("releases/start_erl.data")).unwrap();
        text.split_whitespace().nth(1).unwrap().to_owned()
    }
    pub(crate) fn command(&self, line: &str) -> std::process::Command {
        let mut command = self.program.command(env!("CARGO_BIN_EXE_edeliver"));
        command.args(line.split(' '));
        command
    }
    #[track_caller]
    pub(crate) fn counted(&self, expected: u32) {
        assert_eq!(self.eval("Hotapp.Counter.read()"), expected.to_string());
    }
    #[track_caller]
    pub(crate) fn count(&self, times: u32) {
        self.eval(&format!("for _ <- 1..{times}, do: Hotapp.Counter.count()"));
    }
    #[expect(dead_code, reason = "for what comes next")]
    /// Waits until that is so.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, is_so: impl Fn() -> bool) {
        for _ in 0..600 {
            if is_so() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("{what}: not within 30 s");
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = done(self.command("stop staging --yes").output().unwrap());
    }
}

pub(crate) fn migrating(sample: &Sample) {
    for (before, after) in COUNTER {
        sample.edit("lib/hotapp/counter.ex", before, after).unwrap();
    }
}
