//! A role that is being played, as the test sees it.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use crate::roles;

/// This program in a role.
pub(crate) struct Player {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Player {
    /// Starts it by a command that already names this program.
    pub(crate) fn start(mut command: Command, role: &[&str]) -> Self {
        command.arg(roles::WORD).args(role).stdin(Stdio::null());
        Self::with(command)
    }
    /// Starts it at a terminal of its own, whose keys are pressed with the pipe.
    pub(crate) fn at_a_terminal(role: &[&str]) -> (Self, ChildStdin) {
        let me = std::env::current_exe().unwrap();
        let line = std::iter::once(me.to_str().unwrap()).chain([roles::WORD]).chain(role.iter().copied());
        let mut command = Command::new("script");
        command.args(["-qec", &edeliver::transport::quote::words(line), "/dev/null"]).stdin(Stdio::piped());
        let mut player = Self::with(command);
        let keys = player.child.stdin.take().unwrap();
        (player, keys)
    }
    fn with(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (tell, lines) = channel();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            let mut line = Vec::new();
            // A prompt has no end of line.
            while stdout.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
                let bytes = stdout.fill_buf().unwrap();
                let count = bytes.iter().position(|byte| *byte == b'\n').map_or(bytes.len(), |at| at + 1);
                line.extend_from_slice(&bytes[..count]);
                stdout.consume(count);
                if line.ends_with(b"\n") || line.ends_with(b": ") {
                    let text = String::from_utf8_lossy(&std::mem::take(&mut line)).trim().to_owned();
                    if tell.send(text).is_err() {
                        return;
                    }
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }
    /// Waits for a line that contains this.
    pub(crate) fn says(&mut self, part: &str, within: Duration) -> String {
        let end = Instant::now() + within;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(part) => return line,
                Ok(line) => self.seen.push(line),
                Err(RecvTimeoutError::Timeout) => panic!("no {part:?} within {within:?}, but {:?}", self.seen),
                Err(RecvTimeoutError::Disconnected) => panic!("it ended without {part:?}: {:?}", self.seen),
            }
        }
    }
    /// Everything it said before what was waited for.
    pub(crate) fn seen(&self) -> &[String] {
        &self.seen
    }
    /// Ends the program in the hardest way.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Player {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Types a line.
pub(crate) fn press(keys: &mut ChildStdin, text: &str) {
    keys.write_all(format!("{text}\n").as_bytes()).unwrap();
}
