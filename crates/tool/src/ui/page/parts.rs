//! What many parts of the page have: signs, names of hosts, remedies, printed lines.

use edeliver_core::{event::HostResult, hint::Hint, name::HostName};
use indexmap::IndexMap;
use maud::{Markup, PreEscaped, html};

use super::story::{Ended, Standing};
use crate::ui::words::count;

/// A sign with its colour. What it says stands beside it in words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
    Warn,
    Left,
    Unsure,
    Going,
    Info,
}

impl Mark {
    pub(super) fn of(standing: Standing) -> Self {
        match standing {
            Standing::Over(HostResult::Done) => Self::Good,
            Standing::Over(HostResult::Failed | HostResult::Broken) => Self::Bad,
            Standing::Over(HostResult::TakenBack) => Self::Warn,
            Standing::Over(HostResult::Skipped) | Standing::NotBegun => Self::Left,
            Standing::Over(HostResult::Unknown) | Standing::Lost => Self::Unsure,
            Standing::AtWork => Self::Going,
        }
    }
    pub(super) fn of_step(ended: Ended) -> Self {
        match ended {
            Ended::Done => Self::Good,
            Ended::Failed => Self::Bad,
            Ended::Lost => Self::Unsure,
            Ended::Open => Self::Going,
        }
    }
    /// Its class in the style sheet.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Bad => "bad",
            Self::Warn => "warn",
            Self::Left => "left",
            Self::Unsure => "unsure",
            Self::Going => "going",
            Self::Info => "info",
        }
    }
    /// For the title of a browser's tab.
    pub(super) fn sign(self) -> &'static str {
        match self {
            Self::Good => "✓",
            Self::Bad => "✕",
            Self::Warn => "!",
            Self::Left => "–",
            Self::Unsure => "?",
            Self::Going => "…",
            Self::Info => "i",
        }
    }
    fn path(self) -> &'static str {
        match self {
            Self::Good => "M4.2 8.4 7 11.1 11.9 5.2",
            Self::Bad => "M5 5 11 11M11 5 5 11",
            Self::Warn => "M8 4V9M8 11.6V11.7",
            Self::Left => "M4.6 8H11.4",
            Self::Unsure => "M5.9 6.2C5.9 3.4 10.2 3.5 10.2 6 10.2 7.7 8 7.7 8 9.3M8 11.7V11.8",
            Self::Going => "M4.6 8V8.05M8 8V8.05M11.4 8V8.05",
            Self::Info => "M8 7.4V11.6M8 4.6V4.7",
        }
    }
    fn colour(self) -> &'static str {
        match self {
            Self::Good => "%231a7f4b",
            Self::Bad => "%23c4323c",
            Self::Warn | Self::Unsure => "%23a15c00",
            Self::Left | Self::Going | Self::Info => "%23596170",
        }
    }
}

const MARKS: [Mark; 7] = [Mark::Good, Mark::Bad, Mark::Warn, Mark::Left, Mark::Unsure, Mark::Going, Mark::Info];

/// The drawings that [`icon`] refers to.
pub(super) fn icons() -> Markup {
    html! {
        svg.sprite aria-hidden="true" width="0" height="0" {
            @for mark in MARKS {
                symbol id={ "i-" (mark.class()) } viewBox="0 0 16 16" {
                    circle cx="8" cy="8" r="8" fill="currentColor" {}
                    path.mark d=(mark.path()) fill="none" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" {}
                }
            }
        }
    }
}

/// A sign. It is drawn only: words stand beside it.
pub(super) fn icon(mark: Mark) -> Markup {
    html! { svg class={ "icon " (mark.class()) } aria-hidden="true" { use href={ "#i-" (mark.class()) } {} } }
}

/// The sign on the browser's tab.
pub(super) fn favicon(mark: Mark) -> String {
    format!(
        "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'><circle cx='8' cy='8' r='8' fill='{}'/>\
         <path d='{}' fill='none' stroke='white' stroke-width='1.8' stroke-linecap='round'/></svg>",
        mark.colour(),
        mark.path()
    )
}

/// How many names stand in a row before the rest is folded away.
const NAMES: usize = 12;

/// Names of hosts; of many, how many they are, and all behind a click.
pub(super) fn hosts(names: &[&HostName]) -> Markup {
    let all = || html! { @for (at, name) in names.iter().enumerate() { @if at > 0 { ", " } b.host { (name) } } };
    if names.len() <= NAMES {
        return all();
    }
    html! {
        details.names {
            summary { b { (count(names.len(), "host")) } " " span.dim { (names[0]) ", " (names[1]) ", " (names[2]) ", …" } }
            p { (all()) }
        }
    }
}

/// Remedies, each once, with the commands to type: one for each host where they differ.
pub(super) fn hints(hints: &[Hint]) -> Markup {
    let mut alike: IndexMap<&str, Vec<&str>> = IndexMap::new();
    for hint in hints {
        alike.entry(&hint.text).or_default().extend(hint.command.as_deref());
    }
    html! {
        @for (text, commands) in &alike {
            p.hint { span.label { "Hint" } " " (self::text(text)) }
            (self::commands(commands))
        }
    }
}

fn commands(lines: &[&str]) -> Markup {
    const SHOWN: usize = 3;
    let (first, rest) = lines.split_at(lines.len().min(SHOWN));
    html! {
        @for line in first { pre.command { (line) } }
        @if !rest.is_empty() { details { summary { (rest.len()) " more" } @for line in rest { pre.command { (line) } } } }
    }
}

/// The first and the last lines of what was printed; a page is no place for a million lines.
const FIRST: usize = 60;
const LAST: usize = 240;

/// Lines that were printed.
pub(super) fn printed(lines: &[String]) -> Markup {
    let hidden = lines.len().saturating_sub(FIRST + LAST);
    html! {
        @if hidden == 0 {
            pre.log { (lines.join("\n")) }
        } @else {
            pre.log { (lines[..FIRST].join("\n")) }
            p.dim { (count(hidden, "line")) " left out; the journal has all" }
            pre.log { (lines[FIRST + hidden..].join("\n")) }
        }
    }
}

/// A text in which code stands between backticks.
pub(super) fn text(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// An arrow between what was and what is.
pub(super) fn arrow() -> Markup {
    html! { span.arrow aria-hidden="true" { (PreEscaped("&rarr;")) } span.hidden { " becomes " } }
}
