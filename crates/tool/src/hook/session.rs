//! One shell for all hooks of a run.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edeliver_core::config::HookSource;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
    sync::Mutex,
    time::{Instant, timeout_at},
};

use super::{
    HookError, HookRemote,
    call::SOCKET,
    calls::Calls,
    shell::{
        Function, LastWords, Shell, Start,
        line::{field, variables_request},
        output::{Heard, Said, Tone},
    },
    vars,
};
use crate::{
    config::{Loaded, Parked},
    report::Reporter,
};

/// How hooks run.
#[derive(Debug, Clone)]
pub struct Options {
    /// This program: helpers of hooks run it to reach back.
    pub program: PathBuf,
    /// Longest time for one hook.
    pub timeout: Duration,
    /// Whether `confirm` says yes.
    pub yes: bool,
}

impl Options {
    /// Hooks may take as long as a step of a build.
    pub fn new(timeout: Duration, yes: bool) -> Self {
        Self { program: std::env::current_exe().unwrap_or_else(|_| PathBuf::from("edeliver")), timeout, yes }
    }
}

/// The hooks of a run. Without any, everything here does nothing.
pub struct Session {
    functions: Vec<Function>,
    reporter: Reporter,
    secrets: Vec<String>,
    timeout: Duration,
    live: Mutex<Option<Live>>,
}

/// A shell that waits for requests.
struct Live {
    shell: Shell,
    control: UnixStream,
    calls: Calls,
    ticket: u64,
}

/// What a hook printed that was run to be asked something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Captured {
    /// Its status.
    pub status: i32,
    /// Its standard output, without the line ends at the end.
    pub output: String,
}

/// Whether a hook's standard output is told or kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    Run,
    Capture,
}

impl Session {
    /// The hooks of a project. The shell that has read a classic config is used on; a hooks file is read now.
    ///
    /// # Errors
    /// When there are hooks and they can't be read.
    pub async fn start(loaded: &Loaded, options: &Options, reporter: &Reporter) -> Result<Self, HookError> {
        let none = Self {
            functions: Vec::new(),
            reporter: reporter.clone(),
            secrets: loaded.secrets(),
            timeout: options.timeout,
            live: Mutex::new(None),
        };
        let Some((shell, functions)) = shell(loaded, reporter).await? else { return Ok(none) };
        let talk = |source| HookError::Talk { hook: "shell".to_owned(), source };
        let mut live = Live::new(shell).map_err(talk)?;
        live.prepare(&vars::of(loaded), options).await.map_err(talk)?;
        Ok(Self { functions, live: Mutex::new(Some(live)), ..none })
    }
    /// Leaves the shell to whoever starts the next session, who sees what the hooks of this one have set.
    pub fn rest(self, loaded: &Loaded) {
        let Self { functions, live, .. } = self;
        if let Some(shell) = live.into_inner().and_then(Live::into_shell) {
            loaded.put_shell(Parked { shell, functions });
        }
    }
    /// Whether there is such a function.
    pub fn defines(&self, name: &str) -> bool {
        self.functions.iter().any(|function| function.name == name)
    }
    /// Runs a hook, if there is one of this name. `vars` are set before; what it prints is told line by line. The status it returns does not
    /// count; to stop the run it calls `error` or `exit`.
    ///
    /// # Errors
    /// When it stops the run, or does not end.
    pub async fn run(&self, name: &str, vars: &[(String, String)], remote: Arc<dyn HookRemote>) -> Result<(), HookError> {
        self.call(name, &[], vars, remote, Mode::Run).await.map(|_| ())
    }
    /// Runs a function that is asked something, with arguments: `get_start_node_command start PATH CONFIG`. `None` if there is none of this
    /// name. It runs in a shell of its own, as `$(…)` does: what it sets is forgotten, and `exit` is its status.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn capture(
        &self,
        name: &str,
        args: &[String],
        vars: &[(String, String)],
        remote: Arc<dyn HookRemote>,
    ) -> Result<Option<Captured>, HookError> {
        self.call(name, args, vars, remote, Mode::Capture).await
    }
    /// Runs a function that answers by its status, with arguments, in the shell of all hooks: `execute_custom_node_command start`. `None` if
    /// there is none of this name.
    ///
    /// # Errors
    /// When it stops the run, or does not end.
    pub async fn offer(
        &self,
        name: &str,
        args: &[String],
        vars: &[(String, String)],
        remote: Arc<dyn HookRemote>,
    ) -> Result<Option<i32>, HookError> {
        Ok(self.call(name, args, vars, remote, Mode::Run).await?.map(|done| done.status))
    }
    async fn call(
        &self,
        name: &str,
        args: &[String],
        vars: &[(String, String)],
        remote: Arc<dyn HookRemote>,
        mode: Mode,
    ) -> Result<Option<Captured>, HookError> {
        if !self.defines(name) {
            return Ok(None);
        }
        let mut held = self.live.lock().await;
        // Taken out, so that a call which is dropped half-way leaves no shell in an unknown state behind.
        let live = held.take().ok_or_else(|| HookError::Gone { hook: name.to_owned() })?;
        live.calls.answer_with(remote);
        let mut running =
            Running { live: Some(live), session: self, hook: name, last: LastWords::default(), last_was_error: false };
        let done = running.run(args, vars, mode).await?;
        *held = running.live.take();
        Ok(Some(done))
    }
}

