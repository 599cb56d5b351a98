//! A host reached by OpenSSH: one login, every call a session of it.
//!
//! The login is a master process of our own ([`master`]), or the user's if one is running. Calls speak the multiplexing protocol to it
//! directly ([`mux`]): no process per call, and no silent second login when the connection is gone, as `ssh -S` would make.

mod askpass;
mod config;
mod failure;
mod forward;
mod git;
mod line;
mod master;
mod mux;
mod sessions;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use async_trait::async_trait;
use edeliver_core::config::settings::HostSpec;
use tokio::{
    sync::Mutex,
    time::{sleep, timeout},
};

use self::{
    askpass::askpass_main,
    config::Destination,
    forward::Forward,
    git::git_ssh_main,
    master::{Lines, Master},
    mux::{Mux, MuxError},
    sessions::Sessions,
};
use super::{Call, Counts, GitRemote, Limits, Reply, Stream, Transport, TransportError, call::Prepared};

/// Attempts at a login that an overloaded sshd drops, and the pause after the first; it doubles.
const ATTEMPTS: u32 = 5;
const PAUSE: Duration = Duration::from_millis(250);

/// If ssh or git started this process as a helper of theirs: does that, and gives the exit code. `words` is the whole command line; to
/// be called before anything else looks at it, because ssh puts its question where a verb would stand.
pub fn hidden_main(words: &[OsString]) -> Option<ExitCode> {
    let name = words.first().map(Path::new)?;
    match words.get(1) {
        Some(prompt) if name.file_name().is_some_and(|name| name == askpass::PROGRAM) => Some(askpass_main(name, prompt)),
        Some(verb) if verb == git::VERB => Some(git_ssh_main(&words[2..])),
        _ => None,
    }
}

/// A host behind an ssh connection.
#[derive(Debug)]
pub struct Ssh {
    label: String,
    /// What ssh calls the host.
    words: Vec<String>,
    program: PathBuf,
    sessions: Sessions,
    /// Ours; `None` if the connection is the user's, or closed.
    master: Mutex<Option<Master>>,
    said: Lines,
    logins: u32,
    calls: AtomicU32,
}

impl Ssh {
    /// Logs in, or joins a connection that the user keeps open (`ControlPath`).
    ///
    /// # Errors
    /// Everything that can go wrong with a login.
    pub async fn open(spec: &HostSpec, limits: &Limits) -> Result<Self, TransportError> {
        let to = Destination::resolve(spec, limits).await?;
        if let Some(socket) = users_own(&to).await {
            return Ok(Self::over(socket, None, spec, &to, limits));
        }
        let master = login(&to, limits).await?;
        Ok(Self::over(master.socket().to_owned(), Some(master), spec, &to, limits))
    }

    fn over(socket: PathBuf, mut master: Option<Master>, spec: &HostSpec, to: &Destination, limits: &Limits) -> Self {
        Self {
            label: spec.name.to_string(),
            words: to.words.clone(),
            program: limits.program().to_owned(),
            sessions: Sessions::new(socket, master.as_mut().and_then(Master::prompt)),
            logins: u32::from(master.is_some()),
            said: master.as_ref().map(Master::said).unwrap_or_default(),
            master: Mutex::new(master),
            calls: AtomicU32::new(0),
        }
    }

    /// No call could be started; nothing has happened on the host.
    fn not_started(&self, error: &MuxError) -> TransportError {
        let said = self.said.all().into_iter().rfind(|line| !line.is_empty());
        let why = match (error, said) {
            (MuxError::Gone(_), Some(said)) => format!("{error}: {said}"),
            (MuxError::Refused(_), _) => format!("it opens no further session: {error}"),
            _ => error.to_string(),
        };
        TransportError::Unreachable { why }
    }
}

/// The user's own master, if one is running and answers. Most users who have one log in with a code or a key to touch.
async fn users_own(to: &Destination) -> Option<PathBuf> {
    let socket = to.control_path.clone().filter(|path| path.exists())?;
    let ask = async { Mux::open(&socket).await?.alive().await };
    timeout(Duration::from_secs(2), ask).await.ok()?.ok()?;
    Some(socket)
}

async fn login(to: &Destination, limits: &Limits) -> Result<Master, TransportError> {
    let (mut pause, gateway) = (PAUSE, to.gateway());
    for _ in 1..ATTEMPTS {
        let attempt = {
            let _start = limits.start(&gateway).await;
            Master::start(to, limits).await
        };
        match attempt {
            Err(error) if failure::is_overload(&error) => sleep(pause).await,
            other => return other,
        }
        pause *= 2;
    }
    let _start = limits.start(&gateway).await;
    Master::start(to, limits).await
}

#[async_trait]
impl Transport for Ssh {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let call = Prepared::new(call)?;
        let channel = self.sessions.open(call.preamble()).await.map_err(|error| self.not_started(&error))?;
        call.run(channel).await
    }
    fn another_follows(&self) {
        self.sessions.expect_another();
    }
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match Forward::open(self.sessions.socket(), port).await {
            Ok(stream) => Ok(Box::new(stream)),
            Err(MuxError::Refused(why)) => Err(TransportError::Unreachable { why: format!("port {port} of the host: {why}") }),
            Err(error) => Err(self.not_started(&error)),
        }
    }
    fn git(&self, path: &str) -> GitRemote {
        git::remote(&self.label, path, &self.program, self.sessions.socket())
    }
    fn terminal(&self, script: &str) -> Option<tokio::process::Command> {
        let mut command = tokio::process::Command::new("ssh");
        // ssh itself, because it knows how to treat a terminal. Without the connection it would log in once more: it must not.
        command.args(["-q", "-t", "-o", "ControlMaster=no", "-o", "ProxyCommand=false", "-S"]).arg(self.sessions.socket());
        command.args(&self.words).arg(format!("exec /bin/sh {script}"));
        Some(command)
    }
    fn is_single(&self) -> bool {
        self.sessions.is_single()
    }
    fn counts(&self) -> Counts {
        Counts { logins: self.logins, calls: self.calls.load(Ordering::Relaxed) }
    }
    async fn close(&self) {
        self.sessions.close();
        let master = self.master.lock().await.take();
        if let Some(master) = master {
            master.stop().await;
        }
    }
}
