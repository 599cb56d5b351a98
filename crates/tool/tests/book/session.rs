//! A project in a folder of its own, and a shell in it.

use std::{fs, path::PathBuf, process::Command, sync::LazyLock};

use edeliver_lab::samples::{self, Sample};

use crate::{
    console, ecto,
    program::{Done, Program, done},
    stand_in,
};

/// A folder of the pages that stands for one of this test's.
const SRV: &str = "/srv/";

pub(crate) struct Session {
    program: Program,
    /// What is stopped in the end.
    targets: &'static [&'static str],
}

impl Session {
    /// A project that edeliver knows nothing of yet.
    pub(crate) fn new(make: fn(&std::path::Path, &str) -> Result<Sample, samples::SampleError>, node: &str) -> Self {
        let program = Program::new();
        let sample = make(&program.project(), "0.1.0").unwrap();
        // Of the same name on this machine there is perhaps another test's.
        match sample.app {
            "relapp" => sample.edit("config/vm.args.src", "NODE:-relapp}", &format!("NODE:-{node}}}")).unwrap(),
            _ => sample.write("rel/env.sh.eex", &format!("export RELEASE_NODE={node}\n")).unwrap(),
        }
        sample.commit("a name of its own").unwrap();
        Self { program, targets: &["staging"] }
    }
    /// A project with three releases in its store, a host for staging and three for production.
    pub(crate) fn fleet(unique: &str) -> Self {
        let program = Program::new();
        let built = BUILT.project().join(".deliver");
        assert!(Command::new("cp").arg("-a").arg(built).arg(program.project()).status().unwrap().success());
        let session = Self { program, targets: &["staging", "production"] };
        session.program.write("edeliver.toml", &session.config(unique));
        session
    }
    /// The same; a deploy with the lease waits for as long as there is a file `wait`.
    pub(crate) fn with_a_pause(unique: &str) -> Self {
        let session = Self::fleet(unique);
        session.program.write("deploy/hooks.sh", PAUSE);
        session.program.write("edeliver.toml", &format!("hooks = \"deploy/hooks.sh\"\n{}", session.config(unique)));
        session
    }
    /// The same with a store in a folder of another host.
    pub(crate) fn shelf(unique: &str) -> Self {
        let session = Self::fleet(unique);
        let shelf = format!("{}{SRV}releases", session.folder());
        let store = format!("[store]\nremote = {{ name = \"shelf\", transport = \"local\", path = {shelf:?} }}\n");
        session.program.write("edeliver.toml", &(session.config(unique) + &store));
        session
    }
    /// A host with a release that has two repositories. Ecto itself, and its database, are with the tests that are told where they are.
    pub(crate) fn repositories() -> Self {
        let session = Self { program: Program::new(), targets: &["staging"] };
        let (host, libraries) = (format!("{}{SRV}apps", session.folder()), PathBuf::from(session.folder()).join("libraries"));
        stand_in::write(&libraries);
        fs::create_dir_all(&host).unwrap();
        ecto::copy(&ecto::built(&libraries).path().join("release"), &PathBuf::from(&host).join("shop"));
        let database = ["DATABASE", "SHOP_DATABASE", "BILLING_DATABASE"].map(|name| format!("{name} = \"{host}/db\"\n")).concat();
        let here = format!("{{ name = \"here\", transport = \"local\", path = {host:?}, node = \"shop-book\" }}");
        session.program.write(
            "edeliver.toml",
            &format!("app = \"shop\"\n[targets.staging]\nhosts = [{here}]\n[targets.staging.env]\n{database}"),
        );
        session
    }
    /// A project as edeliver 1.x knows it.
    pub(crate) fn classic(node: &str) -> Self {
        let session = Self::new(samples::elixir, node);
        session.program.write(".deliver/config", &CLASSIC.replace(SRV, &format!("{}{SRV}", session.folder())));
        session.prepare("printf '/.deliver/*\\n!/.deliver/config\\n' >>.gitignore; git add -A; git commit -qm 'how it is deployed'; git branch -m master");
        session
    }
    fn config(&self, unique: &str) -> String {
        let host = |name: &&str| {
            let path = format!("{}{SRV}{name}", self.folder());
            format!("{{ name = {name:?}, path = {path:?}, node = \"{name}-{unique}\" }}")
        };
        let production: Vec<String> = ["web1", "web2", "web3"].iter().map(host).collect();
        format!(
            "app = \"hotapp\"\n[deploy]\ntransport = \"local\"\nstart_timeout = \"1m\"\n[targets.staging]\nhosts = [{}]\n\
             [targets.production]\nconfirm = false\nhosts = [{}]\n",
            host(&"stage"),
            production.join(", ")
        )
    }
    fn folder(&self) -> String {
        self.program.project().parent().unwrap().display().to_string()
    }
    /// What the command prints, as it would stand in a page; with what is `typed` into the console that it begins.
    pub(crate) fn run(&self, command: &str, typed: &[&str]) -> String {
        let out = match typed {
            [] => self.done(command).out,
            _ => console::shown(self.program.command("script"), command, typed),
        };
        out.replace(&self.folder(), "")
    }
    /// What a page does not show: how something comes to be as it then says.
    pub(crate) fn prepare(&self, command: &str) {
        let done = self.done(command);
        assert_eq!(done.code, 0, "{command}\n{}", done.out);
    }
    fn done(&self, command: &str) -> Done {
        let bin = PathBuf::from(env!("CARGO_BIN_EXE_edeliver"));
        let path = format!("{}:{}", bin.parent().unwrap().display(), std::env::var("PATH").unwrap());
        let command = command.replace(SRV, &format!("{}{SRV}", self.folder()));
        let mut shell = self.program.command("timeout");
        shell
            .args(["120", "sh", "-c", &format!("{{ {command}\n}} 2>&1")])
            .env("PATH", path)
            .env("EDELIVER_UPGRADE_SOAK", "1s")
            .env("USER", "ann");
        for (name, value) in [("AUTHOR", "an author"), ("COMMITTER", "a committer")] {
            shell.env(format!("GIT_{name}_NAME"), value).env(format!("GIT_{name}_EMAIL"), "somebody@example.com");
        }
        done(shell.output().unwrap())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        for target in self.targets {
            self.program.run(&["stop", target, "--yes"]);
        }
    }
}

