//! What was decided, and why: hosts with the same plan together.

use edeliver_core::{
    name::HostName,
    plan::{HostPlan, Plan, Verdict},
    step::Step,
};
use maud::{Markup, html};

use super::{parts, story::Story};

pub(super) fn content(story: &Story) -> Option<Markup> {
    let plans = &story.plans;
    (!plans.is_empty()).then(|| {
        html! { @for plan in plans { details.plan { summary { (plan.title) } (self::plan(plan)) } } }
    })
}

fn plan(plan: &Plan) -> Markup {
    html! {
        @for step in &plan.before { p { span.label { "first" } " " (step.describe()) } }
        @if let lines = plan.rollout.describe() && !lines.is_empty() { ul.plain { @for line in &lines { li { (line) } } } }
        @for (names, host) in groups(plan) { (part(&names, host)) }
        @for step in &plan.after { p { span.label { "then" } " " (step.describe()) } }
    }
}

/// Hosts with equal parts; the preconditions may differ.
fn groups(plan: &Plan) -> Vec<(Vec<&HostName>, &HostPlan)> {
    let words = |steps: &[Step]| steps.iter().map(Step::describe).collect::<Vec<_>>();
    let key = |host: &HostPlan| (host.verdict.clone(), host.reasons.clone(), words(&host.steps), words(&host.undo));
    let mut groups: Vec<(_, Vec<&HostName>, &HostPlan)> = Vec::new();
    for host in &plan.hosts {
        let key = key(host);
        match groups.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, names, _)) => names.push(&host.host),
            None => groups.push((key, vec![&host.host], host)),
        }
    }
    groups.into_iter().map(|(_, names, host)| (names, host)).collect()
}

fn part(names: &[&HostName], host: &HostPlan) -> Markup {
    let word = match host.verdict {
        Verdict::Change => "",
        Verdict::Nothing => "nothing to do",
        Verdict::Blocked { .. } => "can't be done",
        Verdict::Unreachable { .. } => "can't be asked",
    };
    html! {
        div.part {
            p.where { (parts::hosts(names)) @if !word.is_empty() { " " span.label { (word) } } }
            ul.plain { @for reason in &host.reasons { li { (reason) } } }
            @if !host.steps.is_empty() { ol { @for step in &host.steps { li { (step.describe()) } } } }
            @if !host.undo.is_empty() {
                p { span.label { "if that fails" } " " (host.undo.iter().map(Step::describe).collect::<Vec<_>>().join(", ")) }
            }
        }
    }
}
