//! Showing a recorded run again. What is shown is the result of the command, so all of it goes to standard output.

use std::io::{self, Write};

use edeliver_core::event::Event;

use super::{Render as _, plain::Plain};
use crate::cli::options::Global;

/// Where a recorded run is shown.
pub struct Replay(Form);

enum Form {
    /// The recorded lines as they are, so that kinds of events that this version does not know survive.
    Json(io::Stdout),
    Plain(Plain<anstream::Stdout, anstream::Stdout>),
}

impl Replay {
    /// In the form that the options ask for.
    pub fn new(global: &Global) -> Self {
        Self(if global.json {
            Form::Json(io::stdout())
        } else {
            Form::Plain(Plain::new(anstream::stdout(), anstream::stdout(), global.verbosity()))
        })
    }
    /// Shows one recorded event.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn event(&mut self, line: &str, event: &Event) -> io::Result<()> {
        match &mut self.0 {
            Form::Json(out) => writeln!(out, "{line}"),
            Form::Plain(plain) => plain.event(event),
        }
    }
}
