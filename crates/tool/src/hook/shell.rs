//! The system's bash as a process that we talk to: it sources a file once, tells its variables and functions, and then runs functions of
//! that file, one after the other, in the same shell.
//!
//! Knows the protocol of `prelude.sh` and nothing of what variables or hooks mean.

pub(super) mod line;
pub mod output;

use std::{
    ffi::OsString,
    fmt,
    io::{self, Write},
    net::Shutdown,
    os::unix::{fs::OpenOptionsExt, net::UnixStream, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use line::{Broken, Line, field, variables_request};
use output::{Heard, Said};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::sync::mpsc;

use crate::report::printable;

/// The script that bash runs.
const PRELUDE: &str = include_str!("prelude.sh");

/// Environment that would change what bash does before or while it reads the file.
const UNWANTED_ENV: &[&str] = &["BASH_ENV", "ENV", "SHELLOPTS", "BASHOPTS", "POSIXLY_CORRECT", "CDPATH", "EDELIVER_HOOK_SOCKET"];

/// Why the shell gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ShellError {
    /// bash is not installed, or can't be started.
    #[error("bash can't be started")]
    Start(#[source] io::Error),
    /// The line to it broke.
    #[error("can't talk to bash")]
    Talk(#[source] io::Error),
    /// The script ended the shell.
    #[error("it ended the shell with status {status}")]
    Ended {
        /// Exit status; 128 + the signal's number if one ended it.
        status: i32,
        /// What it said before.
        #[source]
        said: LastWords,
    },
    /// It did not end in time, and was ended.
    #[error("it did not end within {} s", after.as_secs())]
    Timeout {
        /// The limit.
        after: Duration,
        /// What it said before.
        #[source]
        said: LastWords,
    },
}

/// The last lines of an output. As a cause it is what matters of them, since programs say at the end what is wrong.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LastWords {
    /// All lines that were kept.
    pub lines: Vec<String>,
    /// That many of them, at the end, are the cause.
    pub matter: usize,
}

/// Where nobody can say which lines matter, that many are enough to see what is wrong.
const LAST_LINES: usize = 12;

impl LastWords {
    /// An output about which nothing more is known.
    pub fn of(lines: Vec<String>) -> Self {
        Self { matter: LAST_LINES, lines }
    }
}

impl fmt::Display for LastWords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = self.lines.len().saturating_sub(self.matter);
        let lines: Vec<String> = self.lines[from..].iter().map(|line| printable(line)).collect();
        f.write_str(lines.join("\n").trim())
    }
}

impl std::error::Error for LastWords {}

/// A variable: one value, or an array's items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its values.
    pub values: Vec<String>,
}

/// A function and where it is defined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The file, absolute.
    pub file: PathBuf,
}

/// What a file did to the shell that sourced it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sourced {
    /// All variables before.
    pub before: Vec<Variable>,
    /// All variables after.
    pub after: Vec<Variable>,
    /// Functions that it defines.
    pub functions: Vec<Function>,
    /// What was printed meanwhile.
    pub said: Vec<String>,
}

/// What to start.
pub struct Start<'a> {
    /// The project's folder: where the file runs.
    pub project: &'a Path,
    /// The file to source.
    pub file: &'a Path,
    /// Variables that are set before.
    pub variables: &'a [(String, String)],
    /// Longest time for the file.
    pub timeout: Duration,
}

/// A bash that has sourced its file and waits for requests.
#[derive(Debug)]
pub struct Shell {
    /// `None` after the shell was told to end.
    pub(super) control: Option<UnixStream>,
    pub(super) heard: mpsc::UnboundedReceiver<Heard>,
    pub(super) group: Group,
    /// Private folder: the prelude, and the socket for calls from hooks.
    pub(super) dir: TempDir,
}

/// The shell's process group.
#[derive(Debug, Clone)]
pub(super) struct Group {
    leader: Pid,
    gone: Arc<AtomicBool>,
}

impl Group {
    /// Ends the shell and everything it started that is still in its group.
    pub(super) fn kill(&self) {
        if !self.gone.load(Ordering::SeqCst) {
            let _ = kill_process_group(self.leader, Signal::KILL); // it may have ended just now
        }
    }
}

