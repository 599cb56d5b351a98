//! One shell for all hooks of a run.

mod running;

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use edeliver_core::config::HookSource;
use tokio::{io::AsyncWriteExt, net::UnixStream, sync::Mutex};

use running::Running;

use super::{
    HookError, HookRemote,
    call::SOCKET,
    calls::Calls,
    shell::{
        Function, Shell, Start,
        line::{field, variables_request},
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
        let none = Self { secrets: loaded.secrets(), ..Self::empty(options, reporter) };
        match shell(loaded, reporter).await? {
            Some(read) => none.with(read, &vars::of(loaded), options).await,
            None => Ok(none),
        }
    }
    /// The same with a shell in any case, which sources this file of the project on top.
    ///
    /// # Errors
    /// When hooks or file can't be read, and when the file ends the shell.
    pub async fn with_file(
        file: &Path,
        loaded: &Loaded,
        (options, reporter): (&Options, &Reporter),
        remote: Arc<dyn HookRemote>,
    ) -> Result<Self, HookError> {
        let read = match shell(loaded, reporter).await? {
            Some(read) => read,
            None => source(&loaded.project, Path::new("/dev/null"), vars::of(loaded), reporter).await?,
        };
        let none = Self { secrets: loaded.secrets(), ..Self::empty(options, reporter) };
        let session = none.with(read, &vars::of(loaded), options).await?;
        session.call_any("source", &[file.display().to_string()], &[], remote, Mode::Run).await?;
        Ok(session)
    }
    /// What a file defines, without the project's configuration.
    ///
    /// # Errors
    /// As [`Session::start`].
    pub async fn of_file(file: &Path, options: &Options, project: &Path, reporter: &Reporter) -> Result<Self, HookError> {
        let read = source(project, file, Vec::new(), reporter).await?;
        Self::empty(options, reporter).with(read, &[], options).await
    }
    fn empty(options: &Options, reporter: &Reporter) -> Self {
        let (timeout, reporter) = (options.timeout, reporter.clone());
        Self { functions: Vec::new(), reporter, secrets: Vec::new(), timeout, live: Mutex::new(None) }
    }
    async fn with(self, (shell, functions): Read, variables: &[(String, String)], options: &Options) -> Result<Self, HookError> {
        let talk = |source| HookError::Talk { hook: "shell".to_owned(), source };
        let mut live = Live::new(shell).map_err(talk)?;
        live.prepare(variables, options).await.map_err(talk)?;
        Ok(Self { functions, live: Mutex::new(Some(live)), ..self })
    }
    /// Runs whatever bash finds under this name.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn run_any(&self, name: &str, vars: &[(String, String)], remote: Arc<dyn HookRemote>) -> Result<(), HookError> {
        self.call_any(name, &[], vars, remote, Mode::Run).await.map(|_| ())
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
        match self.defines(name) {
            true => self.call_any(name, args, vars, remote, mode).await.map(Some),
            false => Ok(None),
        }
    }
    async fn call_any(
        &self,
        name: &str,
        args: &[String],
        vars: &[(String, String)],
        remote: Arc<dyn HookRemote>,
        mode: Mode,
    ) -> Result<Captured, HookError> {
        let mut held = self.live.lock().await;
        // Taken out, so that a call which is dropped half-way leaves no shell in an unknown state behind.
        let live = held.take().ok_or_else(|| HookError::Gone { hook: name.to_owned() })?;
        live.calls.answer_with(remote);
        let mut running = Running::new(live, self, name);
        let done = running.run(args, vars, mode).await?;
        *held = running.live.take();
        Ok(done)
    }
}

/// A shell that has read a file, and what that defines.
type Read = (Shell, Vec<Function>);

/// The shell that has the hooks, and its functions.
async fn shell(loaded: &Loaded, reporter: &Reporter) -> Result<Option<Read>, HookError> {
    if let Some(parked) = loaded.take_shell() {
        return Ok(Some((parked.shell, parked.functions)));
    }
    let HookSource::Bash { file } = &loaded.settings.hooks else { return Ok(None) };
    source(&loaded.project, file, vars::of(loaded), reporter).await.map(Some)
}

/// A shell that has read this file.
async fn source(project: &Path, file: &Path, variables: Vec<(String, String)>, reporter: &Reporter) -> Result<Read, HookError> {
    let (project, file) = (project.to_owned(), file.to_owned());
    let started = tokio::task::spawn_blocking(move || {
        let timeout = Duration::from_secs(60); // as for a classic config
        Shell::start(&Start { project: &project, file: &file, variables: &variables, timeout })
    });
    let (shell, sourced) =
        started.await.map_err(|error| HookError::Talk { hook: "shell".to_owned(), source: io::Error::other(error) })??;
    sourced.said.iter().for_each(|line| reporter.output(line));
    Ok((shell, sourced.functions))
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
