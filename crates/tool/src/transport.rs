//! Reaching a host: the one seam through which edeliver does anything elsewhere.
//!
//! A remote step is one fixed script, run by `/bin/sh` of the host with positional arguments. It goes there on standard input, so
//! neither the script nor its arguments are seen by the login shell (dash, zsh, fish, …) or stand in a process list. What comes
//! back is framed by marks: output that start-up files print is dropped, and a shell that silently did nothing is noticed.

mod around;
mod call;
mod container;
mod detached;
mod fronted;
pub mod limits;
mod local;
mod marks;
pub mod prompt;
pub mod quote;
pub mod ssh;
mod told;
mod wrapper;

use std::{path::Path, sync::Arc, time::Duration};

use async_trait::async_trait;
use edeliver_core::{
    config::settings::{BuildSettings, HostSpec, TransportKind},
    event::StdStream,
    hint::Hint,
};
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::{container::Container, limits::Limits, local::Local, ssh::Ssh, wrapper::BOOTSTRAP};
pub(crate) use self::{fronted::Fronted, wrapper::condensed};

/// Reaches a host in the way it asks for: logs in, or uses this machine.
///
/// # Errors
/// Everything that can go wrong with a login; a local host can always be opened.
pub async fn open(spec: &HostSpec, limits: &Limits) -> Result<Arc<dyn Transport>, TransportError> {
    let transport: Arc<dyn Transport> = match spec.transport {
        TransportKind::Local => Arc::new(Local::new()),
        TransportKind::Ssh => Arc::new(Ssh::open(spec, limits).await?),
    };
    Ok(told_by(transport, spec, limits))
}

/// Reaches the place where releases are built: the build host, or a container on this machine, whose folder is kept in `store` between builds.
///
/// # Errors
/// As [`open`]; no container can be started.
pub async fn open_builder(build: &BuildSettings, store: &Path, limits: &Limits) -> Result<Arc<dyn Transport>, TransportError> {
    let Some(image) = &build.image else { return open(&build.host, limits).await };
    let folder = std::path::absolute(store.join("container"))
        .map_err(|source| TransportError::Here { what: "the release store has no path", source })?;
    let container = Container::start(image, &folder, build.host.path.as_str()).await?;
    Ok(told_by(Arc::new(container), &build.host, limits))
}

fn told_by(transport: Arc<dyn Transport>, spec: &HostSpec, limits: &Limits) -> Arc<dyn Transport> {
    match limits.reporter() {
        Some(reporter) => Arc::new(told::Told::new(transport, &spec.name, reporter)),
        None => transport,
    }
}

/// A script of this program, written for POSIX sh.
#[derive(Debug, Clone, Copy)]
pub struct Script {
    /// For people and logs.
    pub name: &'static str,
    /// The text, from a file beside the code that uses it (`include_str!`).
    pub text: &'static str,
}

/// What a script reads on its standard input.
///
/// The end of the input is no proof that it was complete: it also ends when the link is lost or the call is dropped, up to a second
/// before the script itself is ended. A script checks what it was sent (gzip, tar, digests) before it acts on it.
pub enum Input {
    /// Nothing: end of file at once.
    Empty,
    /// These bytes.
    Bytes(Vec<u8>),
    /// Whatever this gives, until it ends. An error while reading ends the call with [`TransportError::Input`].
    Stream(Box<dyn AsyncRead + Send + Unpin>),
}

/// Where a script's standard output goes.
pub enum Output<'a> {
    /// Into [`Reply::stdout`], up to 64 MiB.
    Collect,
    /// Line by line, as it comes; nothing is kept but the last lines in [`Reply::tail`].
    Lines(&'a mut (dyn FnMut(&str) + Send)),
    /// Line by line, and which output it came from. The script waits while a line is being heard, so output without an end fills nobody's
    /// memory.
    Heard(&'a mut dyn Listener),
    /// As bytes, as they come.
    Stream(Box<dyn AsyncWrite + Send + Unpin>),
}

/// Hears the lines of a script.
#[async_trait]
pub trait Listener: Send {
    /// Takes one line, without its end; it may have control characters. Output without line ends comes in pieces.
    async fn line(&mut self, from: StdStream, line: &str);
}

/// One script to be run on a host.
pub struct Call<'a> {
    /// The script.
    pub script: Script,
    /// `$1`, `$2`, … any bytes but NUL; quoted in [`quote`] and nowhere else.
    pub args: Vec<String>,
    /// Standard input.
    pub input: Input,
    /// Standard output. Standard error always goes line by line into [`Reply::tail`] and, with [`Output::Lines`] and
    /// [`Output::Heard`], to the same place.
    pub output: Output<'a>,
    /// After this time the script and everything it started are ended, on the host too.
    pub timeout: Duration,
    /// What comes in front of the script, in this order.
    pub before: Vec<Front>,
}

/// A piece of script in front of another one, for which it looks at something, or gets something ready. It may end it before it has begun.
#[derive(Debug, Clone)]
pub struct Front {
    /// The text. It takes its own arguments away from the front.
    pub text: &'static str,
    /// They come before the script's.
    pub args: Vec<String>,
}

impl Call<'static> {
    /// A call without input whose output is collected.
    pub fn new(script: Script, args: impl IntoIterator<Item = impl Into<String>>, timeout: Duration) -> Self {
        let args = args.into_iter().map(Into::into).collect();
        Self { script, args, input: Input::Empty, output: Output::Collect, timeout, before: Vec::new() }
    }
}

