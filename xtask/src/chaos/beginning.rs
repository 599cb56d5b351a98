//! The releases: two that are well, and one that falls some seconds after its start.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use edeliver_lab::samples;
use tempfile::TempDir;

use super::recipe::{BAD, GOOD};

/// Code whose counter falls again and again, until its supervisor gives up.
const FALLS: [(&str, &str); 3] = [
    ("@vsn \"1\"", "@vsn \"2\""),
    ("{:ok, %{n: Keyword.get(options, :from, 0)}}", "{:ok, doomed(%{n: Keyword.get(options, :from, 0)})}"),
    (
        "def code_change(_vsn, state, _extra), do: {:ok, state}",
        "def code_change(_vsn, state, _extra), do: {:ok, doomed(state)}\n  def handle_info(:doom, _), do: raise \"doomed\"\n  defp doomed(state) \
         do\n    Process.send_after(self(), :doom, 1_200)\n    state\n  end",
    ),
];

/// A project whose store has all three.
pub(super) struct Project {
    folder: TempDir,
}

impl Project {
    /// Builds them on this machine, whose programs the lab's hosts have.
    ///
    /// # Errors
    /// The build's.
    pub(super) fn make(edeliver: &Path) -> Result<Self, Box<dyn Error>> {
        let project = Self { folder: TempDir::with_prefix("edeliver-chaos-")? };
        let sample = samples::elixir(&project.dir(), GOOD[0])?;
        for version in [GOOD[0], GOOD[1], BAD] {
            sample.set_version(version)?;
            if version == BAD {
                FALLS.iter().try_for_each(|(before, after)| sample.edit("lib/hotapp/counter.ex", before, after))?;
            }
            project.configure("")?;
            sample.commit("as it is deployed")?;
            project.build(edeliver)?;
        }
        Ok(project)
    }
    fn build(&self, edeliver: &Path) -> Result<(), Box<dyn Error>> {
        let mut command = Command::new(edeliver);
        let output = command.args(["build", "release"]).current_dir(self.dir()).stdin(Stdio::null()).output()?;
        match output.status.success() {
            true => Ok(()),
            false => Err(format!("no release: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
    /// Writes edeliver.toml: this, and what never changes.
    ///
    /// # Errors
    /// It can't be written.
    pub(super) fn configure(&self, more: &str) -> Result<(), Box<dyn Error>> {
        let builds = self.folder.path().join("builds");
        let build = format!("[build]\nhost = \"build\"\ntransport = \"local\"\npath = {builds:?}\n");
        Ok(std::fs::write(self.dir().join("edeliver.toml"), format!("app = \"hotapp\"\n\n{build}\n{more}"))?)
    }
    pub(super) fn dir(&self) -> PathBuf {
        self.folder.path().join("project")
    }
}
