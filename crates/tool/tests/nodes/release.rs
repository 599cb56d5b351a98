//! Real releases, built once, and copies of them to run.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use edeliver::{
    node::{self, Environment, NodeError, Place},
    transport::Transport,
};
use edeliver_core::{facts::NodeFacts, name::Version};
use edeliver_lab::samples::{self, Sample};
use tempfile::TempDir;

/// What is the same as long as a node runs.
pub(crate) fn lasting(node: &NodeFacts) -> NodeFacts {
    NodeFacts { load: None, ..node.clone() }
}

/// Which sample, and how it is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Mix,
    Relx,
    /// Uses the machine's Erlang.
    WithoutErts,
    /// Mix, with what TLS distribution needs.
    Tls,
    /// Relx, with what TLS distribution needs.
    RelxTls,
}

impl Kind {
    pub(crate) fn app(self) -> &'static str {
        if matches!(self, Self::Relx | Self::RelxTls) { "relapp" } else { "hotapp" }
    }
}

/// What a node does at start, as its environment asks for it.
const TROUBLE: &str = r#"
    case System.get_env("TROUBLE") do
      nil -> :ok
      "crash" -> raise "crashed as asked"
      slow -> Process.sleep(String.to_integer(slow))
    end
    children ="#;

struct Built {
    _dir: TempDir,
    mix: PathBuf,
    without_erts: PathBuf,
    tls: PathBuf,
    relx: PathBuf,
    relx_tls: PathBuf,
}

static BUILT: LazyLock<Built> = LazyLock::new(|| {
    // One that belongs to no release, so that it stays when a test's root goes.
    run(Command::new("epmd").arg("-daemon"), Path::new("/"));
    let dir = tempfile::tempdir().expect("a temporary directory");
    let elixir = samples::elixir(&dir.path().join("hotapp"), "0.1.0").expect("the Elixir sample");
    elixir.edit("lib/hotapp/application.ex", "children =", TROUBLE.trim_start()).expect("trouble in the sample");
    let mix = mix_release(&elixir, &dir.path().join("mix"));
    elixir.edit("mix.exs", "cookie:", "include_erts: false, cookie:").expect("a sample without a runtime");
    let without_erts = mix_release(&elixir, &dir.path().join("without"));
    // A project of its own: within a second mix does not notice that the list of applications has changed.
    let with_ssl = samples::elixir(&dir.path().join("with_ssl"), "0.1.0").expect("the Elixir sample");
    with_ssl.edit("mix.exs", "[:logger]", "[:logger, :ssl]").expect("a sample with ssl");
    let tls = mix_release(&with_ssl, &dir.path().join("tls"));
    let erlang = samples::erlang(&dir.path().join("relapp"), "0.1.0").expect("the Erlang sample");
    let relx = relx_release(&erlang);
    let with_ssl = samples::erlang(&dir.path().join("relx_ssl"), "0.1.0").expect("the Erlang sample");
    with_ssl.edit("rebar.config", "sasl", "sasl, ssl").expect("a sample with ssl");
    let relx_tls = relx_release(&with_ssl);
    Built { _dir: dir, mix, without_erts, tls, relx, relx_tls }
});

fn mix_release(sample: &Sample, to: &Path) -> PathBuf {
    run(Command::new("mix").args(["release", "--quiet", "--overwrite", "--path"]).arg(to).env("MIX_ENV", "prod"), &sample.dir);
    to.to_owned()
}

fn relx_release(sample: &Sample) -> PathBuf {
    run(Command::new("rebar3").args(["as", "prod", "release"]), &sample.dir);
    sample.dir.join("_build/prod/rel/relapp")
}

