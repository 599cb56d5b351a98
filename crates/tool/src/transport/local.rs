//! A "host" that is a folder on this machine: the same wrapper, run by this machine's `/bin/sh`.

use std::{
    path::PathBuf,
    process::Stdio,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
};

use async_trait::async_trait;
use tokio::net::TcpStream;

use super::{
    Call, Counts, GitRemote, Reply, Stream, Transport, TransportError,
    call::{Channel, Ended, Prepared, pipes},
    detached::detached,
    wrapper::BOOTSTRAP,
};

/// What a login would set. Everything else of the caller's environment (`MIX_ENV`, `GIT_DIR`, `RELEASE_…`) stays behind, so that a
/// local host behaves as a remote one does.
const KEPT: [&str; 11] =
    ["HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"];

/// This machine as a host.
#[derive(Debug)]
pub struct Local {
    shell: PathBuf,
    /// Words in front of the shell's own: those of a program that starts it somewhere else.
    before: Vec<String>,
    environment: Vec<(String, String)>,
    calls: AtomicU32,
    closed: AtomicBool,
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Local {
    /// With `/bin/sh`, and of the program's environment what a login would set.
    pub fn new() -> Self {
        let environment = KEPT.iter().filter_map(|name| Some(((*name).to_owned(), std::env::var(name).ok()?))).collect();
        Self { shell: "/bin/sh".into(), before: Vec::new(), environment, calls: AtomicU32::new(0), closed: AtomicBool::new(false) }
    }
    /// Instead of `/bin/sh`, this login shell is given the command, as sshd would.
    #[must_use]
    pub fn login_shell(self, shell: impl Into<PathBuf>) -> Self {
        Self { shell: shell.into(), ..self }
    }
    /// Instead of `/bin/sh`, this program starts it, by these words, and has our whole environment.
    #[must_use]
    pub(super) fn started_by(self, program: impl Into<PathBuf>, words: Vec<String>) -> Self {
        let all =
            std::env::vars_os().map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()));
        Self { shell: program.into(), before: words, environment: all.collect(), ..self }
    }
    /// One more variable in the environment of every script.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }
    fn counted(&self) -> Result<(), TransportError> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(TransportError::Unreachable { why: "the connection has been closed".to_owned() });
        }
        self.calls.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
    fn start(&self, preamble: &[u8]) -> Result<Channel, TransportError> {
        let failed = |source| TransportError::Here { what: "a shell can't be started on this machine", source };
        let (near, far) = pipes(preamble).map_err(failed)?;
        let [far_in, far_out, far_err] = far.map(Stdio::from);
        let mut command = detached(&self.shell);
        command
            .args(&self.before)
            .args(["-c", BOOTSTRAP])
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(far_in).stdout(far_out).stderr(far_err);
        if let Some(home) = std::env::home_dir().filter(|home| home.is_dir()) {
            command.current_dir(home);
        }
        let mut child = command.spawn().map_err(failed)?;
        // Waited for from the start: a shell that was killed must be reaped, or its watch takes it for alive.
        let wait = tokio::spawn(async move { child.wait().await });
        let ended = Box::pin(async move {
            let _ = wait.await;
            Ended::Process
        });
        Ok(Channel { near, ended })
    }
}

#[async_trait]
impl Transport for Local {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        self.counted()?;
        let call = Prepared::new(call)?;
        let channel = self.start(call.preamble())?;
        call.run(channel).await
    }
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.counted()?;
        let stream = TcpStream::connect(("127.0.0.1", port)).await.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        match stream {
            Ok(stream) => Ok(Box::new(stream)),
            Err(error) => Err(TransportError::Unreachable { why: format!("port {port} of this machine: {error}") }),
        }
    }
    fn git(&self, path: &str) -> GitRemote {
        GitRemote { url: path.to_owned(), env: Vec::new() }
    }
    fn terminal(&self, script: &str) -> Option<tokio::process::Command> {
        let mut command = tokio::process::Command::new(&self.shell);
        command.arg(script).env_clear().envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.envs(std::env::var_os("TERM").map(|term| ("TERM", term)));
        Some(command)
    }
    fn is_far(&self) -> bool {
        false
    }
    fn counts(&self) -> Counts {
        Counts { logins: 0, calls: self.calls.load(Ordering::Relaxed) }
    }
    async fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }
}
