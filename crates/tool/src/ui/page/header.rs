//! The head of the page: what it was, how it ended, for whom, when, how long.

use edeliver_core::event::Outcome;
use jiff::{Timestamp, tz::TimeZone};
use maud::{Markup, html};

use super::{
    parts::{self, Mark},
    story::{Begun, Story},
};
use crate::{
    error::{CHANGES_PLANNED, Kind},
    runs::Ending,
    transport::quote,
    ui::words::span,
};

/// What the run was, in words.
pub(super) fn title(story: &Story) -> &str {
    let begun = story.begun.as_ref().map(|begun| begun.title.as_str()).filter(|title| !title.is_empty());
    begun.or_else(|| story.plans.last().map(|plan| plan.title.as_str())).unwrap_or("a run without a beginning")
}

/// The sign of how it ended.
pub(super) fn mark(story: &Story, ending: &Ending) -> Mark {
    match (&story.outcome, ending) {
        (Some(outcome), _) if outcome.exit_code == 0 || outcome.exit_code == CHANGES_PLANNED => Mark::Good,
        (Some(outcome), _) if outcome.exit_code == Kind::Unknown.exit_code() || outcome.interrupted => Mark::Unsure,
        (Some(_), _) => Mark::Bad,
        (None, Ending::Running) => Mark::Going,
        (None, _) => Mark::Unsure,
    }
}

pub(super) fn content(story: &Story, ending: &Ending, zone: &TimeZone) -> Markup {
    html! {
        header {
            p.eyebrow {
                "edeliver"
                @if let Some(begun) = &story.begun { " run " code { (begun.run) } }
            }
            h1 { (title(story)) }
            (verdict(story, ending))
            dl.facts {
                @if let Some(target) = story.target() { (fact("Target", html! { b { (target) } })) }
                @if let Some(begun) = &story.begun { (when(begun, zone)) }
                (fact("Took", html! { (span(story.length_ms)) @if story.outcome.is_none() { " so far" } }))
                @if let Some(by) = story.begun.as_ref().and_then(|begun| begun.by.as_ref()) { (fact("By", html! { (by) })) }
                @if let Some(begun) = story.begun.as_ref().filter(|begun| !begun.command.is_empty()) { (command(begun)) }
            }
        }
    }
}

fn fact(name: &str, value: Markup) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn when(begun: &Begun, zone: &TimeZone) -> Markup {
    let stamp = i64::try_from(begun.unix).ok().and_then(|unix| Timestamp::from_second(unix).ok());
    let Some(stamp) = stamp else { return html! {} };
    let words = stamp.to_zoned(zone.clone()).strftime("%-d %B %Y, %H:%M:%S %Z").to_string();
    fact("Begun", html! { time datetime=(stamp) { (words) } })
}

fn command(begun: &Begun) -> Markup {
    let program = "edeliver".to_owned();
    let words = begun.command.iter().skip(1).map(|word| if is_plain(word) { word.clone() } else { quote::word(word).into_owned() });
    let line: Vec<String> = std::iter::once(program).chain(words).collect();
    html! { div.wide { dt { "Command" } dd { code { (line.join(" ")) } } } }
}

/// Whether no shell would see more in it than there is.
fn is_plain(word: &str) -> bool {
    !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c))
}

fn verdict(story: &Story, ending: &Ending) -> Markup {
    let mark = mark(story, ending);
    let (words, more) = match (&story.outcome, ending) {
        (Some(outcome), _) => of_outcome(outcome),
        (None, Ending::Running) => ("It goes on".to_owned(), "this page shows how far it was when the page was made".to_owned()),
        (None, _) => (
            "It has no end".to_owned(),
            "the record stops: edeliver was killed, or its machine went down; ask the hosts".to_owned(),
        ),
    };
    html! {
        p class={ "verdict " (mark.class()) } {
            (parts::icon(mark))
            span { strong { (words) } " " span.code { (more) } }
        }
    }
}

/// The exit code in words.
fn of_outcome(outcome: &Outcome) -> (String, String) {
    let kind = Kind::ALL.into_iter().find(|kind| kind.exit_code() == outcome.exit_code);
    let words = match (kind, outcome.exit_code) {
        (_, 0) => "done",
        (_, CHANGES_PLANNED) => "there is something to do",
        (Some(kind), _) => kind.meaning().split(": ").next().unwrap_or_default(),
        (None, _) => "failed",
    };
    (capital(words), format!("exit code {}", outcome.exit_code))
}

/// The words as a sentence begins.
pub(super) fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}
