//! Waves and hosts on a time line. A host is a row with its steps as bars; opened, each step has a row of its own with its words and times,
//! so nothing has to be read off a colour or a width.

use edeliver_core::name::HostName;
use maud::{Markup, html};

use super::{
    parts::{self, Mark},
    place::Places,
    scale::Piece,
    story::{Ended, HostStory, Lane, Phase, Span, Story, Wave},
};
use crate::ui::words::{count, span};

/// Runs with at most so many hosts are shown with all steps open.
const OPEN_UP_TO: usize = 3;

/// With more hosts than these, the keyboard goes from host to host and not from bar to bar.
const REACHED_BY_KEYS: usize = 12;

/// Steps of one place, as they are shown.
struct Row<'a> {
    /// What ids in it begin with.
    id: String,
    name: &'a str,
    mark: Mark,
    word: &'a str,
    lane: &'a Lane,
    /// What to say where there are no steps.
    instead: &'a str,
    is_open: bool,
    keys: bool,
}

pub(super) fn content(story: &Story, places: &Places) -> Option<Markup> {
    let lanes = || story.hosts.values().map(|host| &host.lane).chain([&story.own]);
    if lanes().all(|lane| lane.spans.is_empty()) {
        return None;
    }
    let waves = story.waves();
    let several = waves.len() > 1;
    Some(html! {
        (legend(lanes().flat_map(|lane| &lane.spans), places))
        div class={ "chart" @if story.hosts.len() > 40 { " dense" } } {
            (axis(places))
            @if !story.own.spans.is_empty() { (row(&own(story), places)) }
            @for wave in &waves {
                @let rows = html! {
                    @for (at, name, host) in wave.hosts.iter().filter_map(|name| story.hosts.get_full(*name)) {
                        (row(&of_host(story, at, name, host), places))
                    }
                };
                @if several { (group(wave, &rows, places)) } @else { (rows) }
            }
        }
    })
}

fn own(story: &Story) -> Row<'_> {
    let failed = story.own.spans.iter().any(|span| span.ended == Ended::Failed);
    let (mark, word) = if failed { (Mark::Bad, "failed") } else { (Mark::Info, "") };
    let is_open = story.hosts.len() <= OPEN_UP_TO;
    Row { id: "own".to_owned(), name: "edeliver", mark, word, lane: &story.own, instead: "", is_open, keys: true }
}

fn of_host<'a>(story: &Story, at: usize, name: &'a HostName, host: &'a HostStory) -> Row<'a> {
    Row {
        id: format!("h{at}"),
        name: name.as_str(),
        mark: Mark::of(story.standing(host)),
        word: story.standing(host).word(),
        lane: &host.lane,
        instead: &host.summary,
        is_open: story.hosts.len() <= OPEN_UP_TO,
        keys: story.hosts.len() <= REACHED_BY_KEYS,
    }
}

/// What the colours mean, for those that are there.
fn legend<'a>(spans: impl Iterator<Item = &'a Span> + Clone, places: &Places) -> Markup {
    let phases: Vec<Phase> = Phase::ALL.into_iter().filter(|phase| spans.clone().any(|span| span.phase == *phase)).collect();
    let has = |what: fn(&Span) -> bool| spans.clone().any(what);
    let extra = [
        (has(|span| span.ended == Ended::Failed), "failed", "failed"),
        (has(|span| span.ended == Ended::Lost), "lost", "without an end"),
        (has(|span| span.ended == Ended::Open), "open", "goes on"),
        (has(|span| span.goes_back), "back", "way back"),
    ];
    let cuts: Vec<String> = cuts(places).map(|cut| span(cut.to_ms - cut.from_ms)).collect();
    html! {
        ul.legend aria-label="What the bars mean" {
            @for phase in phases { li { i class={ "key " (phase.class()) } {} (phase.word()) } }
            @for (_, class, word) in extra.into_iter().filter(|(is_there, ..)| *is_there) { li { i class={ "key " (class) } {} (word) } }
            @if !cuts.is_empty() { li { i.key.cut {} "cut short, no step went on (" (cuts.join(", ")) ")" } }
        }
    }
}

/// The times that are shorter than they were.
fn cuts(places: &Places) -> impl Iterator<Item = &Piece> {
    places.scale.pieces.iter().filter(|piece| piece.is_cut)
}

