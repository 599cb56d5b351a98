//! For people at a terminal: lines that stay scroll up, one moving line per host stands below them.

use std::{
    io::{self, Write},
    time::Duration,
};

use edeliver_core::event::{Event, EventKind};
use unicode_width::UnicodeWidthStr as _;

use super::{
    Render,
    area::Area,
    screen::{Room, Screen, Spinner},
    streams::Streams,
    table::fit,
    teller::{Lines, Steps, Teller, report},
};
use crate::cli::options::Verbosity;

/// The terminal that is drawn on.
pub(super) struct Terminal<O, E, A> {
    /// Results.
    pub(super) out: O,
    /// Everything else that stays.
    pub(super) err: E,
    /// What moves: the same terminal as `err`, but nothing that strips escape sequences stands before it, since the cursor needs them.
    pub(super) area: A,
    /// Whether what moves may have colours.
    pub(super) colour: bool,
    /// Its size now.
    pub(super) room: Box<dyn Fn() -> Room + Send>,
    /// What it can show.
    pub(super) spinner: Spinner,
}

/// Draws on a terminal.
pub(super) struct Tty<O, E, A> {
    streams: Streams<O, E>,
    area: Area<A>,
    colour: bool,
    room: Box<dyn Fn() -> Room + Send>,
    teller: Teller,
    screen: Screen,
    /// The table that is shown in place, until something else is printed.
    frame: Vec<String>,
    suspended: bool,
}

impl<O: Write, E: Write, A: Write> Tty<O, E, A> {
    /// Draws on this terminal.
    pub(super) fn new(terminal: Terminal<O, E, A>, verbosity: Verbosity) -> Self {
        Self {
            streams: Streams::new(terminal.out, terminal.err),
            area: Area::new(terminal.area),
            colour: terminal.colour,
            room: terminal.room,
            teller: Teller::new(verbosity, Steps::OfOneHost),
            screen: Screen::new(terminal.spinner),
            frame: Vec::new(),
            suspended: false,
        }
    }

    /// Prints lines where the moving ones are, which come back below them with the next tick.
    fn print(&mut self, lines: &Lines) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.area.clear()?;
        self.streams.write(lines)
    }

    fn draw(&mut self, now_ms: u64) -> io::Result<()> {
        if self.suspended {
            return Ok(());
        }
        let room = (self.room)();
        let mut lines = in_room(&self.frame, room);
        lines.extend(self.screen.lines(now_ms, Room { height: room.height.saturating_sub(lines.len()), ..room }));
        if !self.colour {
            lines.iter_mut().for_each(|line| *line = anstream::adapter::strip_str(line).to_string());
        }
        self.area.draw(&lines)
    }
}

impl<O: Write + Send, E: Write + Send, A: Write + Send> Render for Tty<O, E, A> {
    fn event(&mut self, event: &Event) -> io::Result<()> {
        self.screen.event(event);
        if let EventKind::Frame { rows } = &event.kind {
            self.frame = report::rows(rows);
            return self.draw(event.elapsed_ms);
        }
        let lines = self.teller.tell(event);
        self.print(&lines)?;
        if lines.is_empty() { Ok(()) } else { self.draw(event.elapsed_ms) }
    }
    fn tick(&mut self, elapsed: Duration) -> io::Result<()> {
        self.draw(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }
    fn suspend(&mut self) {
        self.suspended = true;
        let _ = self.area.clear();
    }
    fn resume(&mut self) {
        self.suspended = false;
    }
    fn name(&self) -> &'static str {
        "the terminal"
    }
}

