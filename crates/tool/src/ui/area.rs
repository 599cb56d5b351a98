//! The lines at the bottom of the terminal that change in place.
//!
//! They are drawn anew as a whole and in one write: the cursor goes up, each line is overwritten and its rest erased, so nothing flickers.
//! Between drawings the cursor stands below them, where the shell's prompt may come whenever the program ends.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

/// Drawn lines, and how to draw over them.
#[derive(Debug)]
pub(super) struct Area<W> {
    terminal: W,
    drawn: usize,
}

impl<W: Write> Area<W> {
    /// Nothing drawn yet on this terminal.
    pub(super) fn new(terminal: W) -> Self {
        Self { terminal, drawn: 0 }
    }

    /// Shows these lines instead of those drawn before. None of them may be wider than the terminal.
    ///
    /// # Errors
    /// When the terminal can't be written.
    pub(super) fn draw(&mut self, lines: &[String]) -> io::Result<()> {
        if lines.is_empty() && self.drawn == 0 {
            return Ok(());
        }
        let mut frame = self.back();
        for line in lines {
            frame.push_str(line);
            frame.push_str("\x1b[K\n");
        }
        frame.push_str("\x1b[J");
        self.drawn = lines.len();
        self.terminal.write_all(frame.as_bytes())?;
        self.terminal.flush()
    }

    /// Takes them away.
    ///
    /// # Errors
    /// When the terminal can't be written.
    pub(super) fn clear(&mut self) -> io::Result<()> {
        self.draw(&[])
    }

    fn back(&self) -> String {
        let mut frame = String::new();
        if self.drawn > 0 {
            write!(frame, "\r\x1b[{}A", self.drawn).expect("a string takes everything");
        }
        frame
    }
}