impl Shell {
    /// Starts bash and lets it source the file.
    ///
    /// # Errors
    /// When there is no bash, and when the file ends the shell or takes too long.
    pub fn start(start: &Start<'_>) -> Result<(Self, Sourced), ShellError> {
        // A thread of its own, because waiting is not allowed in the threads of the async runtime, and configs are read from there too.
        let started = thread::scope(|scope| scope.spawn(|| Self::start_and_wait(start)).join());
        started.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
    fn start_and_wait(start: &Start<'_>) -> Result<(Self, Sourced), ShellError> {
        let mut shell = Self::spawn(start)?;
        let sourced = shell.source(start);
        match sourced {
            Ok(sourced) => Ok((shell, sourced)),
            Err(Broken::Line(error)) => {
                if error.kind() != io::ErrorKind::UnexpectedEof {
                    shell.group.kill(); // it is there and talks nonsense
                }
                Err(shell.why_it_ended(error))
            }
            Err(Broken::Late) => {
                shell.group.kill();
                Err(ShellError::Timeout { after: start.timeout, said: LastWords::of(shell.rest().1) })
            }
        }
    }
    fn spawn(start: &Start<'_>) -> Result<Self, ShellError> {
        let dir = tempfile::Builder::new().prefix("edeliver-").tempdir().map_err(ShellError::Start)?;
        let prelude = dir.path().join("prelude.sh");
        write_private(&prelude, PRELUDE).map_err(ShellError::Start)?;
        let (ours, theirs) = UnixStream::pair().map_err(ShellError::Start)?;
        let (output, input) = io::pipe().map_err(ShellError::Start)?;
        let mut command = Command::new("bash");
        command.args(["--noprofile", "--norc"]).arg(&prelude).arg(absolute(start.project, start.file)).current_dir(start.project);
        for name in UNWANTED_ENV {
            command.env_remove(name);
        }
        command.env("PWD", start.project).process_group(0);
        command.stdin(Stdio::from(std::os::fd::OwnedFd::from(theirs)));
        command.stdout(input.try_clone().map_err(ShellError::Start)?).stderr(input);
        let child = command.spawn().map_err(ShellError::Start)?;
        drop(command); // it holds our copies of bash's ends
        let leader = Pid::from_child(&child);
        let gone = Arc::new(AtomicBool::new(false));
        let heard = output::listen(child, output, gone.clone()).map_err(ShellError::Start)?;
        Ok(Self { control: Some(ours), heard, group: Group { leader, gone }, dir })
    }
    fn source(&mut self, start: &Start<'_>) -> Result<Sourced, Broken> {
        let mut line = Line::new(self.control.as_mut().expect("not ended yet"), start.timeout);
        line.send(&variables_request(start.variables))?;
        let before = line.variables()?;
        let after = line.variables()?;
        let mut functions = line.functions()?;
        for function in &mut functions {
            function.file = start.project.join(&function.file); // bash keeps the path that `source` was given
        }
        Ok(Sourced { before, after, functions, said: self.said_until("config") })
    }
    /// Asks for a text: `body` of a function, `exports`.
    ///
    /// # Errors
    /// When the shell is gone.
    pub fn ask(&mut self, verb: &str, name: &str) -> Result<String, ShellError> {
        let control = self.control.as_mut().ok_or_else(|| ShellError::Talk(io::ErrorKind::BrokenPipe.into()))?;
        let mut line = Line::new(control, Duration::from_secs(30));
        let request = [field(verb), field(name)].concat();
        let answer = line.send(&request).and_then(|()| line.field());
        answer.map_err(|broken| match broken {
            Broken::Line(error) => ShellError::Talk(error),
            Broken::Late => ShellError::Talk(io::ErrorKind::TimedOut.into()),
        })
    }
    /// Lines up to this mark.
    fn said_until(&mut self, mark: &str) -> Vec<String> {
        let mut said = Vec::new();
        loop {
            match self.heard.blocking_recv() {
                Some(Heard::Said(line)) => said.push(line.text),
                Some(Heard::Flushed(flushed)) if flushed == mark => return said,
                Some(Heard::Flushed(_)) => {}
                Some(Heard::Ended(_)) | None => return said,
            }
        }
    }
    fn why_it_ended(mut self, error: io::Error) -> ShellError {
        match self.rest() {
            (Some(status), said) => ShellError::Ended { status, said: LastWords::of(said) },
            (None, _) => ShellError::Talk(error),
        }
    }
    /// The exit status, and what was still said.
    fn rest(&mut self) -> (Option<i32>, Vec<String>) {
        let mut said = Vec::new();
        while let Some(heard) = self.heard.blocking_recv() {
            match heard {
                Heard::Said(Said { text, .. }) => said.push(text),
                Heard::Flushed(_) => {}
                Heard::Ended(status) => return (Some(status), said),
            }
        }
        (None, said)
    }
}

impl Drop for Shell {
    /// An idle shell ends by itself when nobody can ask it any more; one that runs a function was killed before.
    fn drop(&mut self) {
        if let Some(control) = &self.control {
            let _ = control.shutdown(Shutdown::Both);
        }
    }
}

fn absolute(project: &Path, file: &Path) -> OsString {
    project.join(file).into_os_string()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// macOS has bash 3.2. What came later is a syntax error there, or does something else.
    #[test]
    fn the_prelude_uses_nothing_newer_than_bash_3_2() {
        let newer = [
            "declare -A",
            "local -A",
            "local -n",
            "declare -n",
            "mapfile",
            "readarray",
            "&>>",
            "|&",
            ";&",
            "coproc",
            "BASHPID",
            "[[ -v",
            "[ -v",
            "@Q}",
            "@E}",
            "@a}",
            ",,}",
            "^^}",
            "^}",
            "printf '%(",
            "EPOCHSECONDS",
            "wait -n",
            "read -N",
            "{fd}",
            "$EPOCH",
            "globstar",
            "lastpipe",
            "inherit_errexit",
        ];
        for (index, line) in PRELUDE.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with('#')) {
            assert!(!newer.iter().any(|word| line.contains(word)), "line {}: {line}", index + 1);
        }
    }

    #[test]
    fn big_values_and_many_of_them_come_through() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("config");
        std::fs::write(&file, "BIG=$(head -c 300000 /dev/zero | tr '\\0' x)\nfor i in {1..300}; do eval \"V$i=$i\"; done\n")
            .unwrap();
        let start = Start { project: dir.path(), file: &file, variables: &[], timeout: Duration::from_secs(60) };
        let (_, sourced) = Shell::start(&start).unwrap();
        let value =
            |name: &str| sourced.after.iter().find(|variable| variable.name == name).map(|variable| variable.values.concat());
        assert_eq!(value("BIG").unwrap().len(), 300_000);
        assert_eq!(value("V300").as_deref(), Some("300"));
    }
}
