//! What became of each host. Hosts of which the same is to be said stand together, so a fleet of two hundred is as short as one of three.

use edeliver_core::{event::HostResult, name::HostName};
use indexmap::IndexMap;
use maud::{Markup, html};

use super::{
    parts::{self, Mark, word},
    place::Places,
    scale::WIDTH,
    story::{HostStory, Story},
};
use crate::ui::words::count;

/// What needs somebody's eyes comes first.
const ORDER: [Option<HostResult>; 7] = [
    Some(HostResult::Broken),
    Some(HostResult::Unknown),
    Some(HostResult::Failed),
    Some(HostResult::TakenBack),
    Some(HostResult::Skipped),
    None,
    Some(HostResult::Done),
];

pub(super) fn content(story: &Story, places: &Places) -> Option<Markup> {
    if story.hosts.is_empty() {
        return None;
    }
    let groups = groups(story);
    let has_releases = story.hosts.values().any(|host| host.before.is_some());
    Some(html! {
        (tally(story, places))
        table.outcome {
            thead {
                tr {
                    th scope="col" { "Result" }
                    th scope="col" { "Hosts" }
                    @if has_releases { th scope="col" { "Before" } th scope="col" { "After" } }
                    th scope="col" { "In words" }
                }
            }
            tbody { @for (row, names) in &groups { (self::row(row, names, has_releases)) } }
        }
    })
}

/// What hosts are grouped by.
#[derive(PartialEq, Eq, Hash)]
struct Row<'a> {
    result: Option<HostResult>,
    before: Option<String>,
    after: Option<String>,
    summary: &'a str,
}

fn groups(story: &Story) -> Vec<(Row<'_>, Vec<&HostName>)> {
    let mut groups: IndexMap<Row<'_>, Vec<&HostName>> = IndexMap::new();
    for (name, host) in &story.hosts {
        groups.entry(row_of(host)).or_default().push(name);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(row, _)| ORDER.iter().position(|result| *result == row.result)); // stable: else in the plan's order
    groups
}

fn row_of(host: &HostStory) -> Row<'_> {
    let before = host.before.as_ref().map(|releases| releases.in_words());
    let after = before.as_ref().map(|_| host.now.as_ref().map_or("not known".to_owned(), |releases| releases.in_words()));
    Row { result: host.result, before, after, summary: &host.summary }
}

fn row(row: &Row<'_>, names: &[&HostName], has_releases: bool) -> Markup {
    let mark = Mark::of(row.result);
    let cell = |words: &Option<String>| html! { @match words { Some(words) => (words), None => span.dim { "not asked" } } };
    html! {
        tr {
            td.result { span class={ "tag " (mark.class()) } { (parts::icon(mark)) (word(row.result)) } }
            td.hosts data-label="Hosts" { div { (parts::hosts(names)) } }
            @if has_releases {
                td.release data-label="Before" { div { (cell(&row.before)) } }
                td.release data-label="After" { div { (cell(&row.after)) } }
            }
            td.summary data-label="In words" { div { (row.summary) } }
        }
    }
}

/// How many hosts are done, failed and so on: a bar, and the same in words.
fn tally(story: &Story, places: &Places) -> Markup {
    let all = story.hosts.len();
    let number = |result: &Option<HostResult>| story.hosts.values().filter(|host| host.result == *result).count();
    let counts: Vec<_> = ORDER.iter().rev().map(|result| (result, number(result))).filter(|(_, number)| *number > 0).collect();
    html! {
        @if all > 1 {
            div.tally {
                div.share aria-hidden="true" {
                    @for (result, number) in &counts {
                        i class={ (Mark::of(**result).class()) " " (places.width(share(*number, all))) } {}
                    }
                }
                ul {
                    @for (result, number) in &counts {
                        li { (parts::icon(Mark::of(**result))) b { (count(*number, "host")) } " " (word(**result)) }
                    }
                }
            }
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "hosts are countable")]
fn share(part: usize, all: usize) -> f64 {
    WIDTH * part as f64 / all as f64
}
