//! What became of each host. Hosts of which the same is to be said stand together, so a fleet of two hundred is as short as one of three.

use edeliver_core::name::HostName;
use indexmap::IndexMap;
use maud::{Markup, html};

use super::{
    parts::{self, Mark},
    place::Places,
    scale::WIDTH,
    story::{HostStory, Standing, Story},
};
use crate::ui::words::count;

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
    standing: Standing,
    before: Option<String>,
    after: Option<String>,
    summary: &'a str,
}

fn groups(story: &Story) -> Vec<(Row<'_>, Vec<&HostName>)> {
    let mut groups: IndexMap<Row<'_>, Vec<&HostName>> = IndexMap::new();
    for (name, host) in &story.hosts {
        groups.entry(row_of(story, host)).or_default().push(name);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(row, _)| Standing::ALL.iter().position(|standing| *standing == row.standing)); // stable: else in the plan's order
    groups
}

fn row_of<'a>(story: &Story, host: &'a HostStory) -> Row<'a> {
    let standing = story.standing(host);
    let now = host.now.as_ref().filter(|_| standing != Standing::Lost);
    let before = host.before.as_ref().map(|releases| releases.in_words());
    let after = before.as_ref().map(|_| now.map_or("not known".to_owned(), |releases| releases.in_words()));
    Row { standing, before, after, summary: &host.summary }
}

fn row(row: &Row<'_>, names: &[&HostName], has_releases: bool) -> Markup {
    let mark = Mark::of(row.standing);
    let cell = |words: &Option<String>| html! { @match words { Some(words) => (words), None => span.dim { "not asked" } } };
    html! {
        tr {
            td.result { span class={ "tag " (mark.class()) } { (parts::icon(mark)) (row.standing.word()) } }
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
    let number = |standing| story.hosts.values().filter(|host| story.standing(host) == standing).count();
    let all_counts = Standing::ALL.into_iter().rev().map(|standing| (standing, number(standing)));
    let counts: Vec<_> = all_counts.filter(|(_, number)| *number > 0).collect();
    html! {
        @if all > 1 {
            div.tally {
                div.share aria-hidden="true" {
                    @for (standing, number) in &counts {
                        i class={ (Mark::of(*standing).class()) " " (places.width(share(*number, all))) } {}
                    }
                }
                ul {
                    @for (standing, number) in &counts {
                        li { (parts::icon(Mark::of(*standing))) b { (count(*number, "host")) } " " (standing.word()) }
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
