//! One hook while it runs: the request, what it prints, and its end.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::{Instant, timeout_at},
};

use super::{Captured, Live, Mode, Session, set};
use crate::hook::{
    HookError, masked,
    shell::{
        LastWords,
        line::field,
        output::{Heard, Said, Tone},
    },
};

/// A hook that runs. Dropped before its end, it is ended with everything it started.
pub(super) struct Running<'a> {
    pub(super) live: Option<Live>,
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

impl<'a> Running<'a> {
    pub(super) fn new(live: Live, session: &'a Session, hook: &'a str) -> Self {
        Self { live: Some(live), session, hook, last: LastWords::default(), last_was_error: false }
    }
    pub(super) async fn run(&mut self, args: &[String], vars: &[(String, String)], mode: Mode) -> Result<Captured, HookError> {
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
        let text = masked(&self.session.secrets, &said.text);
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
