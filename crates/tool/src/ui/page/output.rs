//! What was said and printed: warnings and notes, answers, and what hooks and steps printed.

use edeliver_core::name::HostName;
use indexmap::IndexMap;
use maud::{Markup, html};

use super::{
    header::capital,
    parts::{self, Mark},
    story::{Answer, Lane, Note, Phase, Span, Story},
};
use crate::ui::words::{count, span};

pub(super) fn notes(story: &Story) -> Option<Markup> {
    let mut notes: Vec<&Note> = story.notes.iter().collect();
    notes.sort_by_key(|note| !note.is_warning);
    (!notes.is_empty()).then(|| html! { ul.notes { @for note in notes { (self::note(note)) } } })
}

fn note(note: &Note) -> Markup {
    let (mark, word) = if note.is_warning { (Mark::Warn, "warning") } else { (Mark::Info, "note") };
    let hosts: Vec<&HostName> = note.hosts.iter().collect();
    html! {
        li {
            (parts::icon(mark))
            div {
                p { span.label { (word) } " " (parts::text(&note.text)) " " span.dim { "after " (span(note.at_ms)) } }
                @if !hosts.is_empty() { p.where { "on " (parts::hosts(&hosts)) } }
                (parts::hints(&note.hints))
            }
        }
    }
}

pub(super) fn answers(story: &Story) -> Option<Markup> {
    (!story.answers.is_empty()).then(|| html! { @for answer in &story.answers { (self::answer(answer)) } })
}

fn answer(answer: &Answer) -> Markup {
    match answer {
        Answer::Rows(rows) => table(rows),
        Answer::Text(hosts, lines) => html! {
            @if !hosts.is_empty() { p.where { (parts::hosts(&hosts.iter().collect::<Vec<_>>())) } }
            (parts::printed(lines))
        },
    }
}

fn table(rows: &[IndexMap<String, String>]) -> Markup {
    let says_something = |name: &&String| rows.iter().any(|row| row.get(*name).is_some_and(|cell| !cell.is_empty()));
    let columns: Vec<&String> = rows.first().into_iter().flat_map(IndexMap::keys).filter(says_something).collect();
    html! {
        table.answer {
            thead { tr { @for column in &columns { th scope="col" { (capital(column)) } } } }
            tbody {
                @for row in rows {
                    tr { @for column in &columns { td data-label=(capital(column)) { div { (row.get(*column).map_or("", String::as_str)) } } } }
                }
            }
        }
    }
}

/// What the user's own code printed.
pub(super) fn hooks(story: &Story) -> Option<Markup> {
    let own = said(&story.own).filter(|step| step.phase == Phase::Hook);
    let own: Vec<(&str, &[String])> = own.map(|step| (step.what.as_str(), &step.output[..])).collect();
    let met = story.hooks.iter().map(|(hook, lines)| (hook.as_str(), &lines[..]));
    let of_hosts = story.hosts.iter().flat_map(|(name, host)| said(&host.lane).map(move |step| (name, step)));
    let of_hosts: Vec<(&HostName, &Span)> = of_hosts.filter(|(_, step)| step.phase == Phase::Hook).collect();
    let all: Vec<_> = own.into_iter().chain(met).collect();
    (!all.is_empty() || !of_hosts.is_empty()).then(|| {
        html! {
            @for (title, lines) in all { (block(None, title, lines)) }
            @for (host, step) in of_hosts { (block(Some(host), &step.what, &step.output)) }
        }
    })
}

/// What build tools and scripts printed.
pub(super) fn steps(story: &Story) -> Option<Markup> {
    let own = said(&story.own).map(|step| (None, step));
    let of_hosts = story.hosts.iter().flat_map(|(name, host)| said(&host.lane).map(move |step| (Some(name), step)));
    let all: Vec<_> = own.chain(of_hosts).filter(|(_, step)| step.phase != Phase::Hook).collect();
    (!all.is_empty() || !story.loose.is_empty()).then(|| {
        html! {
            @for (whose, lines) in &story.loose { (block(None, whose, lines)) }
            @for (host, step) in all { (block(host, &step.what, &step.output)) }
        }
    })
}

/// The steps that printed something.
fn said(lane: &Lane) -> impl Iterator<Item = &Span> {
    lane.spans.iter().filter(|step| step.output.iter().any(|line| !line.trim().is_empty()))
}

fn block(host: Option<&HostName>, title: &str, lines: &[String]) -> Markup {
    html! {
        details.printed {
            summary { @if let Some(host) = host { b.host { (host) } " " } (title) " " span.dim { (count(lines.len(), "line")) } }
            (parts::printed(lines))
        }
    }
}