const CLASSIC: &str = r#"APP="hotapp"

BUILD_HOST="localhost"
BUILD_AT="/srv/builds"

STAGING_HOSTS="localhost"
DELIVER_TO="/srv/apps"

pre_erlang_clean_compile() {
  status "Building assets"
  __sync_remote "
    set -e
    cd '$BUILD_AT'
    mkdir -p priv/static && date >priv/static/built
  "
}
"#;

const PAUSE: &str = r#"
pre_extract_release_archive() {
  if [ -e wait ]; then touch busy; fi
  while [ -e wait ]; do sleep 0.1; done
}
"#;

/// What 0.2.0 does otherwise: its counter has another state, and a second process stands beside it.
const NEXT: [(&str, &str, &str); 3] = [
    ("lib/hotapp/application.ex", "from: 0}]", "from: 0}, Hotapp.Ticker]"),
    ("lib/hotapp/counter.ex", "@vsn \"1\"", "@vsn \"2\""),
    (
        "lib/hotapp/counter.ex",
        "def code_change(_vsn, state, _extra), do: {:ok, state}",
        "def code_change({:down, _vsn}, state, _extra), do: {:ok, Map.delete(state, :since)}\n  \
         def code_change(_vsn, state, _extra), do: {:ok, Map.put(state, :since, :upgrade)}",
    ),
];

const TICKER: &str = "defmodule Hotapp.Ticker do\n  use GenServer\n\n  def start_link(options), do: GenServer.start_link(__MODULE__, options, name: __MODULE__)\n\n  \
     @impl true\n  def init(options), do: {:ok, options}\nend\n";

/// What 0.3.0 does wrong.
const WRONG: [(&str, &str, &str); 2] = [
    ("lib/hotapp/counter.ex", "@vsn \"2\"", "@vsn \"3\""),
    (
        "lib/hotapp/counter.ex",
        "def code_change(_vsn, state, _extra), do: {:ok, Map.put(state, :since, :upgrade)}",
        "def code_change(_vsn, state, _extra), do: raise(\"can't read #{inspect(state)}\")",
    ),
];

static BUILT: LazyLock<Program> = LazyLock::new(|| {
    let program = Program::new();
    let sample = samples::elixir(&program.project(), "0.1.0").unwrap();
    let builds = program.project().parent().unwrap().join("builds");
    let config = format!("app = \"hotapp\"\n[build]\nhost = \"builder\"\ntransport = \"local\"\npath = {builds:?}\n");
    for version in ["0.1.0", "0.2.0", "0.3.0"] {
        sample.set_version(version).unwrap();
        let edits = [&NEXT[..], &WRONG[..]].concat();
        let count = match version {
            "0.1.0" => 0,
            "0.2.0" => NEXT.len(),
            _ => edits.len(),
        };
        edits[..count].iter().for_each(|(file, from, to)| sample.edit(file, from, to).unwrap());
        (count > 0).then(|| sample.write("lib/hotapp/ticker.ex", TICKER).unwrap());
        sample.write("edeliver.toml", &config).unwrap();
        sample.commit(version).unwrap();
        program.ends_with("build release", 0);
    }
    program
});
