//! The moving part of the terminal as a value: events fold into it, and it says which lines are to be seen now.
//!
//! One line per host that is at work or waits. More hosts than lines: those at work come first, and the last line counts the others.

use edeliver_core::{
    event::{Event, EventKind},
    name::HostName,
};
use indexmap::IndexMap;
use unicode_width::UnicodeWidthStr as _;

use super::{
    style::{DIM, HINT, STRONG, paint},
    table::{fit, pad_left},
    words::{count, size, span},
};

/// Nothing moves before this: a command that is quicker leaves no flicker.
const QUIET_MS: u64 = 250;

/// Host names take at most this many columns.
const WIDEST_NAME: usize = 24;

/// Below this many columns a remote line is not worth showing.
const NARROWEST_OUTPUT: usize = 8;

const SPINNER_EVERY_MS: u64 = 120;

/// The turning sign in front of what is at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Spinner {
    /// For every terminal.
    #[default]
    Ascii,
    /// For terminals that show UTF-8.
    Braille,
}

impl Spinner {
    /// Finer, where the locale says UTF-8: the value of the first of LC_ALL, LC_CTYPE and LANG that is set.
    pub(super) fn for_locale(locale: Option<&str>) -> Self {
        let utf8 = locale.is_some_and(|locale| locale.to_lowercase().replace('-', "").contains("utf8"));
        if utf8 { Self::Braille } else { Self::Ascii }
    }
    fn at(self, now_ms: u64) -> &'static str {
        let signs: &[&str] = match self {
            Self::Ascii => &["|", "/", "-", "\\"],
            Self::Braille => &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        };
        signs[usize::try_from(now_ms / SPINNER_EVERY_MS).unwrap_or(0) % signs.len()]
    }
}

/// What goes on.
#[derive(Debug, Default)]
pub(super) struct Screen {
    spinner: Spinner,
    /// The run's own step (a local hook, asking the hosts).
    own: Option<Work>,
    /// Whether that is no step but a wait, which the next event of the run ends.
    waits: bool,
    hosts: IndexMap<HostName, HostState>,
    over: bool,
}

#[derive(Debug)]
enum HostState {
    Waiting,
    Working(Work),
    Finished,
}

#[derive(Debug)]
struct Work {
    what: String,
    since_ms: u64,
    output: String,
}

/// The room there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    /// Columns.
    pub(super) width: usize,
    /// Lines of the terminal.
    pub(super) height: usize,
}

impl Screen {
    /// Nothing goes on.
    pub(super) fn new(spinner: Spinner) -> Self {
        Self { spinner, ..Self::default() }
    }

    /// Folds the next event in.
    pub(super) fn event(&mut self, event: &Event) {
        if event.host.is_none() && self.waits {
            (self.own, self.waits) = (None, false);
        }
        match &event.kind {
            EventKind::Waiting { what } | EventKind::Asking { what, .. } => {
                self.own = Some(Work { what: what.clone(), since_ms: event.elapsed_ms, output: String::new() });
                self.waits = true;
            }
            EventKind::Planned { plan, .. } => {
                for host in plan.hosts.iter().filter(|host| !host.steps.is_empty()) {
                    self.hosts.entry(host.host.clone()).or_insert(HostState::Waiting);
                }
            }
            EventKind::StepStarted { what, .. } => {
                let work = Work { what: what.clone(), since_ms: event.elapsed_ms, output: String::new() };
                match &event.host {
                    Some(host) => drop(self.hosts.insert(host.clone(), HostState::Working(work))),
                    None => self.own = Some(work),
                }
            }
            EventKind::StepOutput { line } if !line.trim().is_empty() => self.output(event.host.as_ref(), line.trim().to_owned()),
            EventKind::Progress { done, total } => self.output(event.host.as_ref(), progress(*done, *total)),
            EventKind::StepFinished { .. } | EventKind::StepFailed { .. } if event.host.is_none() => self.own = None,
            EventKind::HostFinished { .. } => {
                if let Some(host) = &event.host {
                    self.hosts.insert(host.clone(), HostState::Finished);
                }
            }
            EventKind::Error { .. } | EventKind::RunFinished { .. } => self.over = true,
            _ => {}
        }
    }