/// The shell that has the hooks, and its functions.
async fn shell(loaded: &Loaded, reporter: &Reporter) -> Result<Option<(Shell, Vec<Function>)>, HookError> {
    if let Some(parked) = loaded.take_shell() {
        return Ok(Some((parked.shell, parked.functions)));
    }
    let HookSource::Bash { file } = &loaded.settings.hooks else { return Ok(None) };
    let (project, file, variables) = (loaded.project.clone(), file.clone(), vars::of(loaded));
    let started = tokio::task::spawn_blocking(move || {
        let timeout = Duration::from_secs(60); // as for a classic config
        Shell::start(&Start { project: &project, file: &file, variables: &variables, timeout })
    });
    let (shell, sourced) =
        started.await.map_err(|error| HookError::Talk { hook: "shell".to_owned(), source: io::Error::other(error) })??;
    sourced.said.iter().for_each(|line| reporter.output(line));
    Ok(Some((shell, sourced.functions)))
}

impl Live {
    fn new(mut shell: Shell) -> io::Result<Self> {
        let control = shell.control.take().ok_or(io::ErrorKind::BrokenPipe)?;
        control.set_nonblocking(true)?;
        let calls = Calls::listen(&socket(shell.dir.path()))?;
        Ok(Self { control: UnixStream::from_std(control)?, calls, shell, ticket: 0 })
    }
    /// Nothing if it can't be used again; another one reads the hooks anew then.
    fn into_shell(self) -> Option<Shell> {
        let Self { mut shell, control, .. } = self;
        shell.control = Some(control.into_std().ok()?);
        Some(shell)
    }
    async fn prepare(&mut self, variables: &[(String, String)], options: &Options) -> io::Result<()> {
        let export = [
            (SOCKET, socket(self.shell.dir.path()).to_string_lossy().into_owned()),
            ("EDELIVER", options.program.to_string_lossy().into_owned()),
            ("EDELIVER_YES", options.yes.to_string()),
        ];
        let mut request = Vec::new();
        for (name, value) in &export {
            request.extend(["export", *name, value.as_str()].iter().flat_map(|word| field(word)));
        }
        request.extend(set(variables));
        self.control.write_all(&request).await
    }
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("hook.sock")
}

fn set(variables: &[(String, String)]) -> Vec<u8> {
    [field("set"), variables_request(variables)].concat()
}

/// A hook that runs. Dropped before its end, it is ended with everything it started.
struct Running<'a> {
    live: Option<Live>,
    session: &'a Session,
    hook: &'a str,
    /// The last lines it printed.
    last: LastWords,
    last_was_error: bool,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(live) = &self.live {
            live.shell.group.kill();
        }
    }
}

/// That many lines of a hook are kept, for the case that it fails.
const KEPT: usize = 40;

