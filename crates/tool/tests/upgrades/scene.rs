//! A sample with two versions in the store, and a node that runs the older one.

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use edeliver_lab::samples::{self, Sample};

use crate::program::{Done, Program};

/// A project and its hosts.
pub(crate) struct Scene {
    pub(crate) program: Program,
    pub(crate) node: String,
    names: &'static [&'static str],
    app: &'static str,
}

/// Where a test needs no more than one.
const STAGE: &[&str] = &["stage"];

/// A state that only `code_change` makes of the older one.
pub(crate) const COUNTER: [(&str, &str); 4] = [
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

/// Code that fails when it migrates the state.
pub(crate) const RAISES: [(&str, &str); 2] = [
    ("@vsn \"1\"", "@vsn \"2\""),
    ("def code_change(_vsn, state, _extra), do: {:ok, state}", "def code_change(_vsn, _state, _extra), do: raise \"no such luck\""),
];

/// Code that works, and does not live long.
const CRASHES: [(&str, &str); 3] = [
    ("@vsn \"1\"", "@vsn \"2\""),
    ("{:ok, %{n: Keyword.get(options, :from, 0)}}", "{:ok, doomed(%{n: Keyword.get(options, :from, 0)})}"),
    (
        "def code_change(_vsn, state, _extra), do: {:ok, state}",
        "def code_change(_vsn, state, _extra), do: {:ok, doomed(state)}\n  def handle_info(:doom, _), do: raise \"doomed\"\n  defp doomed(state) \
         do\n    Process.send_after(self(), :doom, 1_200)\n    state\n  end",
    ),
];

/// The releases that all tests share, in a store that each has a copy of.
struct Base {
    program: Program,
}

static BASE: LazyLock<Base> = LazyLock::new(|| {
    let program = Program::new();
    let sample = samples::elixir(&program.project(), "0.1.0").unwrap();
    let builds = program.project().parent().unwrap().join("build");
    let config = format!("app = \"hotapp\"\n[build]\nhost = \"builder\"\ntransport = \"local\"\npath = {builds:?}\n");
    let build = |version: &str, edits: &[(&str, &str)]| {
        sample.set_version(version).unwrap();
        edits.iter().for_each(|(before, after)| sample.edit("lib/hotapp/counter.ex", before, after).unwrap());
        sample.write("edeliver.toml", &config).unwrap();
        sample.commit("as it is upgraded to").unwrap();
        ok(&program, "build release");
        if version >= "0.2.0" {
            ok(&program, &format!("build upgrade --with=0.1.0 --version={version}"));
        }
    };
    build("0.1.0", &[]);
    sample.set_marker("0.1.1").unwrap();
    build("0.1.1", &[]);
    build("0.2.0", &COUNTER);
    build("0.2.1", &RAISES);
    build("0.2.2", &CRASHES);
    build("0.2.3", &LEAKS);
    build("0.2.4", &HALTS);
    Base { program }
});

#[track_caller]
fn ok(program: &Program, line: &str) -> Done {
    program.ends_with(line, 0)
}

/// Code that works until it is to go back.
const HALTS: [(&str, &str); 2] = [
    ("@vsn \"1\"", "@vsn \"2\""),
    (
        "def code_change(_vsn, state, _extra), do: {:ok, state}",
        "def code_change({:down, _vsn}, _state, _extra), do: :erlang.halt(1)\n  def code_change(_vsn, state, _extra), do: {:ok, state}",
    ),
];

/// Code that works, and lets messages pile up.
const LEAKS: [(&str, &str); 3] = [
    ("@vsn \"1\"", "@vsn \"2\""),
    ("{:ok, %{n: Keyword.get(options, :from, 0)}}", "{:ok, leaking(%{n: Keyword.get(options, :from, 0)})}"),
    (
        "def code_change(_vsn, state, _extra), do: {:ok, state}",
        "def code_change({:down, _vsn}, state, _extra), do: {:ok, state}\n  def code_change(_vsn, state, _extra), do: {:ok, leaking(state)}\n  defp leaking(state) do\n    Process.register(spawn(Process, :sleep, \
         [:infinity]), Hotapp.Sink)\n    {:ok, _} = :timer.apply_interval(1, :erlang, :send, [Hotapp.Sink, :more])\n    state\n  end",
    ),
];

impl Scene {
    /// A node that runs 0.1.0, and upgrades from there to 0.2.0 (works), 0.2.1 (fails), 0.2.2 (crashes after a while), 0.2.3 (a mailbox grows)
    /// and 0.2.4 (falls when it is taken back); with settings for `[upgrade]`.
    pub(crate) fn new(node: &str, settings: &str) -> Self {
        let scene = Self::stored(node, settings);
        scene.ok("deploy release to staging --version=0.1.0 --start-deploy");
        scene
    }
    /// The same without the node; 0.1.1 is in the store too.
    pub(crate) fn stored(node: &str, settings: &str) -> Self {
        Self::fleet(node, settings, STAGE)
    }
    /// Several hosts, no nodes.
    pub(crate) fn fleet(node: &str, settings: &str, names: &'static [&'static str]) -> Self {
        let scene = Self::bare(node, names);
        let store = BASE.program.project().join(".deliver");
        let copied = std::process::Command::new("cp").arg("-a").arg(store).arg(scene.program.project()).status().unwrap();
        assert!(copied.success());
        scene.program.write("edeliver.toml", &scene.config(settings));
        scene
    }
    fn bare(node: &str, names: &'static [&'static str]) -> Self {
        Self { program: Program::new(), node: format!("{node}{}", std::process::id()), names, app: "hotapp" }
    }
    /// The Elixir sample in git, with a build host; nothing is built yet.
    pub(crate) fn project(node: &str, settings: &str) -> (Self, Sample) {
        let scene = Self::bare(node, STAGE);
        let sample = samples::elixir(&scene.program.project(), "0.1.0").unwrap();
        sample.write("edeliver.toml", &scene.config(settings)).unwrap();
        sample.commit("how it is deployed").unwrap();
        (scene, sample)
    }
    /// The Erlang sample, likewise.
    pub(crate) fn erlang(node: &str, settings: &str) -> (Self, Sample) {
        let mut scene = Self::bare(node, STAGE);
        scene.app = "relapp";
        let sample = samples::erlang(&scene.program.project(), "0.1.0").unwrap();
        scene.configure(settings);
        (scene, sample)
    }
    /// With other settings for `[upgrade]`.
    pub(crate) fn configure(&self, settings: &str) {
        self.program.write("edeliver.toml", &self.config(settings));
    }
    /// Where rehearsals have their places on the build host.
    pub(crate) fn rehearsals(&self) -> PathBuf {
        self.hosts().join("build/.edeliver/hotapp/rehearsals")
    }
    pub(crate) fn config(&self, settings: &str) -> String {
        let builds = self.hosts().join("build");
        let host = |name: &&str| {
            let (apps, node) = (self.hosts().join(name), if self.names == STAGE { "" } else { name });
            format!("{{ name = {name:?}, transport = \"local\", path = {apps:?}, node = \"{}{node}\" }}", self.node)
        };
        let hosts: Vec<String> = self.names.iter().map(host).collect();
        let (app, hosts) = (self.app, hosts.join(", "));
        format!(
            r#"
app = {app:?}
[build]
host = "builder"
transport = "local"
path = {builds:?}
[upgrade]
{settings}
[targets.staging]
hosts = [{hosts}]
"#
        )
    }
    fn hosts(&self) -> PathBuf {
        self.program.project().parent().unwrap().join("hosts")
    }
    pub(crate) fn root(&self) -> PathBuf {
        self.root_on(self.names[0])
    }
    /// The release root on one host of several.
    pub(crate) fn root_on(&self, host: &str) -> PathBuf {
        self.hosts().join(host).join(self.app)
    }

    pub(crate) fn run(&self, line: &str) -> Done {
        self.program.run(&line.split(' ').collect::<Vec<_>>())
    }
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> Done {
        ok(&self.program, line)
    }
    /// Evaluates Elixir on the node, and gives its value as text.
    #[track_caller]
    pub(crate) fn eval(&self, code: &str) -> String {
        let done = self.program.run(&["eval", code, "on", "staging"]);
        assert_eq!(done.code, 0, "{code}\n{}{}", done.err, done.out);
        done.out.trim().to_owned()
    }
    /// The same on one host of several.
    #[track_caller]
    pub(crate) fn eval_on(&self, host: &str, code: &str) -> String {
        let done = self.program.run(&["eval", code, "on", "staging", "--host", host]);
        assert_eq!(done.code, 0, "{code}\n{}{}", done.out, done.err);
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
        self.run("stop staging --yes");
    }
}

pub(crate) fn migrating(sample: &Sample) {
    for (before, after) in COUNTER {
        sample.edit("lib/hotapp/counter.ex", before, after).unwrap();
    }
}
