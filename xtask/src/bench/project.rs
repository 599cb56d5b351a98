//! The application that travels: two versions of the Elixir sample that differ in one module, built once.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver_lab::samples::{self, Sample};
use tempfile::TempDir;

/// The project, its store with both releases, and both of them unpacked for rsync.
pub(super) struct Project {
    edeliver: PathBuf,
    folder: TempDir,
    sample: Sample,
}

impl Project {
    /// Builds 0.1.0 and 0.1.1 in a folder of this machine.
    pub(super) fn make(edeliver: PathBuf) -> Result<Self, Box<dyn Error>> {
        let folder = TempDir::with_prefix("edeliver-bench-")?;
        let sample = samples::elixir(&folder.path().join("project"), "0.1.0")?;
        sample.set_version("0.1.1")?;
        let project = Self { edeliver, folder, sample };
        let build = project.folder.path().join("build").display().to_string();
        project.configure(&format!("[build]\nhost = \"build\"\ntransport = \"local\"\npath = {build:?}\n"))?;
        for version in ["0.1.0", "0.1.1"] {
            let status = Command::new(&project.edeliver)
                .args(["build", "release", &format!("--tag=v{version}")])
                .current_dir(project.dir())
                .status()?;
            if !status.success() {
                return Err(format!("building {version} ended with {status}").into());
            }
            project.unpack(version)?;
        }
        Ok(project)
    }
    /// Writes edeliver.toml: this, and what never changes.
    pub(super) fn configure(&self, hosts: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.sample.write("edeliver.toml", &format!("app = \"{}\"\n\n[store]\narchive = true\n\n{hosts}", self.sample.app))?)
    }
    pub(super) fn dir(&self) -> &Path {
        &self.sample.dir
    }
    pub(super) fn edeliver(&self) -> &Path {
        &self.edeliver
    }
    /// Changes one line of one module and commits; gives the commit.
    pub(super) fn change(&self, text: &str) -> Result<String, Box<dyn Error>> {
        self.sample.set_marker(text)?;
        Ok(self.sample.commit(text)?)
    }
    /// The classic archive.
    pub(super) fn archive(&self, version: &str) -> PathBuf {
        self.dir().join(format!(".deliver/releases/{}_{version}.release.tar.gz", self.sample.app))
    }
    /// The size of a whole archive.
    pub(super) fn archive_bytes(&self) -> u64 {
        fs::metadata(self.archive("0.1.1")).map_or(0, |meta| meta.len())
    }
    /// The archive's content as a folder.
    pub(super) fn unpacked(&self, version: &str) -> PathBuf {
        self.folder.path().join(format!("unpacked-{version}"))
    }
    fn unpack(&self, version: &str) -> Result<(), Box<dyn Error>> {
        let to = self.unpacked(version);
        fs::create_dir_all(&to)?;
        let status = Command::new("tar").arg("-xzf").arg(self.archive(version)).arg("-C").arg(to).status()?;
        if status.success() { Ok(()) } else { Err(format!("unpacking {version} ended with {status}").into()) }
    }
}
