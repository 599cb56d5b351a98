//! Showing a recorded run again, or one that goes on elsewhere. What is shown is the result of the command, so all of it goes to standard
//! output; only what moves on a terminal needs both streams.

use std::{
    io::{self, IsTerminal as _, Write},
    time::Duration,
};

use edeliver_core::event::Event;

use super::{Render, can_move, plain::Plain, renderer};
use crate::cli::options::Global;

/// Where a recorded run is shown.
pub struct Replay(Form);

enum Form {
    /// The recorded lines as they are, so that kinds of events that this version does not know survive.
    Json(io::Stdout),
    People(Box<dyn Render>),
}

impl Replay {
    /// In the form that the options ask for.
    pub fn new(global: &Global) -> Self {
        if global.json {
            return Self(Form::Json(io::stdout()));
        }
        Self(Form::People(Box::new(Plain::new(anstream::stdout(), anstream::stdout(), global.verbosity()))))
    }
    /// The same as it happens: on a terminal, what goes on moves.
    pub fn live(global: &Global) -> Self {
        let moves = !global.json && !global.plain && can_move() && io::stdout().is_terminal();
        if moves { Self(Form::People(renderer(global))) } else { Self::new(global) }
    }
    /// Shows one recorded event.
    ///
    /// # Errors
    /// When standard output can't be written.
    pub fn event(&mut self, line: &str, event: &Event) -> io::Result<()> {
        match &mut self.0 {
            Form::Json(out) => writeln!(out, "{line}").and_then(|()| out.flush()),
            Form::People(form) => form.event(event),
        }
    }
    /// Says something that no recorded event does. It is for people only.
    ///
    /// # Errors
    /// As [`Replay::event`].
    pub fn say(&mut self, event: &Event) -> io::Result<()> {
        match &mut self.0 {
            Form::Json(_) => Ok(()),
            Form::People(form) => form.event(event),
        }
    }
    /// Time passes: so long ago the run began.
    ///
    /// # Errors
    /// As [`Replay::event`].
    pub fn tick(&mut self, elapsed: Duration) -> io::Result<()> {
        match &mut self.0 {
            Form::Json(_) => Ok(()),
            Form::People(form) => form.tick(elapsed),
        }
    }
    /// Takes away what moves.
    pub fn leave(&mut self) {
        if let Form::People(form) = &mut self.0 {
            form.suspend();
        }
    }
}
