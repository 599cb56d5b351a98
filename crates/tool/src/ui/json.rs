//! Each event as one line of JSON: the form for programs, and of the journal.

use std::io::{self, Write};

use edeliver_core::event::Event;

use super::Render;

/// Writes events as JSON lines.
pub struct Json<W> {
    out: W,
}

impl<W: Write> Json<W> {
    /// Writes to this.
    pub fn new(out: W) -> Self {
        Self { out }
    }
}

impl<W: Write + Send> Render for Json<W> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()
    }
    fn name(&self) -> &'static str {
        "standard output"
    }
}
