//! The two standard streams, as the human renderers write them.

use std::io::{self, Write};

use super::teller::{Lines, To};

/// Where lines go.
#[derive(Debug)]
pub(super) struct Streams<O, E> {
    /// `None` once it could not be written: the rest of the story still has a stream.
    pub(super) out: Option<O>,
    pub(super) err: E,
}

impl<O: Write, E: Write> Streams<O, E> {
    /// Results go to `out`, everything else to `err`.
    pub(super) fn new(out: O, err: E) -> Self {
        Self { out: Some(out), err }
    }

    pub(super) fn write(&mut self, lines: &Lines) -> io::Result<()> {
        for (to, line) in lines {
            match to {
                To::Out => self.result(line)?,
                To::Err => writeln!(self.err, "{line}")?,
            }
        }
        self.err.flush()
    }

    fn result(&mut self, line: &str) -> io::Result<()> {
        let Some(out) = &mut self.out else { return Ok(()) };
        let Err(error) = writeln!(out, "{line}").and_then(|()| out.flush()) else { return Ok(()) };
        self.out = None;
        match error.kind() {
            // `| head`: who reads has what they wanted.
            io::ErrorKind::BrokenPipe => Ok(()),
            _ => writeln!(self.err, "warning: the result can't be written to standard output ({error})"),
        }
    }
}
