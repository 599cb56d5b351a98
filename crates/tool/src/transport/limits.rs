//! What all connections of one run share: how many may start at a time, and who answers ssh's questions.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edeliver_core::config::SshSettings;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::prompt::{Prompter, Prompts, Terminal};
use crate::report::Reporter;

/// Logins at a time. A stock sshd (`MaxStartups 10:30:100`) starts to drop connections at random when ten are not logged in yet. It may
/// be one jump host that all of them go through, so the limit holds for the run and not only per host.
const STARTS: usize = 8;

/// Sessions at a time on one connection, under the ten of a stock sshd (`MaxSessions 10`): git brings its own.
pub(super) const SESSIONS: usize = 8;

/// Shared by all connections of a run; cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    starts: Arc<Semaphore>,
    prompts: Arc<Prompts>,
    program: Arc<Path>,
    ssh_config: Option<Arc<Path>>,
    connect_timeout: Duration,
    reporter: Option<Reporter>,
}

impl Default for Limits {
    /// For this program: it answers ssh's questions and is git's ssh; the user is asked on the terminal if there is one; ssh reads its usual
    /// configuration.
    fn default() -> Self {
        let program = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("edeliver"));
        let terminal = Terminal::open().map(|terminal| Arc::new(terminal) as Arc<dyn Prompter>);
        Self::new(&program, terminal)
    }
}

impl Limits {
    /// `program` is the edeliver binary, which ssh and git call back; without a prompter nobody can be asked.
    pub fn new(program: &Path, prompter: Option<Arc<dyn Prompter>>) -> Self {
        Self {
            starts: Arc::new(Semaphore::new(STARTS)),
            prompts: Arc::new(Prompts::new(prompter)),
            program: program.into(),
            ssh_config: None,
            connect_timeout: Duration::from_secs(10),
            reporter: None,
        }
    }
    /// With the project's settings for ssh.
    #[must_use]
    pub fn with_ssh(self, settings: &SshSettings) -> Self {
        let limits = Self { connect_timeout: settings.connect_timeout, ..self };
        match &settings.config {
            Some(file) => limits.with_ssh_config(file),
            None => limits,
        }
    }
    /// ssh reads this file instead of its usual ones (`ssh -F`).
    #[must_use]
    pub fn with_ssh_config(self, file: &Path) -> Self {
        Self { ssh_config: Some(file.into()), ..self }
    }
    /// Someone else asks the user: the progress display, which has to make room.
    #[must_use]
    pub fn with_prompter(self, prompter: Arc<dyn Prompter>) -> Self {
        Self { prompts: Arc::new(Prompts::new(Some(prompter))), ..self }
    }
    /// Each call on a host is told here.
    #[must_use]
    pub fn told_to(self, reporter: &Reporter) -> Self {
        Self { reporter: Some(reporter.clone()), ..self }
    }
    pub(super) fn reporter(&self) -> Option<&Reporter> {
        self.reporter.as_ref()
    }
    pub(super) async fn start(&self) -> SemaphorePermit<'_> {
        self.starts.acquire().await.expect("nobody closes it")
    }
    pub(super) fn prompts(&self) -> &Arc<Prompts> {
        &self.prompts
    }
    pub(super) fn program(&self) -> &Path {
        &self.program
    }
    /// The longest wait for a connection, where ssh_config has none for the host.
    pub(super) fn connect_timeout(&self) -> Duration {
        self.connect_timeout
    }
    pub(super) fn ssh_config(&self) -> Option<&Path> {
        self.ssh_config.as_deref()
    }
}