impl Running<'_> {
    async fn run(&mut self, args: &[String], vars: &[(String, String)], mode: Mode) -> Result<Captured, HookError> {
        let until = Instant::now() + self.session.timeout;
        let ticket = self.request(args, vars, mode).await.map_err(|source| self.broken(source))?;
        let output = match mode {
            Mode::Run => String::new(),
            Mode::Capture => self.reply(until).await?,
        };
        let status = self.listen(&ticket, until).await?;
        Ok(Captured { status, output })
    }
    async fn request(&mut self, args: &[String], vars: &[(String, String)], mode: Mode) -> io::Result<String> {
        let hook = self.hook;
        let live = self.live();
        live.ticket += 1;
        let ticket = live.ticket.to_string();
        let verb = if mode == Mode::Run { "run" } else { "capture" };
        let count = args.len().to_string();
        let words = [verb, &ticket, hook, &count].into_iter().chain(args.iter().map(String::as_str));
        let request: Vec<u8> = set(vars).into_iter().chain(words.flat_map(field)).collect();
        live.control.write_all(&request).await?;
        Ok(ticket)
    }
    fn live(&mut self) -> &mut Live {
        self.live.as_mut().expect("only taken out when the hook is over")
    }
    /// Tells what the hook prints until it is over.
    async fn listen(&mut self, ticket: &str, until: Instant) -> Result<i32, HookError> {
        loop {
            let heard = timeout_at(until, self.live().shell.heard.recv()).await;
            match heard {
                Ok(Some(Heard::Said(said))) => self.tell(said),
                Ok(Some(Heard::Flushed(mark))) => {
                    if let Some(status) = mark.strip_prefix(ticket).and_then(|rest| rest.trim().parse().ok()) {
                        return Ok(status);
                    }
                }
                Ok(Some(Heard::Ended(status))) => return Err(self.ended(status)),
                Ok(None) => return Err(self.ended(1)),
                Err(_) => return Err(self.late()),
            }
        }
    }
    /// The field with a captured output. A function that ends the shell leaves none.
    async fn reply(&mut self, until: Instant) -> Result<String, HookError> {
        let mut bytes = Vec::new();
        loop {
            match timeout_at(until, self.live().control.read_u8()).await {
                Ok(Ok(0)) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
                Ok(Ok(byte)) => bytes.push(byte),
                Ok(Err(source)) => return Err(self.broken(source)),
                Err(_) => return Err(self.late()),
            }
        }
    }
    fn tell(&mut self, said: Said) {
        let text = hidden(&self.session.secrets, &said.text);
        let reporter = &self.session.reporter;
        match said.tone {
            Tone::Output | Tone::Error => reporter.output(&text),
            Tone::Status => reporter.info(format!("-----> {text}")),
            Tone::Success => reporter.info(text.clone()),
            Tone::Hint => reporter.warn(text.clone(), Vec::new()),
        }
        self.keep(text, said.tone);
    }
    /// What `error_message` said at the very end is why the hook failed; else it is the last line.
    fn keep(&mut self, text: String, tone: Tone) {
        let LastWords { lines, matter } = &mut self.last;
        *matter = if tone == Tone::Error && self.last_was_error { *matter + 1 } else { 1 };
        self.last_was_error = tone == Tone::Error;
        if lines.len() == KEPT {
            lines.remove(0);
        }
        lines.push(text);
    }
    fn said(&mut self) -> LastWords {
        std::mem::take(&mut self.last)
    }
    fn ended(&mut self, status: i32) -> HookError {
        let (hook, said) = (self.hook.to_owned(), self.said());
        if status == 0 { HookError::Stopped { hook, said } } else { HookError::Failed { hook, status, said } }
    }
    fn late(&mut self) -> HookError {
        HookError::Timeout { hook: self.hook.to_owned(), after: self.session.timeout, said: self.said() }
    }
    fn broken(&self, source: io::Error) -> HookError {
        HookError::Talk { hook: self.hook.to_owned(), source }
    }
}

/// The text with stars for every secret.
fn hidden(secrets: &[String], text: &str) -> String {
    secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), edeliver_core::config::secret::MASK))
}