    fn output(&mut self, host: Option<&HostName>, text: String) {
        let work = match host {
            None => self.own.as_mut(),
            Some(host) => match self.hosts.get_mut(host) {
                Some(HostState::Working(work)) => Some(work),
                _ => None,
            },
        };
        if let Some(work) = work {
            work.output = text;
        }
    }

    /// The lines to be seen at this time, each within the width, all within the height.
    pub(super) fn lines(&self, now_ms: u64, room: Room) -> Vec<String> {
        if self.over || now_ms < QUIET_MS {
            return Vec::new();
        }
        let width = room.width.saturating_sub(1); // the last column would wrap on some terminals
        let mut lines: Vec<String> = self.own.iter().map(|work| self.working("", 0, work, now_ms, width)).collect();
        lines.extend(self.host_lines(now_ms, width, room.height.saturating_sub(lines.len() + 2).max(1)));
        lines
    }

    fn host_lines(&self, now_ms: u64, width: usize, height: usize) -> Vec<String> {
        let column = self.hosts.keys().map(|host| host.as_str().width()).max().unwrap_or(0).min(WIDEST_NAME);
        let mut lines = Vec::new();
        for (host, state) in &self.hosts {
            if let HostState::Working(work) = state {
                lines.push(self.working(host.as_str(), column, work, now_ms, width));
            }
        }
        let at_work = lines.len();
        for (host, state) in &self.hosts {
            if matches!(state, HostState::Waiting) {
                lines.push(waiting(host.as_str(), column, width));
            }
        }
        if lines.len() > height {
            let hidden = lines.split_off(height - 1).len();
            let hidden_at_work = at_work.saturating_sub(lines.len());
            let words = format!("  and {} more, {hidden_at_work} of them at work", count(hidden, "host"));
            lines.push(paint(DIM, fit(&words, width)));
        }
        lines
    }

    fn working(&self, name: &str, column: usize, work: &Work, now_ms: u64, width: usize) -> String {
        let gap = if column == 0 { "" } else { "  " };
        let name = pad_left(&fit(name, column), column);
        let left = width.saturating_sub(2 + column + gap.len());
        if left == 0 {
            return fit(&format!("{name} {}", work.what), width);
        }
        let body = fit(&format!("{}  {}", work.what, span(now_ms.saturating_sub(work.since_ms))), left);
        let mut line = format!("{} {}{gap}{body}", paint(HINT, self.spinner.at(now_ms)), paint(STRONG, name));
        let room = left.saturating_sub(body.width() + 2);
        if room >= NARROWEST_OUTPUT && !work.output.is_empty() {
            line.push_str(&format!("  {}", paint(DIM, fit(&work.output, room))));
        }
        line
    }
}

fn waiting(name: &str, column: usize, width: usize) -> String {
    paint(DIM, fit(&format!("  {}  waiting", pad_left(&fit(name, column), column)), width))
}

