//! Telling the user: the only part of the program that prints.
//!
//! Events come in through [`crate::report::Reporter`]; the [`dispatcher`] numbers them and hands each to every renderer and to the journal. What
//! is a result goes to standard output, everything else to standard error.

pub mod ask;
pub mod dispatcher;
pub mod json;
pub mod plain;
pub mod style;
pub mod table;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use edeliver_core::event::{Event, EventKind};

pub use dispatcher::{Dispatcher, Handle};

use crate::{
    cli::{
        Refused,
        options::{Global, Verbosity},
    },
    report::Draft,
};

/// One reader of the event stream.
pub trait Render: Send {
    /// Takes the next event.
    ///
    /// # Errors
    /// When it can't be written; the dispatcher then goes on without this renderer.
    fn event(&mut self, event: &Event) -> io::Result<()>;
    /// A moment has passed without an event; `elapsed` is the time since the run began.
    ///
    /// # Errors
    /// As [`Render::event`].
    fn tick(&mut self, _elapsed: Duration) -> io::Result<()> {
        Ok(())
    }
    /// Gets out of the way of a question on the terminal.
    fn suspend(&mut self) {}
    /// The question is answered.
    fn resume(&mut self) {}
    /// What it writes to, for the words about it when it fails.
    fn name(&self) -> &'static str;
}

/// How the human renderers write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// How much is told.
    pub verbosity: Verbosity,
    /// Columns of the terminal; `None`: lines may be of any length.
    pub width: Option<usize>,
}

/// Starts the renderers that the options and the terminal ask for.
pub fn start(drafts: tokio::sync::mpsc::UnboundedReceiver<Draft>, global: &Global) -> (Handle, Dispatcher) {
    let renderer: Box<dyn Render> = if global.json {
        Box::new(json::Json::new(io::stdout()))
    } else {
        style::decide(global.plain);
        let look = Look { verbosity: global.verbosity(), width: None };
        Box::new(plain::Plain::new(anstream::stdout(), anstream::stderr(), look))
    };
    let may_ask = io::stdin().is_terminal() && io::stderr().is_terminal();
    dispatcher::start(drafts, vec![renderer], dispatcher::Answers { yes: global.yes, may_ask })
}

/// Says why a command line was refused, or prints the help page that it asks for.
pub fn print_refused(refused: Refused) -> ExitCode {
    match refused {
        Refused::Clap(error) => {
            // Nobody is left to tell when even this can't be written.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
        Refused::Words(error) => {
            let look = Look { verbosity: Verbosity::Compact, width: None };
            let mut plain = plain::Plain::new(anstream::stdout(), anstream::stderr(), look);
            let kind = EventKind::Error { class: error.kind.word().to_owned(), causes: error.causes(), hints: error.hints.clone() };
            let _ = plain.event(&Event { v: edeliver_core::event::SCHEMA, seq: 0, elapsed_ms: 0, host: None, kind });
            ExitCode::from(error.kind.exit_code())
        }
    }
}
