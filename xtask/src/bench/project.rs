//! The application that travels: two versions of the Elixir sample that differ in one module, built once.
//!
//! The sample alone would be the smallest release there is. It gets what a web application brings along: the libraries of OTP that
//! one with TLS and a database has, and files below `priv/static` that no compression makes smaller.

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver_lab::samples::{self, Sample};
use tempfile::TempDir;

/// Libraries of OTP that applications like to have.
const LIBRARIES: &str = "[:logger, :ssl, :inets, :xmerl, :mnesia, :os_mon, :runtime_tools]";

/// Pictures and scripts of a web application: how many, and bytes of each.
const ASSETS: (u64, usize) = (100, 200_000);

/// The project, its store with both releases, and both of them unpacked for rsync.
pub(super) struct Project {
    edeliver: PathBuf,
    folder: TempDir,
    sample: Sample,
}

/// Has this version depend on [`LIBRARIES`].
fn use_libraries(sample: &Sample, version: &str) -> Result<(), Box<dyn Error>> {
    sample.edit("mix.exs", "[:logger]", LIBRARIES)?;
    sample.commit("libraries")?;
    sample.git(&["tag", "--force", &format!("v{version}")])?;
    Ok(())
}

/// Adds the assets.
fn grow(sample: &Sample) -> Result<(), Box<dyn Error>> {
    let assets = sample.dir.join("priv/static");
    fs::create_dir_all(&assets)?;
    for number in 0..ASSETS.0 {
        fs::write(assets.join(format!("{number}.png")), noise(number + 1))?;
    }
    Ok(())
}

/// The same bytes every time, without any order in them (xorshift64).
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    (0..ASSETS.1 / 8).flat_map(|_| next()).collect()
}

impl Project {
    /// Builds 0.1.0 and 0.1.1 in a folder of this machine.
    pub(super) fn make(edeliver: PathBuf) -> Result<Self, Box<dyn Error>> {
        let folder = TempDir::with_prefix("edeliver-bench-")?;
        let sample = samples::elixir(&folder.path().join("project"), "0.1.0")?;
        grow(&sample)?;
        use_libraries(&sample, "0.1.0")?;
        sample.set_version("0.1.1")?;
        use_libraries(&sample, "0.1.1")?;
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
    pub(super) fn app(&self) -> &str {
        self.sample.app
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
