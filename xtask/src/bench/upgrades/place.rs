//! A project whose only host is a folder of this machine.

use std::{
    error::Error,
    fs, io,
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use edeliver_lab::samples::{self, Sample};
use tempfile::TempDir;

use super::events::Events;

/// The project, its builds, and its host.
pub(super) struct Place {
    edeliver: PathBuf,
    folder: TempDir,
    pub(super) sample: Sample,
    /// Where the node answers HTTP.
    pub(super) port: u16,
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = self.run(&["stop", "staging", "--yes"]);
    }
}

impl Place {
    /// The Elixir sample, with nothing built yet.
    pub(super) fn make(edeliver: &Path) -> Result<Self, Box<dyn Error>> {
        let folder = TempDir::with_prefix("edeliver-bench-")?;
        let sample = samples::elixir(&folder.path().join("project"), "0.1.0")?;
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let place = Self { edeliver: edeliver.to_owned(), folder, sample, port };
        place.configure(super::ENGINES[0])?;
        Ok(place)
    }
    fn configure(&self, engine: &str) -> Result<(), Box<dyn Error>> {
        let within = |name: &str| self.folder.path().join(name).display().to_string();
        let (builds, host, port) = (within("builds"), within("host"), self.port);
        let text = format!(
            "app = \"hotapp\"\n[build]\nhost = \"localhost\"\ntransport = \"local\"\npath = {builds:?}\n[upgrade]\nengine = {engine:?}\nsoak = \"1s\"\n\
             [targets.staging]\nenv = {{ HOTAPP_PORT = \"{port}\" }}\n\
             hosts = [{{ name = \"localhost\", transport = \"local\", path = {host:?}, node = \"hotbench{}\" }}]\n",
            std::process::id()
        );
        Ok(self.sample.write("edeliver.toml", &text)?)
    }
    /// Commits what is there as this version, and builds it.
    pub(super) fn build(&self, version: &str) -> Result<(), Box<dyn Error>> {
        let commit = self.sample.commit(version)?;
        self.done(&["build", "release", &format!("--revision={commit}")]).map(drop)
    }
    /// The first version on a host that had nothing, running; upgrades go by this engine from now on.
    pub(super) fn begin(&self, engine: &str) -> Result<(), Box<dyn Error>> {
        self.configure(engine)?;
        let _ = self.run(&["stop", "staging", "--yes"]);
        let _ = fs::remove_dir_all(self.folder.path().join("host"));
        self.done(&["deploy", "release", "to", "staging", "--version=0.1.0", "--start-deploy", "--yes"]).map(drop)
    }
    /// Upgrades the node, well or not.
    pub(super) fn upgrade(&self, version: &str) -> Result<Events, Box<dyn Error>> {
        let output = self.run(&["deploy", "upgrade", "to", "staging", &format!("--version={version}"), "--yes", "--json"])?;
        Ok(Events::read(&String::from_utf8_lossy(&output.stdout)))
    }
    /// edeliver with these words, which must succeed; gives what it printed.
    pub(super) fn done(&self, words: &[&str]) -> Result<String, Box<dyn Error>> {
        let output = self.run(words)?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            false => Err(format!("`edeliver {}` failed: {}", words.join(" "), String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
    fn run(&self, words: &[&str]) -> io::Result<Output> {
        Command::new(&self.edeliver).args(words).current_dir(&self.sample.dir).output()
    }
}
