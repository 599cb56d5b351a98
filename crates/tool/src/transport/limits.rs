//! What all connections of one run share: how many may start at a time, and who answers ssh's questions.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use edeliver_core::config::SshSettings;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::prompt::{Prompter, Prompts, Terminal};
use crate::report::Reporter;

/// Logins at a time through one gateway: a jump host, or the host itself. A stock sshd (`MaxStartups 10:30:100`) starts to drop connections at
/// random when ten are not logged in yet.
const STARTS: usize = 8;

/// Logins at a time in all. Each is a process of ssh's that computes on this machine.
const STARTS_IN_ALL: usize = 64;

/// Sessions at a time on one connection, under the ten of a stock sshd (`MaxSessions 10`): git brings its own.
pub(super) const SESSIONS: usize = 8;

/// Shared by all connections of a run; cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    starts: Arc<Semaphore>,
    gateways: Arc<Mutex<HashMap<String, Arc<Semaphore>>>>,
    prompts: Arc<Prompts>,
    program: Arc<Path>,
    ssh_config: Option<Arc<Path>>,
    connect_timeout: Duration,
    reporter: Option<Reporter>,
}

/// A login that has begun.
#[derive(Debug)]
pub(super) struct Start {
    _own: OwnedSemaphorePermit,
    _all: OwnedSemaphorePermit,
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
            starts: Arc::new(Semaphore::new(STARTS_IN_ALL)),
            gateways: Arc::default(),
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
    /// Waits until a login may begin through this gateway; it counts as begun while the guard lives.
    pub(super) async fn start(&self, gateway: &str) -> Start {
        let own = self.gateway(gateway);
        // First through the narrow door: who waits there must not keep others from other gateways.
        let own = own.acquire_owned().await.expect("nobody closes it");
        let all = self.starts.clone().acquire_owned().await.expect("nobody closes it");
        Start { _own: own, _all: all }
    }
    fn gateway(&self, name: &str) -> Arc<Semaphore> {
        let mut gateways = self.gateways.lock().unwrap_or_else(PoisonError::into_inner);
        gateways.entry(name.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(STARTS))).clone()
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    fn limits() -> Limits {
        Limits::new(Path::new("edeliver"), None)
    }

    async fn may_begin(limits: &Limits, gateway: &str) -> Option<Start> {
        timeout(Duration::from_millis(20), limits.start(gateway)).await.ok()
    }

    #[tokio::test]
    async fn a_gateway_takes_eight_logins_at_a_time_and_holds_nobody_else_up() {
        let limits = limits();
        let mut begun = Vec::new();
        for _ in 0..STARTS {
            begun.push(may_begin(&limits, "bastion").await.expect("there is room"));
        }
        assert!(may_begin(&limits, "bastion").await.is_none(), "a stock sshd would drop one");
        assert!(may_begin(&limits, "web9:22").await.is_some(), "another gateway has room of its own");
        begun.pop();
        assert!(may_begin(&limits, "bastion").await.is_some());
    }

    #[tokio::test]
    async fn no_more_logins_are_on_their_way_than_this_machine_computes_well() {
        let limits = limits();
        let mut begun = Vec::new();
        for host in 0..STARTS_IN_ALL {
            begun.push(may_begin(&limits, &format!("web{host}:22")).await.expect("there is room"));
        }
        assert!(may_begin(&limits, "one-more:22").await.is_none());
    }
}