fn progress(done: u64, total: u64) -> String {
    match (done.min(total) * 100).checked_div(total) {
        Some(percent) => format!("{percent} % of {}", size(total)),
        None => size(done),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::samples::{self, at, of};

    const ROOMY: Room = Room { width: 80, height: 24 };

    fn seen(screen: &Screen, now_ms: u64, room: Room) -> Vec<String> {
        screen.lines(now_ms, room).iter().map(|line| anstream::adapter::strip_str(line).to_string()).collect()
    }
    fn started(what: &str) -> EventKind {
        EventKind::StepStarted { index: 0, what: what.to_owned() }
    }
    fn output(line: &str) -> EventKind {
        EventKind::StepOutput { line: line.to_owned() }
    }

    /// `hosts` hosts, of which the first `working` are at work.
    fn fleet(hosts: usize, working: usize) -> Screen {
        let mut screen = Screen::default();
        let names: Vec<String> = (1..=hosts).map(|number| format!("web{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        screen.event(&at(0, samples::planned(&names)));
        for name in &names[..working] {
            screen.event(&of(name, 1_000, started("start 0.2.0")));
        }
        screen
    }

    #[test]
    fn each_host_has_one_line_with_its_step_its_time_and_its_last_words() {
        let mut screen = fleet(3, 2);
        screen.event(&of("web1", 1_100, output("Compiling 3 files (.ex)")));
        screen.event(&of("web1", 1_200, output("  ")));
        screen.event(&of("web2", 1_100, EventKind::Progress { done: 310_000, total: 1_000_000 }));
        assert_eq!(
            seen(&screen, 4_320, ROOMY),
            [
                "| web1  start 0.2.0  3.3 s  Compiling 3 files (.ex)",
                "| web2  start 0.2.0  3.3 s  31 % of 1.0 MB",
                "  web3  waiting",
            ]
        );
    }

    #[test]
    fn nothing_moves_in_the_first_quarter_of_a_second_nor_after_the_end() {
        let mut screen = fleet(2, 2);
        assert_eq!(seen(&screen, 249, ROOMY), Vec::<String>::new());
        assert_eq!(seen(&screen, 250, ROOMY).len(), 2);
        screen.event(&at(9_000, samples::finished(0)));
        assert_eq!(seen(&screen, 9_000, ROOMY), Vec::<String>::new());
    }

    #[test]
    fn more_hosts_than_lines_are_counted() {
        let room = Room { width: 80, height: 6 };
        let lines = seen(&fleet(10, 5), 2_000, room);
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[3], "  and 7 hosts more, 2 of them at work");
        assert_eq!(seen(&fleet(10, 1), 2_000, room)[3], "  and 7 hosts more, 0 of them at work");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_however_wide_its_characters() {
        let mut screen = fleet(3, 3);
        screen.event(&of("web2", 1_100, output("日本語の長い行が続きますとても長い行です")));
        screen.event(&of("a-host-with-a-very-long-name.example.org", 1_200, started("prüfe ob alles da ist")));
        screen.event(&at(1_300, started("ask 3 hosts")));
        for width in 1..60 {
            for line in seen(&screen, 5_000, Room { width, height: 24 }) {
                assert!(line.width() < width.max(1), "{width}: {line:?}");
            }
        }
    }

    #[test]
    fn a_wait_is_shown_until_the_next_event_of_the_run() {
        let mut screen = Screen::default();
        screen.event(&at(100, EventKind::Waiting { what: "asking 3 hosts".to_owned() }));
        assert_eq!(seen(&screen, 1_440, ROOMY), ["| asking 3 hosts  1.3 s"]);
        screen.event(&at(2_000, samples::planned(&["web1"])));
        assert_eq!(seen(&screen, 2_400, ROOMY), ["  web1  waiting"]);
    }

    #[test]
    fn the_spinner_is_fine_only_where_the_locale_can_show_it() {
        assert_eq!(Spinner::for_locale(Some("de_DE.UTF-8")), Spinner::Braille);
        assert_eq!(Spinner::for_locale(Some("C.utf8")), Spinner::Braille);
        assert_eq!(Spinner::for_locale(Some("C")), Spinner::Ascii);
        assert_eq!(Spinner::for_locale(None), Spinner::Ascii);
    }

    #[test]
    fn a_finished_host_leaves_the_moving_lines() {
        let mut screen = fleet(2, 2);
        screen.event(&of("web1", 3_000, samples::done("0.2.0 running")));
        assert_eq!(seen(&screen, 3_000, ROOMY), ["/ web2  start 0.2.0  2.0 s"]);
    }
}
