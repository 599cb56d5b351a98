//! Where rows are tried: a project with releases in its store, and for each engine a host that is a folder.

use std::{
    error::Error,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use edeliver::store::Store;
use tempfile::TempDir;

use super::{
    base::{self, Base},
    row::Engine,
};

/// A project and its hosts.
pub(super) struct Stage {
    dir: TempDir,
    edeliver: PathBuf,
    number: u32,
}

/// What came of a command.
#[derive(Debug, Clone)]
pub(super) struct Done {
    pub(super) code: i32,
    /// All it printed.
    pub(super) said: String,
    pub(super) took: Duration,
}

impl Stage {
    /// A project without releases, whose store has the content of the base; `settings` are lines of its `[upgrade]` table.
    ///
    /// # Errors
    /// No folder can be made.
    pub(super) fn new(edeliver: &Path, base: &Base, settings: &[String]) -> Result<Self, Box<dyn Error>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let stage = Self { dir: TempDir::with_prefix("edeliver-scenes-")?, edeliver: edeliver.to_owned(), number };
        fs::create_dir_all(stage.project())?;
        fs::create_dir_all(stage.dir.path().join("home"))?;
        fs::create_dir_all(stage.store_folder().join("store"))?;
        let (from, to) = (base.store.join("store/blobs"), stage.store_folder().join("store/blobs"));
        base::run(Command::new("cp").arg("-a").arg(from).arg(to))?;
        fs::write(stage.project().join("edeliver.toml"), stage.toml(settings)?)?;
        Ok(stage)
    }
    fn toml(&self, settings: &[String]) -> Result<String, std::fmt::Error> {
        let mut toml = "app = \"scene\"\n[store]\narchive = false\n[deploy]\nkeep_releases = 100\n[upgrade]\n".to_owned();
        let has = |key: &str| settings.iter().any(|line| line.starts_with(key));
        for (key, value) in [("soak", "100ms"), ("confirm_within", "20s"), ("suspend_timeout", "2s"), ("code_change_timeout", "2s")]
        {
            if !has(key) {
                writeln!(toml, "{key} = \"{value}\"")?;
            }
        }
        settings.iter().try_for_each(|line| writeln!(toml, "{line}"))?;
        for engine in Engine::ALL {
            let (name, path, node) = (engine.name(), self.host(engine), self.node(engine));
            let host = format!("{{ name = \"{name}\", transport = \"local\", path = {path:?}, node = \"{node}\" }}");
            writeln!(toml, "[targets.{name}]\nhosts = [{host}]\n[targets.{name}.upgrade]\nengine = \"{name}\"")?;
        }
        Ok(toml)
    }
    pub(super) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }
    /// Adds a folder of this machine as build host.
    ///
    /// # Errors
    /// edeliver.toml can't be written.
    pub(super) fn has_build_host(&self) -> std::io::Result<()> {
        let (toml, builds) = (self.project().join("edeliver.toml"), self.dir.path().join("builds"));
        let text = fs::read_to_string(&toml)?;
        fs::write(toml, format!("{text}[build]\nhost = \"build\"\ntransport = \"local\"\npath = {builds:?}\n"))
    }
    fn store_folder(&self) -> PathBuf {
        self.project().join(".deliver")
    }
    /// The project's store.
    ///
    /// # Errors
    /// It can't be opened.
    pub(super) fn store(&self) -> Result<Store, Box<dyn Error>> {
        base::open_store(&self.store_folder())
    }
    /// The file by which the store has a release.
    pub(super) fn manifest(&self, version: &str) -> PathBuf {
        self.store_folder().join("store/manifests/scene").join(format!("{version}.json"))
    }
    fn host(&self, engine: Engine) -> PathBuf {
        self.dir.path().join(engine.name())
    }
    /// The release root on a host.
    pub(super) fn root(&self, engine: Engine) -> PathBuf {
        self.host(engine).join("scene")
    }
    /// The node's name before the `@`.
    pub(super) fn node(&self, engine: Engine) -> String {
        format!("scene{}x{}{}", std::process::id(), self.number, engine.name())
    }
    /// edeliver with these words, not started yet.
    pub(super) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(&self.edeliver);
        command.args(words.split(' ')).current_dir(self.project()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.dir.path().join("home"));
        command.envs([("LC_ALL", "C.UTF-8"), ("TZ", "UTC")]);
        command
    }
    /// An archive of a release.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) fn archive(&self, version: &str) -> Result<PathBuf, Box<dyn Error>> {
        let store = self.store()?;
        Ok(store.export_archive(&store.manifest(&version.parse()?)?)?)
    }
    /// Has the upgrade between two releases made.
    ///
    /// # Errors
    /// edeliver can't be started.
    pub(super) fn build_upgrade(&self, old: &str, new: &str) -> Result<Done, Box<dyn Error>> {
        self.edeliver(&format!("build upgrade --with={old} --to={new}"))
    }
    /// Has edeliver do something and waits.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn edeliver(&self, words: &str) -> Result<Done, Box<dyn Error>> {
        let began = Instant::now();
        let output = self.command(words).output()?;
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        Ok(Done { code: output.status.code().unwrap_or(-1), said, took: began.elapsed() })
    }
    /// The same where it must succeed.
    ///
    /// # Errors
    /// It did not, with what it said.
    pub(super) fn ok(&self, words: &str) -> Result<Done, Box<dyn Error>> {
        let done = self.edeliver(words)?;
        match done.code {
            0 => Ok(done),
            code => Err(format!("`edeliver {words}` ended with {code}:\n{}", done.said).into()),
        }
    }
}
