//! The hosts the demo plays on.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver_lab::{Lab, LabSpec};
use tempfile::TempDir;

/// Production hosts of the demo.
const PRODUCTION: usize = 3;

/// Hosts, the program, and a folder for projects; all gone when dropped.
pub(crate) struct Stage {
    edeliver: PathBuf,
    folder: TempDir,
    lab: Option<Lab>,
}

impl Stage {
    /// Brings the hosts up: real ones where this account may make them, folders elsewhere.
    pub(super) fn up(edeliver: PathBuf, local: bool) -> Result<Self, Box<dyn Error>> {
        let folder = TempDir::with_prefix("edeliver-demo-").map_err(|e| format!("no temporary folder: {e}"))?;
        let possible = if local { Err("--local".to_owned()) } else { Lab::possible() };
        let lab = match possible {
            Ok(()) => Some(Lab::up(LabSpec::fleet(PRODUCTION)).map_err(|e| format!("the lab did not start: {e}"))?),
            Err(why) => {
                println!("No hosts with addresses of their own here ({why}); every host is a folder instead.");
                None
            }
        };
        Ok(Self { edeliver, folder, lab })
    }
    /// Where a project of this name is put.
    pub(super) fn project_folder(&self, name: &str) -> PathBuf {
        self.folder.path().join("projects").join(name)
    }
    /// `edeliver` where it can reach the hosts.
    pub(super) fn edeliver(&self) -> Command {
        match &self.lab {
            Some(lab) => {
                let mut command = lab.command(&self.edeliver);
                command.env("EDELIVER_SSH_CONFIG", lab.ssh_config());
                command
            }
            None => Command::new(&self.edeliver),
        }
    }
    /// The hosts part of a project's edeliver.toml.
    pub(super) fn hosts_toml(&self, app: &str) -> String {
        match &self.lab {
            Some(_) => ssh_hosts(),
            None => folder_hosts(&self.folder.path().join("hosts"), app),
        }
    }
    /// What happens to it at the end, in words.
    pub(super) fn farewell(&self) -> &'static str {
        match &self.lab {
            Some(_) => "the hosts and all they ran go away with this process.",
            None => "nodes are stopped and the folders removed.",
        }
    }
    /// Whether nodes outlive the stage unless they are stopped.
    pub(super) fn is_local(&self) -> bool {
        self.lab.is_none()
    }
}

fn ssh_hosts() -> String {
    let production = (1..=PRODUCTION).map(|n| format!("\"prod{n}\"")).collect::<Vec<_>>().join(", ");
    format!(
        "[build]\nhost = \"build\"\npath = \"builds\"\n\n\
         [targets.staging]\npath = \"apps\"\nhosts = [\"staging1\"]\n\n\
         [targets.production]\npath = \"apps\"\nhosts = [{production}]\n"
    )
}

/// All of these hosts are one machine, on which every node needs a name of its own.
fn folder_hosts(root: &Path, app: &str) -> String {
    let host = |name: &str| {
        let path = root.join(name).join("apps").display().to_string();
        format!("{{ name = \"{name}\", transport = \"local\", path = {path:?}, node = \"{app}_{name}\" }}")
    };
    let production = (1..=PRODUCTION).map(|n| host(&format!("prod{n}"))).collect::<Vec<_>>().join(",\n  ");
    let build = root.join("build").display().to_string();
    format!(
        "[build]\nhost = \"build\"\ntransport = \"local\"\npath = {build:?}\n\n\
         [targets.staging]\nhosts = [\n  {}\n]\n\n\
         [targets.production]\nhosts = [\n  {production}\n]\n",
        host("staging1")
    )
}
