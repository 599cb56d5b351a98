//! The fleet of a run: its hosts, and edeliver used on them.

use std::{
    error::Error,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use edeliver_lab::{Fault, HostSpec, Lab, LabSpec};

use super::{
    beginning::Project,
    recipe::{GOOD, HOSTS, SMALL_DISKS, host},
};

/// The port the application answers on.
pub(super) const PORT: u16 = 4000;

/// Where releases are on a host.
pub(super) const APPS: &str = "/home/deploy/apps";

/// Hosts that serve, and a project that deploys to them.
pub(super) struct Field {
    pub(super) lab: Lab,
    project: Project,
    edeliver: PathBuf,
}

/// What came of a command.
pub(super) struct Done {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) err: String,
}

impl Field {
    /// All hosts have had both good releases, and serve this one.
    ///
    /// # Errors
    /// No lab, no releases, or they do not start.
    pub(super) fn up(edeliver: PathBuf, from: &str) -> Result<Self, Box<dyn Error>> {
        let project = Project::make(&edeliver)?;
        let spec = (0..HOSTS).fold(LabSpec::empty(), |spec, number| spec.host(&host(number), HostSpec::default()));
        let field = Self { lab: Lab::up(spec)?, project, edeliver };
        field.configure()?;
        (0..SMALL_DISKS).try_for_each(|number| field.small_disk(&host(number)))?;
        let other = GOOD.into_iter().find(|version| *version != from).unwrap_or(GOOD[0]);
        for version in [other, from] {
            field.ok(&format!("deploy release to production --version={version} --start-deploy"))?;
        }
        Ok(field)
    }
    fn small_disk(&self, host: &str) -> Result<(), Box<dyn Error>> {
        self.on(host, &format!("mkdir -p {APPS}"))?;
        Ok(self.lab.fault(host, Fault::Disk { path: APPS.into(), size: "120m".into() })?)
    }
    fn configure(&self) -> Result<(), Box<dyn Error>> {
        let hosts = (0..HOSTS).map(|number| format!("{:?}", host(number))).collect::<Vec<_>>().join(", ");
        self.project.configure(&format!(
            "[ssh]\nconnect_timeout = \"5s\"\n\n[deploy]\nstart_timeout = \"20s\"\nstop_timeout = \"10s\"\nstep_timeout = \"1m\"\n\n\
             [upgrade]\nsoak = \"2s\"\nconfirm_within = \"5s\"\nhealth = {{ command = \"test ! -e sick\" }}\n\n[rollout]\nsoak = \"1s\"\n\n\
             [targets.production]\npath = \"apps\"\nconfirm = false\nhosts = [{hosts}]\nenv = {{ HOTAPP_PORT = \"{PORT}\" }}\n"
        ))
    }
    /// edeliver with these words, in the lab's network, telling events.
    pub(super) fn command(&self, words: &str) -> Command {
        let mut command = self.lab.command(&self.edeliver);
        command.args(words.split_whitespace()).arg("--json").current_dir(self.project.dir()).stdin(Stdio::null());
        command.env("EDELIVER_SSH_CONFIG", self.lab.ssh_config());
        command
    }
    /// The same, to its end.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn run(&self, words: &str) -> Result<Done, Box<dyn Error>> {
        let output = self.command(words).output()?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Done { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) })
    }
    fn ok(&self, words: &str) -> Result<Done, Box<dyn Error>> {
        let done = self.run(words)?;
        match done.code {
            Some(0) => Ok(done),
            code => Err(format!("`edeliver {words}` ended with {code:?}:\n{}{}", done.out, done.err).into()),
        }
    }
    /// A shell command on a host as the deploy user.
    ///
    /// # Errors
    /// It can't be reached.
    pub(super) fn on(&self, host: &str, shell: &str) -> Result<String, Box<dyn Error>> {
        let output = self.lab.ssh(host).arg(shell).stdin(Stdio::null()).output()?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned()),
            false => Err(format!("{host}: {shell}: {}", String::from_utf8_lossy(&output.stderr)).into()),
        }
    }
    /// A shell command on a host as root, without ssh. How it ends is of no interest.
    ///
    /// # Errors
    /// It can't be started.
    pub(super) fn as_root(&self, host: &str, shell: &str) -> Result<(), Box<dyn Error>> {
        Ok(self.lab.exec(host, &["sh", "-c", shell]).map(drop)?)
    }
    /// Copies the journals of all runs.
    pub(super) fn keep_journals(&self, to: &Path) {
        let _ = Command::new("cp").arg("-a").arg(self.project.dir().join(".deliver/runs")).arg(to).status();
    }
}
