//! A recorded run as a page to look at: one HTML file that needs nothing else, not even scripts.
//!
//! Pure: events, how the run stands and the time zone go in, text comes out. All that comes from elsewhere (names, log lines, causes) passes
//! through the templates, which escape it. The page's policy lets a browser load nothing and run nothing, so even a mistake here would be one
//! of looks.

mod changes;
mod failures;
mod header;
mod outcome;
mod output;
mod parts;
mod place;
mod plan;
mod scale;
mod story;
mod style;
#[cfg(test)]
mod tests;
mod timeline;

use edeliver_core::event::Event;
use jiff::tz::TimeZone;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::runs::Ending;
use place::Places;
use story::Story;

/// The page of a run with these events.
pub fn page(events: &[Event], ending: &Ending, zone: &TimeZone) -> String {
    let story = Story::of(events, *ending == Ending::Running);
    let places = Places::over(&story);
    let body = body(&story, ending, zone, &places);
    let style = style::sheet(&places);
    let title = header::title(&story);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(style::policy(&style));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                meta name="robots" content="noindex";
                title { (header::mark(&story, ending).sign()) " " (title) " · edeliver" }
                link rel="icon" href=(parts::favicon(header::mark(&story, ending)));
                style { (PreEscaped(&style)) }
            }
            body { (body) }
        }
    }
    .into_string()
}

/// A part of the page: where links to it lead, what it is called there, and what is in it. Nothing: it is left out.
struct Section {
    id: &'static str,
    title: &'static str,
    /// How much there is, where that is of interest before one looks.
    count: Option<usize>,
    content: Option<Markup>,
}

fn body(story: &Story, ending: &Ending, zone: &TimeZone, places: &Places) -> Markup {
    let mut sections = vec![
        Section { id: "outcome", title: "Outcome", count: None, content: outcome::content(story, places) },
        Section { id: "failures", title: "What failed", count: Some(failures::count(story)), content: failures::content(story) },
        Section { id: "timeline", title: "Time line", count: None, content: timeline::content(story, places) },
        Section { id: "changes", title: "What changes in the node", count: None, content: changes::content(story) },
        Section { id: "plan", title: "Plan", count: None, content: plan::content(story) },
        Section { id: "notes", title: "Warnings and notes", count: Some(story.notes.len()), content: output::notes(story) },
        Section { id: "answers", title: "Answers", count: None, content: output::answers(story) },
        Section { id: "hooks", title: "Hooks", count: None, content: output::hooks(story) },
        Section { id: "output", title: "Output", count: None, content: output::steps(story) },
    ];
    sections.retain(|section| section.content.is_some());
    html! {
        (parts::icons())
        (header::content(story, ending, zone))
        @if sections.len() > 2 { (nav(&sections)) }
        main {
            @for section in &sections {
                section id=(section.id) {
                    h2 { (section.title) @if let Some(count) = section.count.filter(|count| *count > 1) { " " span.count { (count) } } }
                    (section.content.as_ref().expect("those without were left out"))
                }
            }
        }
        (footer(story))
    }
}

fn nav(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Parts of this page" {
            @for section in sections {
                a href={ "#" (section.id) } { (section.title) @if let Some(count) = section.count { " " span.count { (count) } } }
            }
        }
    }
}

fn footer(story: &Story) -> Markup {
    html! {
        footer {
            "Made by edeliver " (env!("CARGO_PKG_VERSION")) " from the journal of the run"
            @if let Some(begun) = &story.begun { "; the same in a terminal: " code { "edeliver run show " (begun.run) } }
        }
    }
}