/// As many of these lines as there is room for, each cut to the width.
fn in_room(lines: &[String], room: Room) -> Vec<String> {
    let height = room.height.saturating_sub(2).max(1);
    let plain = |line: &String| anstream::adapter::strip_str(line).to_string();
    let fits = |line: &String| plain(line).width() < room.width;
    let fit = |line: &String| if fits(line) { line.clone() } else { fit(&plain(line), room.width.saturating_sub(1)) };
    lines.iter().take(height).map(fit).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use edeliver_core::event::HostResult;

    use super::*;
    use crate::ui::samples::{at, done, finished, of, planned};

    /// A terminal that can be looked at.
    #[derive(Clone)]
    struct Glass(Arc<Mutex<vt100::Parser>>);

    impl Glass {
        fn new(width: u16, height: u16) -> Self {
            Self(Arc::new(Mutex::new(vt100::Parser::new(height, width, 100))))
        }
        fn text(&self) -> String {
            self.0.lock().unwrap().screen().contents()
        }
    }
    impl Write for Glass {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // A terminal in its usual mode begins a new line at its left edge.
            let text = String::from_utf8_lossy(bytes).replace('\n', "\r\n");
            self.0.lock().unwrap().process(text.as_bytes());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn tty(width: u16, height: u16) -> (Tty<Glass, Glass, Glass>, Glass) {
        let glass = Glass::new(width, height);
        let room = Room { width: width.into(), height: height.into() };
        let terminal = Terminal {
            out: glass.clone(),
            err: glass.clone(),
            area: glass.clone(),
            room: Box::new(move || room),
            colour: false,
            spinner: Spinner::Ascii,
        };
        (Tty::new(terminal, Verbosity::Compact), glass)
    }
    fn started(what: &str) -> EventKind {
        EventKind::StepStarted { index: 0, what: what.to_owned() }
    }

    #[test]
    fn finished_hosts_scroll_above_the_moving_lines_and_the_table_is_last() {
        let (mut tty, glass) = tty(60, 12);
        tty.event(&at(0, planned(&["web1", "web2"]))).unwrap();
        tty.event(&of("web1", 10, started("start 0.2.0"))).unwrap();
        tty.event(&of("web2", 10, started("start 0.2.0"))).unwrap();
        tty.tick(Duration::from_millis(960)).unwrap();
        assert!(glass.text().ends_with("web1  start 0.2.0  0.9 s\n| web2  start 0.2.0  0.9 s"), "{}", glass.text());

        tty.event(&of("web1", 1_900, done("0.2.0 running"))).unwrap();
        tty.tick(Duration::from_millis(1_920)).unwrap();
        assert!(glass.text().ends_with("web1 | done: 0.2.0 running\n| web2  start 0.2.0  1.9 s"), "{}", glass.text());

        tty.event(&of("web2", 3_000, EventKind::HostFinished { result: HostResult::Failed, summary: "0.1.0 running".to_owned() }))
            .unwrap();
        tty.event(&at(3_010, finished(8))).unwrap();
        tty.tick(Duration::from_millis(3_020)).unwrap();
        let text = glass.text();
        assert!(!text.contains("start 0.2.0  "), "a moving line was left behind:\n{text}");
        assert!(text.contains("web2 | failed: 0.1.0 running\nhost"), "{text}");
    }

    #[test]
    fn a_fleet_higher_than_the_terminal_does_not_scroll_it_away() {
        let (mut tty, glass) = tty(40, 8);
        let names: Vec<String> = (1..=30).map(|number| format!("web{number}")).collect();
        tty.event(&at(0, planned(&[]))).unwrap();
        tty.event(&at(0, EventKind::Info { text: "the line above".to_owned() })).unwrap();
        for name in &names {
            tty.event(&of(name, 10, started("start"))).unwrap();
        }
        for tenths in 3..30 {
            tty.tick(Duration::from_millis(tenths * 100)).unwrap();
        }
        let text = glass.text();
        assert!(text.contains("the line above\n"), "{text}");
        assert!(text.ends_with("and 25 hosts more, 25 of them at work"), "{text}");
        assert_eq!(text.matches("web1  start").count(), 1, "{text}");
    }

    #[test]
    fn without_colours_the_moving_lines_still_move() {
        let (mut tty, glass) = tty(40, 8);
        tty.event(&of("web1", 10, started("start"))).unwrap();
        tty.tick(Duration::from_millis(500)).unwrap();
        tty.tick(Duration::from_millis(600)).unwrap();
        assert_eq!(glass.text().matches("web1").count(), 1, "{}", glass.text());
        let formatted = glass.0.lock().unwrap().screen().contents_formatted();
        assert!(!String::from_utf8_lossy(&formatted).contains("\u{1b}[1m"));
    }

    #[test]
    fn a_table_takes_the_place_of_the_one_before_and_goes_at_the_end() {
        let (mut tty, glass) = tty(20, 5);
        let frame = |numbers: std::ops::Range<u32>| {
            let row = |number| [("host".to_owned(), format!("web{number}")), ("state".to_owned(), "running for ever".to_owned())];
            EventKind::Frame { rows: numbers.map(|number| row(number).into_iter().collect()).collect() }
        };
        tty.event(&at(0, EventKind::Info { text: "the line above".to_owned() })).unwrap();
        tty.event(&at(1, frame(1..9))).unwrap();
        assert_eq!(glass.text(), "the line above\nhost  state\nweb1  running for ~\nweb2  running for ~");
        tty.event(&at(2, frame(5..6))).unwrap();
        tty.tick(Duration::from_millis(2_000)).unwrap();
        assert_eq!(glass.text(), "the line above\nhost  state\nweb5  running for ~");
        tty.suspend();
        assert_eq!(glass.text(), "the line above");
    }

    #[test]
    fn a_question_finds_an_empty_line() {
        let (mut tty, glass) = tty(40, 8);
        tty.event(&of("web1", 10, started("start"))).unwrap();
        tty.tick(Duration::from_millis(500)).unwrap();
        tty.suspend();
        tty.tick(Duration::from_millis(600)).unwrap();
        assert_eq!(glass.text().trim(), "");
        tty.resume();
        tty.tick(Duration::from_millis(700)).unwrap();
        assert!(glass.text().contains("web1  start"));
    }
}
