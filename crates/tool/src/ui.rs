//! Telling the user: the only part of the program that prints.
//!
//! Events come in through [`crate::report::Reporter`]; the [`dispatcher`] numbers them and hands each to every renderer and to the journal. What
//! is a result goes to standard output, everything else to standard error.

mod area;
pub mod ask;
pub mod dispatcher;
pub mod json;
pub mod page;
pub mod plain;
mod prompt;
mod replay;
#[cfg(test)]
pub(crate) mod samples;
mod screen;
mod streams;
pub mod style;
pub mod table;
mod teller;
mod tty;
pub mod words;

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
    time::Duration,
};

use edeliver_core::event::{Event, EventKind, SCHEMA};

pub use dispatcher::{Dispatcher, Handle};
pub use prompt::PoliteTerminal;
pub use replay::Replay;

use crate::{
    cli::{
        Refused,
        options::{Global, Verbosity},
    },
    notices::Traces,
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

/// Starts the renderer that the options and the terminal ask for.
pub fn start(drafts: tokio::sync::mpsc::UnboundedReceiver<Draft>, global: &Global) -> (Handle, Dispatcher) {
    let answers =
        dispatcher::Answers { yes: global.yes, may_ask: !global.json && io::stdin().is_terminal() && io::stderr().is_terminal() };
    let traces = Traces::of(|name| std::env::var(name).ok());
    let folded = traces.clone().map(|traces| Box::new(Folded(traces)) as Box<dyn Render>);
    let (handle, dispatcher) = dispatcher::start(drafts, [renderer(global)].into_iter().chain(folded).collect(), answers);
    (handle.with_traces(traces), dispatcher)
}

/// Reads events for the spans that are made of them.
struct Folded(Traces);

impl Render for Folded {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.0.take(event);
        Ok(())
    }
    fn name(&self) -> &'static str {
        "the trace of this run"
    }
}

/// The renderer for these options and this terminal.
pub(crate) fn renderer(global: &Global) -> Box<dyn Render> {
    if global.json {
        return Box::new(json::Json::new(io::stdout()));
    }
    style::decide(global.plain);
    let (out, err) = (anstream::stdout(), anstream::stderr());
    if global.plain || !can_move() {
        return Box::new(plain::Plain::new(out, err, global.verbosity()));
    }
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().filter_map(|name| std::env::var(name).ok()).find(|value| !value.is_empty());
    let spinner = screen::Spinner::for_locale(locale.as_deref());
    let colour = anstream::AutoStream::choice(&io::stderr()) != anstream::ColorChoice::Never;
    let terminal = tty::Terminal { out, err, area: io::stderr(), room: Box::new(room), colour, spinner };
    Box::new(tty::Tty::new(terminal, global.verbosity()))
}

/// Whether standard error is a terminal that can move its cursor.
fn can_move() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb")
}

/// The terminal's size, read anew each time, because users resize.
fn room() -> screen::Room {
    match rustix::termios::tcgetwinsize(io::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => screen::Room { width: size.ws_col.into(), height: size.ws_row.into() },
        _ => screen::Room { width: 80, height: 24 },
    }
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
            let mut plain = plain::Plain::new(anstream::stdout(), anstream::stderr(), Verbosity::Compact);
            let kind = EventKind::Error { class: error.kind.word().to_owned(), causes: error.causes(), hints: error.hints.clone() };
            let _ = plain.event(&Event { v: SCHEMA, seq: 0, elapsed_ms: 0, host: None, kind });
            ExitCode::from(error.kind.exit_code())
        }
    }
}
