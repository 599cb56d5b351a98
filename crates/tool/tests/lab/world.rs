//! What all tests share: both sample projects, built once into stores.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use edeliver_lab::{
    Lab, LabSpec,
    samples::{self, Sample},
};
use tempfile::TempDir;

/// The sample projects with versions 0.1.0 and 0.2.0 in git and in their stores.
pub(crate) struct World {
    folder: TempDir,
}

/// Which sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum App {
    /// Elixir, `mix release`.
    Hotapp,
    /// Erlang, rebar3.
    Relapp,
}

impl App {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Hotapp => "hotapp",
            Self::Relapp => "relapp",
        }
    }
    /// The environment variable its port is read from.
    pub(crate) fn port_variable(self) -> &'static str {
        match self {
            Self::Hotapp => "HOTAPP_PORT",
            Self::Relapp => "RELAPP_PORT",
        }
    }
    /// The sample in this version, committed on top of what is there.
    pub(crate) fn make(self, dir: &Path, version: &str) -> Sample {
        match self {
            Self::Hotapp => samples::elixir(dir, version),
            Self::Relapp => samples::erlang(dir, version),
        }
        .expect("git is installed")
    }
}

/// The program under test.
pub(crate) fn edeliver() -> &'static str {
    env!("CARGO_BIN_EXE_edeliver")
}

/// Built when it is first wanted.
pub(crate) fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(World::make)
}

impl World {
    fn make() -> Self {
        let world = Self { folder: TempDir::with_prefix("edeliver-world-").expect("a temporary folder") };
        // On a host of the lab, so that the releases fit its hosts, whatever system these have.
        let lab = Lab::up(LabSpec::fleet(0)).expect("the lab comes up");
        for app in [App::Hotapp, App::Relapp] {
            world.build(app, &lab);
        }
        world
    }
    fn build(&self, app: App, lab: &Lab) {
        let dir = self.template(app);
        app.make(&dir, "0.1.0");
        app.make(&dir, "0.2.0");
        let toml = format!("app = {:?}\n\n[build]\nhost = \"build\"\npath = \"builds\"\n", app.name());
        fs::write(dir.join("edeliver.toml"), toml).expect("the project can be written");
        for version in ["0.1.0", "0.2.0"] {
            let output = lab
                .command(edeliver())
                .args(["build", "release", &format!("--tag=v{version}")])
                .current_dir(&dir)
                .env("EDELIVER_SSH_CONFIG", lab.ssh_config())
                .stdin(Stdio::null())
                .output()
                .expect("edeliver can be started");
            assert!(output.status.success(), "building {} {version}: {}", app.name(), String::from_utf8_lossy(&output.stderr));
        }
    }
    fn template(&self, app: App) -> PathBuf {
        self.folder.path().join(app.name())
    }
    /// A copy of the project, store included.
    pub(crate) fn copy(&self, app: App, to: &Path) {
        let status = Command::new("cp").arg("-a").arg(self.template(app)).arg(to).status().expect("cp can be started");
        assert!(status.success());
    }
}