/// Times above the lanes, and lines at them behind all lanes.
fn axis(places: &Places) -> Markup {
    let ticks = places.scale.ticks();
    html! {
        div.axis aria-hidden="true" {
            div.lane { @for tick in &ticks { span class={ "tick " (places.left(tick.at)) } { (tick.label) } } }
        }
        div.grid aria-hidden="true" {
            @for tick in &ticks { i class=(places.left(tick.at)) {} }
            @for cut in cuts(places) {
                i class={ "cut " (places.left(cut.from)) " " (places.width(cut.to - cut.from)) } {}
            }
        }
    }
}

/// Hosts that were changed at the same time.
fn group(wave: &Wave<'_>, rows: &Markup, places: &Places) -> Markup {
    html! {
        details.group open {
            summary {
                h3.name {
                    span { (wave.title) } " " span.dim { (count(wave.hosts.len(), "host")) @if wave.failed > 0 { ", " (wave.failed) " failed" } }
                }
                span.lane aria-hidden="true" { @if let Some((from, to)) = wave.time { i class={ "extent " (places.span(from, to)) } {} } }
                span.took { @if let Some((from, to)) = wave.time { (span(to - from)) } }
            }
            (rows)
        }
    }
}

fn row(row: &Row<'_>, places: &Places) -> Markup {
    let Some((from, to)) = row.lane.extent() else { return without_steps(row) };
    html! {
        details.row open[row.is_open] {
            summary {
                span.name { (parts::icon(row.mark)) span { (row.name) } (said(row)) }
                span.lane aria-hidden=[(!row.keys).then_some("true")] { @for (at, step) in row.lane.spans.iter().enumerate() { (bar(row, at, step, places)) } }
                span.took { (span(to - from)) }
            }
            ol.steps { @for (at, step) in row.lane.spans.iter().enumerate() { (self::step(row, at, step, places)) } }
        }
    }
}

fn without_steps(row: &Row<'_>) -> Markup {
    html! {
        div.row.idle {
            span.name { (parts::icon(row.mark)) span { (row.name) } (said(row)) }
            span.lane { span.dim { (row.instead) } }
        }
    }
}

/// The result in words: to be seen where it is not done.
fn said(row: &Row<'_>) -> Markup {
    html! { @if !row.word.is_empty() { " " span.said.hidden[row.mark == Mark::Good] { (row.word) } } }
}

fn bar(row: &Row<'_>, at: usize, step: &Span, places: &Places) -> Markup {
    let place = places.span(step.from_ms, step.to_ms);
    let took = span(step.took_ms());
    let label = row.keys.then(|| format!("{}: {took} {}", step.what, ended(step)).trim().to_owned());
    let tabindex = (!row.keys).then_some("-1");
    html! {
        a class={ "bar " (looks(step)) " " (place) } href={ "#" (row.id) "s" (at) } aria-label=[label] tabindex=[tabindex] {
            span.tip { b { (step.what) } " " (took) (state(step)) }
        }
    }
}

/// The step as a row.
fn step(row: &Row<'_>, at: usize, step: &Span, places: &Places) -> Markup {
    html! {
        li id={ (row.id) "s" (at) } {
            span.what { (parts::icon(Mark::of_step(step.ended))) span { (step.what) (state(step)) @if let Some(note) = &step.note { " " span.dim { (note) } } } }
            span.lane aria-hidden="true" { i class={ "bar " (looks(step)) " " (places.span(step.from_ms, step.to_ms)) } {} }
            span.took { (span(step.took_ms())) span.from { "at " (span(step.from_ms)) } }
        }
    }
}

fn looks(step: &Span) -> String {
    let ended = match step.ended {
        Ended::Done => "",
        Ended::Failed => " failed",
        Ended::Lost => " lost",
        Ended::Open => " open",
    };
    format!("{}{ended}{}", step.phase.class(), if step.goes_back { " back" } else { "" })
}

/// How it ended, where it is not just done.
fn ended(step: &Span) -> &'static str {
    match step.ended {
        Ended::Done => "",
        Ended::Failed => "failed",
        Ended::Lost => "without an end",
        Ended::Open => "goes on",
    }
}

/// What is to be said of a step besides that it is done.
fn state(step: &Span) -> Markup {
    let ended = ended(step);
    html! {
        @if step.goes_back { " " span.label { "way back" } }
        @if !ended.is_empty() { " " span class={ "label " (Mark::of_step(step.ended).class()) } { (ended) } }
    }
}