fn run(command: &mut Command, dir: &Path) {
    let output = command.current_dir(dir).output().expect("the build tool is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
}

/// A release in a root of its own, with a blank in the path and a node name that no other test uses. Its node ends with it.
pub(crate) struct Running {
    dir: TempDir,
    pub(crate) place: Place,
    pub(crate) environment: Environment,
}

impl Running {
    pub(crate) fn new(kind: Kind) -> Self {
        let from = match kind {
            Kind::Mix => &BUILT.mix,
            Kind::Relx => &BUILT.relx,
            Kind::WithoutErts => &BUILT.without_erts,
            Kind::Tls => &BUILT.tls,
            Kind::RelxTls => &BUILT.relx_tls,
        };
        let dir = tempfile::tempdir().expect("a temporary directory");
        let root = dir.path().join("my apps").join(kind.app());
        fs::create_dir(dir.path().join("my apps")).expect("a directory with a blank");
        run(Command::new("cp").arg("-a").arg(from).arg(&root), dir.path());
        let root = root.to_str().expect("UTF-8").parse().expect("a path on a host");
        let place = Place { root, app: kind.app().parse().expect("a name"), node: None };
        let mut running = Self { dir, place, environment: Environment::default() };
        running.set("RELEASE_NODE", &unique());
        running
    }
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.environment.variables.retain(|(known, _)| known != name);
        self.environment.variables.push((name.to_owned(), value.to_owned()));
    }
    /// Its epmd is one that no other node knows; gives the port. It may be ended although it knows this node.
    pub(crate) fn with_an_epmd_of_its_own(&mut self) -> u16 {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        self.set("ERL_EPMD_PORT", &port.to_string());
        self.set("ERL_EPMD_RELAXED_COMMAND_CHECK", "1");
        port
    }
    pub(crate) fn variable(&self, name: &str) -> &str {
        &self.environment.variables.iter().find(|(known, _)| known == name).expect("it was set").1
    }
    pub(crate) fn root(&self) -> PathBuf {
        self.place.root.as_str().into()
    }
    /// Makes another version the one that boots next, with files like those of the first one.
    pub(crate) fn pretend_next(&self, version: &str) {
        let (root, first) = (self.root(), first());
        run(Command::new("cp").args(["-a", first.as_str(), version]), &root.join("releases"));
        let replace = |path: PathBuf| {
            let text = fs::read_to_string(&path).expect("a file of the release").replace(first.as_str(), version);
            fs::write(path, text).expect("a file of the release");
        };
        match self.place.app.as_str() {
            "relapp" => replace(root.join("bin/relapp")),
            _ => replace(root.join("releases/start_erl.data")),
        }
    }
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }
    pub(crate) async fn start(&self, host: &dyn Transport) -> Result<NodeFacts, NodeError> {
        self.start_within(host, 30).await
    }
    pub(crate) async fn start_within(&self, host: &dyn Transport, seconds: u64) -> Result<NodeFacts, NodeError> {
        let timeout = Duration::from_secs(seconds);
        node::start(host, &self.place, &first(), timeout, &self.environment, &mut |_| {}).await.map(|node| lasting(&node))
    }
    pub(crate) async fn state(&self, host: &dyn Transport) -> NodeFacts {
        lasting(&node::state(host, &self.place).await.expect("an answer").node)
    }
    /// Stops it, and gives what was told.
    pub(crate) async fn stop(&self, host: &dyn Transport) -> Vec<String> {
        let mut told = Vec::new();
        let tell = &mut |line: &str| told.push(line.to_owned());
        node::stop(host, &self.place, None, Duration::from_secs(20), tell).await.expect("it stops");
        told
    }
    /// Whether a program of the release that asks nodes is running, after it had some seconds to end.
    pub(crate) async fn is_being_asked(&self) -> bool {
        self.still_has(b"/erl_call\0").await
    }
    /// The same of the script that starts the node.
    pub(crate) async fn is_being_started(&self) -> bool {
        self.still_has(b"\0daemon\0").await
    }
    async fn still_has(&self, words: &[u8]) -> bool {
        let has = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|all| contains(&all, words));
        for _ in 0..50 {
            if !self.processes().iter().any(has) {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        true
    }
    /// Processes whose program or words are below the root.
    fn processes(&self) -> Vec<i32> {
        let root = self.place.root.as_str().as_bytes();
        let below = |path: &Path| fs::read(path).is_ok_and(|words| contains(&words, root));
        let all = fs::read_dir("/proc").expect("/proc").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(|pid: &i32| below(Path::new(&format!("/proc/{pid}/cmdline")))).collect()
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl Drop for Running {
    fn drop(&mut self) {
        for pid in self.processes().into_iter().filter_map(rustix::process::Pid::from_raw) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

pub(crate) fn first() -> Version {
    "0.1.0".parse().expect("a version")
}

pub(crate) fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("t{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn signal(node: &NodeFacts, signal: rustix::process::Signal) {
    let pid = node.pid.and_then(|pid| rustix::process::Pid::from_raw(pid.cast_signed())).expect("a process");
    rustix::process::kill_process(pid, signal).expect("it is ours");
}