/// What came back from a script that ran to its end, successfully or not.
#[derive(Debug, Clone, Default)]
pub struct Reply {
    /// Its exit status.
    pub status: i32,
    /// Its standard output, if it was collected.
    pub stdout: Vec<u8>,
    /// The last lines (at most 40) of its standard error and, unless collected or streamed, its standard output; harmless for terminals.
    pub tail: Vec<String>,
    /// The beginning of what came before the script: what the login's start-up files print; harmless for terminals.
    pub noise: String,
}

impl Reply {
    /// Collected output as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }
    /// The reply of a script that must succeed.
    ///
    /// # Errors
    /// [`TransportError::Failed`] unless the status is 0.
    pub fn ok(self, script: Script) -> Result<Self, TransportError> {
        match self.status {
            0 => Ok(self),
            status => Err(TransportError::Failed { script: script.name, status, tail: self.tail }),
        }
    }
}

/// Why a call gave no reply. A lost link, a refused login and a failed command are different things, and stay so.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// No connection: name not found, refused, timed out, no route.
    #[error("the host can't be reached: {why}")]
    Unreachable {
        /// ssh's own words.
        why: String,
    },
    /// No container on this machine: no engine, or no such image.
    #[error("{why}")]
    NoContainer {
        /// The engine's own words.
        why: String,
    },
    /// The host answered and refused the login.
    #[error("the login was refused: {why}")]
    Login {
        /// ssh's own words.
        why: String,
    },
    /// The host's key is not in known_hosts.
    #[error("the host's key is not known ({fingerprint})")]
    UnknownHostKey {
        /// `ED25519 SHA256:…` as ssh shows it.
        fingerprint: String,
        /// The command that trusts it, after the fingerprint has been compared.
        trust: Hint,
    },
    /// The host's key is another than in known_hosts.
    #[error("the host's key has changed: {why}")]
    ChangedHostKey {
        /// ssh's own words: file and line.
        why: String,
    },
    /// The connection broke while the script ran: what it did is not known.
    #[error("the link was lost while {script} ran")]
    LinkLost {
        /// The script.
        script: &'static str,
    },
    /// The script did not end in time; it was ended on the host.
    #[error("{script} did not finish within {} s", after.as_secs())]
    Timeout {
        /// The script.
        script: &'static str,
        /// The limit.
        after: Duration,
        /// The last lines it printed.
        tail: Vec<String>,
    },
    /// The login shell did not run our script (`nologin`, a forced command, a start-up file that ends it).
    #[error("the host's login shell did not run the command: {why}")]
    NoShell {
        /// What it printed instead.
        why: String,
    },
    /// The script ran and failed.
    #[error("{script} failed with status {status}")]
    Failed {
        /// The script.
        script: &'static str,
        /// Its exit status.
        status: i32,
        /// The last lines it printed.
        tail: Vec<String>,
    },
    /// The script belongs to a run that has lost its lease of the host. It did nothing.
    #[error("the lease of this host is lost, {by} has it now")]
    Fenced {
        /// Who has it.
        by: String,
    },
    /// What we send could not be read.
    #[error("what was to be sent could not be read")]
    Input(#[source] std::io::Error),
    /// Something on this machine: ssh not installed, no temporary directory.
    #[error("{what}")]
    Here {
        /// What could not be done.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The user interrupted.
    #[error("interrupted")]
    Interrupted,
}

impl TransportError {
    /// Something on this machine.
    fn here(what: &'static str, source: std::io::Error) -> Self {
        Self::Here { what, source }
    }
}

/// A two-way byte stream to a port on the host's loopback.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A way to reach one host. One login serves all calls; at most a handful run at the same time.
#[async_trait]
pub trait Transport: Send + Sync {
    /// Runs a script. Dropping the future, like a timeout, ends the script on the host.
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError>;
    /// Says that the call made next is soon followed by one more than was said so far: what can be done for that before it is known, which is
    /// opening a session, is done while the next one runs.
    fn another_follows(&self) {}
    /// Connects to a TCP port on the host's own loopback interface.
    async fn connect(&self, port: u16) -> Result<Box<dyn Stream>, TransportError>;
    /// How `git` reaches a repository at this absolute path on the host over the same login: the URL, and environment for git.
    fn git(&self, path: &str) -> GitRemote;
    /// A command of this machine that runs a script of the host on our terminal, over the same login. The path needs no quotes in any
    /// shell. `None`: there is no such way.
    fn terminal(&self, _script: &str) -> Option<tokio::process::Command> {
        None
    }
    /// Whether the host has turned out to run one call at a time: a long one keeps all others waiting.
    fn is_single(&self) -> bool {
        false
    }
    /// Whether each call costs a round trip to another machine.
    fn is_far(&self) -> bool {
        true
    }
    /// Logins made so far (0 for a local host), and calls.
    fn counts(&self) -> Counts;
    /// Ends the connection and waits for it. Calls after that fail.
    async fn close(&self);
}

/// How git reaches a repository on a host.
#[derive(Debug, Clone)]
pub struct GitRemote {
    /// What to give to `git push`.
    pub url: String,
    /// Environment to run git with.
    pub env: Vec<(String, String)>,
}

/// What a transport has done, for the bench.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Logins.
    pub logins: u32,
    /// Scripts run and ports connected.
    pub calls: u32,
}
