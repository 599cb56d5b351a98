//! What failed: the step, why, down to the remote cause, what the host said last, and what to do.

use edeliver_core::{
    hint::Hint,
    name::HostName,
    plan::{HostPlan, Verdict},
};
use maud::{Markup, html};

use super::{
    parts::{self, Mark},
    story::{Place, Story, Trouble},
};
use crate::ui::words::{self, span};

/// How many different things went wrong.
pub(super) fn count(story: &Story) -> usize {
    story.troubles.len() + left_out(story).len()
}

pub(super) fn content(story: &Story) -> Option<Markup> {
    (count(story) > 0).then(|| {
        html! {
            @for (at, trouble) in story.troubles.iter().enumerate() { (self::trouble(at, trouble)) }
            @for group in left_out(story) { (obstacle(&group)) }
        }
    })
}

fn trouble(at: usize, trouble: &Trouble) -> Markup {
    let hosts: Vec<&HostName> = trouble.places.iter().filter_map(|place| place.host.as_ref()).collect();
    html! {
        article.failure id={ "f" (at) } {
            h3 {
                (parts::icon(Mark::Bad))
                span { @match &trouble.what { Some(what) => (what), None => "The command ended with an error" } }
            }
            p.where {
                @if !hosts.is_empty() { "on " (parts::hosts(&hosts)) " " }
                span.dim { "after " (span(trouble.places.first().map_or(0, |place| place.at_ms))) }
            }
            (causes(&trouble.causes))
            (logs(&trouble.places))
            (parts::hints(&trouble.hints))
        }
    }
}

/// The chain of causes, each deeper than the one before.
fn causes(causes: &[String]) -> Markup {
    html! {
        @if !causes.is_empty() {
            ol.causes {
                @for (at, cause) in causes.iter().enumerate() {
                    li {
                        @if at > 0 { span.label { "because" } " " }
                        (cause)
                    }
                }
            }
        }
    }
}

/// The last output of each place: open where there is one, else behind a click; that of many behind one more.
fn logs(places: &[Place]) -> Markup {
    const SHOWN: usize = 3;
    let said: Vec<&Place> = places.iter().filter(|place| !place.output.is_empty()).collect();
    let logs = html! { @for place in &said { (log(place, said.len() == 1)) } };
    html! {
        @if said.len() <= SHOWN { (logs) }
        @else { details { summary { "Last output of " b { (words::count(said.len(), "host")) } } div.nested { (logs) } } }
    }
}

fn log(place: &Place, is_open: bool) -> Markup {
    let whose = place.host.as_ref().map_or("this machine".to_owned(), ToString::to_string);
    html! { details open[is_open] { summary { "Last output of " b { (whose) } } (parts::printed(&place.output)) } }
}

/// Hosts that the plan left out for the same reasons.
struct Group<'a> {
    word: &'static str,
    reasons: &'a [String],
    hints: Vec<&'a Hint>,
    names: Vec<&'a HostName>,
}

fn left_out(story: &Story) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for host in story.plans.iter().flat_map(|plan| plan.obstacles()) {
        let (word, hints) = obstacle_of(host);
        match groups.iter_mut().find(|group| group.word == word && group.reasons == host.reasons) {
            None => groups.push(Group { word, reasons: &host.reasons, hints: hints.iter().collect(), names: vec![&host.host] }),
            Some(group) => {
                group.names.push(&host.host);
                let new: Vec<&Hint> = hints.iter().filter(|hint| !group.hints.contains(hint)).collect();
                group.hints.extend(new);
            }
        }
    }
    groups
}

fn obstacle_of(host: &HostPlan) -> (&'static str, &[Hint]) {
    match &host.verdict {
        Verdict::Blocked { hints } => ("it can't be done there", hints),
        Verdict::Unreachable { hints } => ("it could not be asked", hints),
        Verdict::Change | Verdict::Nothing => ("", &[]),
    }
}

fn obstacle(group: &Group<'_>) -> Markup {
    let hints: Vec<Hint> = group.hints.iter().map(|hint| (*hint).clone()).collect();
    html! {
        article.failure.skipped {
            h3 { (parts::icon(Mark::Left)) span { "Left out: " (group.word) } }
            p.where { (parts::hosts(&group.names)) }
            ol.causes { @for reason in group.reasons { li { (reason) } } }
            (parts::hints(&hints))
        }
    }
}
