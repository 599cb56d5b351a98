//! Asking on the controlling terminal, without echo.

use std::{
    fs::File,
    io::{self, IsTerminal, Write},
    os::unix::fs::OpenOptionsExt,
    time::Duration,
};

use async_trait::async_trait;
use rustix::{
    io::Errno,
    termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr},
};
use tokio::time::sleep;

use super::Prompter;

/// How often typed lines are looked for. Waiting for readiness would be nicer, but macOS can't wait for a terminal.
const LOOK: Duration = Duration::from_millis(30);

/// The user's terminal.
#[derive(Debug)]
pub struct Terminal(());

impl Terminal {
    /// The terminal, if a person sits at it: standard input is one, and the process has a controlling terminal.
    pub fn open() -> Option<Self> {
        (io::stdin().is_terminal() && open().is_ok()).then_some(Self(()))
    }
}

/// Opened anew for every question: the non-blocking mode then is ours alone, and not that of the user's shell too.
fn open() -> io::Result<File> {
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).write(true).custom_flags(nonblocking).open("/dev/tty")
}

#[async_trait]
impl Prompter for Terminal {
    async fn ask(&self, question: &str) -> Option<String> {
        read_secret(question).await.ok()
    }
    async fn tell(&self, text: &str) {
        if let Ok(mut terminal) = open() {
            let _ = writeln!(terminal, "{text}");
        }
    }
}

/// Echo is off as long as this lives, also when the question is dropped by Ctrl-C.
struct Silenced {
    terminal: File,
    before: Termios,
}

impl Silenced {
    fn new(terminal: File) -> io::Result<Self> {
        let before = tcgetattr(&terminal)?;
        let mut silent = before.clone();
        silent.local_modes &= !LocalModes::ECHO;
        silent.local_modes |= LocalModes::ECHONL;
        tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Silenced {
    fn drop(&mut self) {
        let _ = tcsetattr(&self.terminal, OptionalActions::Drain, &self.before);
    }
}

async fn read_secret(question: &str) -> io::Result<String> {
    let mut terminal = open()?;
    let silenced = Silenced::new(terminal.try_clone()?)?;
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut buffer = [0; 256];
        match rustix::io::read(&terminal, &mut buffer) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => line.extend_from_slice(&buffer[..count]),
            Err(Errno::AGAIN) => sleep(LOOK).await,
            Err(error) => return Err(error.into()),
        }
    }
    drop(silenced);
    line.pop();
    String::from_utf8(line).map_err(|_| io::ErrorKind::InvalidData.into())
}
