//! Saying what happens: the sending side of the event stream.
//!
//! Host tasks hold a [`Reporter`] and send; one dispatcher numbers the events and hands them to every renderer and the journal, so all
//! readers see the same order. Nothing else in the program talks to the user.

use edeliver_core::{
    event::{EventKind, StdStream},
    hint::Hint,
    name::HostName,
};
use tokio::sync::mpsc;

/// An event before it got its number and time.
#[derive(Debug, Clone)]
pub struct Draft {
    /// Whose event.
    pub host: Option<HostName>,
    /// What happened.
    pub kind: EventKind,
}

/// The sending end of the event stream; cheap to clone.
#[derive(Debug, Clone)]
pub struct Reporter {
    host: Option<HostName>,
    to: mpsc::UnboundedSender<Draft>,
}

impl Reporter {
    /// A reporter for the run itself, and the end that the dispatcher reads.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<Draft>) {
        let (to, from) = mpsc::unbounded_channel();
        (Self { host: None, to }, from)
    }
    /// The same stream, for events of one host.
    #[must_use]
    pub fn for_host(&self, host: &HostName) -> Self {
        Self { host: Some(host.clone()), to: self.to.clone() }
    }
    /// Sends one event. A stream that nobody reads any more swallows it: the work goes on.
    pub fn send(&self, kind: EventKind) {
        let _ = self.to.send(Draft { host: self.host.clone(), kind });
    }
    /// One line of output, made harmless for terminals.
    pub fn output(&self, line: &str) {
        self.send(EventKind::StepOutput { line: printable(line) });
    }
    /// A line of what the user asked for, made harmless for terminals.
    pub fn printed(&self, to: StdStream, line: &str) {
        self.send(EventKind::Printed { line: printable(line), to });
    }
    /// Something to know that stops nothing.
    pub fn warn(&self, text: impl Into<String>, hints: Vec<Hint>) {
        self.send(EventKind::Warning { text: text.into(), hints });
    }
    /// A line of its own.
    pub fn info(&self, text: impl Into<String>) {
        self.send(EventKind::Info { text: text.into() });
    }
}

/// The line without escape sequences and control characters, so that remote output can't drive the user's terminal.
pub fn printable(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    print(&mut out, line);
    out
}

fn print(out: &mut String, line: &str) {
    let mut chars = line.trim_end().chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

/// A text of several lines, each [`printable`].
pub fn readable(text: &str) -> String {
    // It may be long: one copy.
    let mut out = String::with_capacity(text.len());
    for (number, line) in text.lines().enumerate() {
        if number > 0 {
            out.push('\n');
        }
        print(&mut out, line);
    }
    out
}

/// Passes over the rest of a CSI (`ESC [ … letter`) or OSC (`ESC ] … BEL`) sequence, or the one character after ESC.
fn skip_escape(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match chars.next() {
        Some('[') => while chars.next().is_some_and(|c| !('@'..='~').contains(&c)) {},
        Some(']') => while chars.next().is_some_and(|c| c != '\u{7}' && c != '\u{1b}') {},
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{printable, readable};

    #[test]
    fn remote_output_cannot_drive_the_terminal() {
        assert_eq!(printable("\u{1b}[31mred\u{1b}[0m\r\n"), "red");
        assert_eq!(printable("a\u{1b}]0;title\u{7}b\u{8}\tc"), "ab c");
        assert_eq!(printable("\u{1b}"), "");
        assert_eq!(readable("\n a\u{1b}[1m \r\n\nb\n"), "\n a\n\nb");
    }
}
