//! The Erlang virtual machine that works for the scenarios, as long as they run; see `scenarios/workshop.exs`.

use std::{
    error::Error,
    io::{BufRead as _, BufReader, Write as _},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use edeliver_erl::term::{Term, text};

use super::folder;

/// A workshop; it ends when it is dropped.
pub(super) struct Workshop {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Workshop {
    /// Starts it, as a hidden node with the cookie of all scenarios.
    ///
    /// # Errors
    /// Elixir is not there.
    pub(super) fn open() -> Result<Self, Box<dyn Error>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("scenes-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new("elixir");
        command.args(["--hidden", "--sname", &name, "--cookie", "scenes"]);
        command.arg(folder().join("workshop.exs")).arg(folder().join("probe.erl"));
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|e| format!("elixir can't be started: {e}"))?;
        let (stdin, stdout) = (child.stdin.take().expect("it is piped"), child.stdout.take().expect("it is piped"));
        Ok(Self { child, stdin, stdout: BufReader::new(stdout) })
    }
    /// Has something done.
    ///
    /// # Errors
    /// What the workshop says went wrong.
    pub(super) fn ask(&mut self, request: &Term) -> Result<Term, Box<dyn Error>> {
        writeln!(self.stdin, "{request}.")?;
        self.stdin.flush()?;
        loop {
            let mut line = String::new();
            if self.stdout.read_line(&mut line)? == 0 {
                return Err("the workshop has ended".into());
            }
            // Compilers print what they like.
            let Ok(Term::Tuple(answer)) = text::parse(line.trim_end()) else { continue };
            match <[Term; 2]>::try_from(answer) {
                Ok([tag, value]) if tag.is_atom("ok") => return Ok(value),
                Ok([tag, why]) if tag.is_atom("error") => return Err(words(&why).into()),
                _ => {}
            }
        }
    }
}

/// Text that the workshop said, as a binary.
pub(super) fn words(term: &Term) -> String {
    term.as_binary().map_or_else(|| term.to_string(), |bytes| String::from_utf8_lossy(bytes).into_owned())
}

impl Drop for Workshop {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
