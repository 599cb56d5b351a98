//! What the shell and everything it starts print: lines, some of them under a mark, and the marks that say "up to here".

use std::{
    io::{self, PipeReader, Read},
    os::unix::process::ExitStatusExt,
    process::{Child, ExitStatus},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError, channel},
    },
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

/// Begins a mark. Printed lines do not contain it: it is a control character without any use.
const MARK: char = '\u{1e}';

/// A line longer than this is cut into several.
const LONGEST: usize = 16 * 1024;

/// How long after the shell's end its last output may take to arrive. The pipe holds it already, so this is for the reading thread to get its
/// turn; a background process that keeps the pipe open can't make us wait longer.
const LAST_OUTPUT: Duration = Duration::from_millis(300);

/// What a line is meant as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Plain output.
    Output,
    /// `status`.
    Status,
    /// `hint_message`.
    Hint,
    /// `success_message`.
    Success,
    /// `error_message`.
    Error,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// What it is meant as.
    pub tone: Tone,
    /// Without its line end.
    pub text: String,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A line was printed.
    Said(Said),
    /// Everything that was printed before this mark has been heard.
    Flushed(String),
    /// The shell has ended, with this status; nothing comes after it.
    Ended(i32),
}

/// Listens until the shell ends.
///
/// # Errors
/// When no thread can be started.
pub(super) fn listen(mut child: Child, pipe: PipeReader, gone: Arc<AtomicBool>) -> io::Result<mpsc::UnboundedReceiver<Heard>> {
    let (to, from) = mpsc::unbounded_channel();
    let (closed, when_closed) = channel::<()>();
    let lines = to.clone();
    thread::Builder::new().name("hook-output".to_owned()).spawn(move || {
        read_lines(pipe, &lines);
        drop(closed);
    })?;
    thread::Builder::new().name("hook-end".to_owned()).spawn(move || {
        let status = child.wait();
        gone.store(true, Ordering::SeqCst);
        wait_for_last_output(&when_closed);
        let _ = to.send(Heard::Ended(status.map_or(1, code)));
    })?;
    Ok(from)
}

fn wait_for_last_output(closed: &Receiver<()>) {
    match closed.recv_timeout(LAST_OUTPUT) {
        Ok(()) | Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {}
    }
}

fn code(status: ExitStatus) -> i32 {
    status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
}

fn read_lines(mut pipe: impl Read, to: &mpsc::UnboundedSender<Heard>) {
    let mut lines = Lines { line: Vec::new(), to };
    let mut chunk = [0; 8 * 1024];
    loop {
        match pipe.read(&mut chunk) {
            Ok(0) => break,
            Ok(count) => lines.feed(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    lines.end();
}

/// Bytes become lines.
struct Lines<'a> {
    line: Vec<u8>,
    to: &'a mpsc::UnboundedSender<Heard>,
}

impl Lines<'_> {
    fn feed(&mut self, bytes: &[u8]) {
        for byte in bytes {
            match byte {
                b'\n' => self.end(),
                byte => self.line.push(*byte),
            }
            if self.line.len() >= LONGEST {
                self.end();
            }
        }
    }
    fn end(&mut self) {
        if self.line.is_empty() {
            return;
        }
        let line = String::from_utf8_lossy(&self.line).into_owned();
        self.line.clear();
        for heard in heard(&line) {
            let _ = self.to.send(heard); // nobody may listen any more
        }
    }
}

/// A line, and the mark that may stand behind an unfinished one.
fn heard(line: &str) -> Vec<Heard> {
    let (before, marked) = match line.split_once(MARK) {
        Some((before, marked)) => (before, Some(marked)),
        None => (line, None),
    };
    let plain = (!before.is_empty()).then(|| Heard::Said(Said { tone: Tone::Output, text: before.to_owned() }));
    plain.into_iter().chain(marked.and_then(marked_line)).collect()
}

fn marked_line(marked: &str) -> Option<Heard> {
    let mut chars = marked.chars();
    let tone = match chars.next()? {
        'F' => return Some(Heard::Flushed(chars.as_str().to_owned())),
        's' => Tone::Status,
        'h' => Tone::Hint,
        'g' => Tone::Success,
        'e' => Tone::Error,
        _ => Tone::Output,
    };
    Some(Heard::Said(Said { tone, text: chars.as_str().to_owned() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Vec<Heard> {
        let (to, mut from) = mpsc::unbounded_channel();
        read_lines(bytes, &to);
        std::iter::from_fn(|| from.try_recv().ok()).collect()
    }
    fn said(tone: Tone, text: &str) -> Heard {
        Heard::Said(Said { tone, text: text.to_owned() })
    }

    #[test]
    fn lines_messages_and_marks_are_told_apart() {
        let heard = all(b"one\n\x1eshello\n\xff half\x1eF7 0\nrest");
        assert_eq!(
            heard,
            [
                said(Tone::Output, "one"),
                said(Tone::Status, "hello"),
                said(Tone::Output, "\u{fffd} half"),
                Heard::Flushed("7 0".to_owned()),
                said(Tone::Output, "rest"),
            ]
        );
    }

    #[test]
    fn endless_lines_are_cut() {
        let heard = all(&vec![b'x'; LONGEST * 2 + 1]);
        assert_eq!(heard.len(), 3);
    }
}
