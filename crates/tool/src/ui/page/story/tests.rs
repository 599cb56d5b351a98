use std::time::Duration;

use edeliver_core::{
    event::{Event, EventKind, HostOutcome, HostResult, Outcome},
    facts::NodeState,
    plan::{Plan, Precondition},
    step::Step,
};

use super::*;
use crate::ui::samples::{at, of, planned};

fn start(version: &str) -> Step {
    Step::Start { version: version.parse().unwrap(), timeout: Duration::from_secs(9), unit: None }
}

/// A plan that starts this version where another one runs; what boots next is left as it is.
fn plan(title: &str, hosts: &[&str], from: &str, to: &str) -> Plan {
    let EventKind::Planned { mut plan, .. } = planned(hosts) else { panic!("it is no plan") };
    plan.title = title.to_owned();
    plan.rollout.waves = hosts.iter().map(|host| vec![host.parse().unwrap()]).collect();
    let (runs, boots) = (Some(from.parse().unwrap()), Some("0.1.0".parse().unwrap()));
    for host in &mut plan.hosts {
        host.expect = Precondition {
            permanent: boots.clone(),
            running: runs.clone(),
            upgraded: None,
            node: Some(NodeState::Running),
            drained: false,
        };
        (host.steps, host.undo) = (vec![start(to)], vec![start(from)]);
    }
    plan
}
fn began(index: usize, version: &str) -> EventKind {
    EventKind::StepStarted { index, what: start(version).describe() }
}
fn done(index: usize, version: &str) -> EventKind {
    EventKind::StepFinished { index, what: start(version).describe(), took_ms: 5, note: None }
}
fn failed(index: usize, version: &str, output: &[&str]) -> EventKind {
    let output = output.iter().map(|line| (*line).to_owned()).collect();
    EventKind::StepFailed { index, what: start(version).describe(), causes: vec!["it ended".to_owned()], output, hints: vec![] }
}
fn host_finished(result: HostResult) -> EventKind {
    EventKind::HostFinished { result, summary: "so it is".to_owned() }
}
fn wave(number: usize, host: &str) -> EventKind {
    EventKind::WaveStarted { number, of: 3, hosts: vec![host.parse().unwrap()] }
}
fn shown(plan: Plan) -> EventKind {
    EventKind::Planned { plan, only_shown: false }
}
fn outcome(rows: &[(&str, HostResult)]) -> EventKind {
    let row = |(host, result): &(&str, HostResult)| HostOutcome {
        host: host.parse().unwrap(),
        result: *result,
        summary: "at the end".to_owned(),
    };
    EventKind::RunFinished { outcome: Outcome { hosts: rows.iter().map(row).collect(), exit_code: 9, interrupted: false } }
}
fn now<'a>(story: &'a Story, host: &str) -> &'a HostStory {
    &story.hosts[&host.parse::<HostName>().unwrap()]
}
fn words(releases: &Option<host::Releases>) -> String {
    releases.as_ref().map_or("not known".to_owned(), host::Releases::in_words)
}

/// web1 is done, web2 fails and goes back, web3 is not begun; then web1 is taken back.
fn taken_back() -> Vec<Event> {
    vec![
        at(0, shown(plan("deploy", &["web1", "web2", "web3"], "0.1.0", "0.2.0"))),
        at(10, wave(1, "web1")),
        of("web1", 10, began(0, "0.2.0")),
        of("web1", 20, done(0, "0.2.0")),
        of("web1", 20, host_finished(HostResult::Done)),
        at(20, EventKind::WaveFinished { number: 1, of: 3, failed: 0 }),
        at(30, wave(2, "web2")),
        of("web2", 30, began(0, "0.2.0")),
        of("web2", 40, failed(0, "0.2.0", &[])),
        of("web2", 41, began(1, "0.1.0")),
        of("web2", 50, done(1, "0.1.0")),
        of("web2", 50, host_finished(HostResult::Failed)),
        at(50, EventKind::WaveFinished { number: 2, of: 3, failed: 1 }),
        of("web3", 51, host_finished(HostResult::Skipped)),
        at(60, shown(plan("take back: deploy", &["web1"], "0.2.0", "0.1.0"))),
        of("web1", 60, began(0, "0.1.0")),
        of("web1", 70, done(0, "0.1.0")),
        of("web1", 70, host_finished(HostResult::Done)),
        at(80, outcome(&[("web1", HostResult::TakenBack), ("web2", HostResult::Failed), ("web3", HostResult::Skipped)])),
    ]
}

#[test]
fn waves_that_were_begun_or_only_planned_have_each_host_once() {
    let story = Story::of(&taken_back(), true);
    let waves: Vec<_> =
        story.waves().into_iter().map(|wave| (wave.title, wave.hosts[0].as_str(), wave.time, wave.failed)).collect();
    assert_eq!(
        waves,
        [
            ("Wave 1 of 3".to_owned(), "web1", Some((10, 20)), 0),
            ("Wave 2 of 3".to_owned(), "web2", Some((30, 50)), 1),
            ("Wave 3 of 3: not begun".to_owned(), "web3", None, 0),
        ]
    );
    assert_eq!(Story::of(&taken_back()[..1], true).waves().len(), 3);
}

#[test]
fn what_was_taken_back_has_its_old_release_and_steps_of_the_way_back() {
    let story = Story::of(&taken_back(), true);
    let web1 = now(&story, "web1");
    assert_eq!((web1.result, web1.summary.as_str()), (Some(HostResult::TakenBack), "at the end"));
    assert_eq!((words(&web1.before), words(&web1.now)), ("0.1.0 runs".to_owned(), "0.1.0 runs".to_owned()));
    let back = |host| now(&story, host).lane.spans.iter().map(|span| span.goes_back).collect::<Vec<_>>();
    assert_eq!((back("web1"), back("web2")), (vec![false, true], vec![false, true]));
}

#[test]
fn the_release_after_is_what_the_steps_that_are_done_have_made_of_the_one_before() {
    let events = taken_back();
    let half = Story::of(&events[..4], true);
    assert_eq!(
        (words(&now(&half, "web1").before), words(&now(&half, "web1").now)),
        ("0.1.0 runs".into(), "0.2.0 runs, 0.1.0 boots next".into())
    );
    let mut lost = events[..3].to_vec();
    lost.push(of("web1", 30, host_finished(HostResult::Unknown)));
    let lost = Story::of(&lost, true);
    assert_eq!(words(&now(&lost, "web1").now), "not known");
    assert_eq!(now(&lost, "web1").lane.spans[0].ended, Ended::Lost);
}

#[test]
fn what_fails_alike_is_told_once_with_what_each_host_said_last() {
    let mut events = vec![at(0, shown(plan("deploy", &["web1", "web2", "web3"], "0.1.0", "0.2.0")))];
    for host in ["web1", "web2"] {
        events.push(of(host, 1, began(0, "0.2.0")));
        events.push(of(host, 2, EventKind::StepOutput { line: format!("words of {host}") }));
    }
    events.push(of("web1", 3, failed(0, "0.2.0", &[])));
    events.push(of("web2", 4, failed(0, "0.2.0", &["its last words"])));
    events.push(of(
        "web3",
        5,
        EventKind::StepFailed { index: 0, what: "else".into(), causes: vec![], output: vec![], hints: vec![] },
    ));
    let story = Story::of(&events, true);
    assert_eq!(story.troubles.len(), 2);
    let said: Vec<&str> = story.troubles[0].places.iter().map(|place| place.output[0].as_str()).collect();
    assert_eq!(said, ["words of web1", "its last words"]);
}

#[test]
fn a_hooks_words_are_the_hooks_while_hosts_wait_for_it() {
    let EventKind::Planned { plan, .. } = planned(&["web1", "web2"]) else { panic!("it is no plan") };
    let what = plan.hosts[0].steps[0].describe();
    let mut events = vec![at(0, shown(plan))];
    events.extend(["web1", "web2"].map(|host| of(host, 1, EventKind::StepStarted { index: 0, what: what.clone() })));
    events.push(at(2, EventKind::StepOutput { line: "said by the hook".to_owned() }));
    events.push(of("web2", 3, EventKind::StepOutput { line: "done there for it".to_owned() }));
    let story = Story::of(&events, true);
    assert_eq!(story.hooks[&what], ["said by the hook"]);
    assert_eq!(now(&story, "web2").lane.spans[0].output, ["done there for it"]);
    assert_eq!(now(&story, "web2").lane.spans[0].phase, Phase::Hook);
}

#[test]
fn what_a_hook_of_the_run_prints_is_its_own_and_does_not_end_it() {
    let events = [
        at(1, EventKind::Waiting { what: "the hook before_deploy".to_owned() }),
        at(2, EventKind::StepOutput { line: "said by the hook".to_owned() }),
        at(9, EventKind::Info { text: "done".to_owned() }),
    ];
    let story = Story::of(&events, true);
    let span = &story.own.spans[0];
    assert_eq!((span.phase, span.from_ms, span.to_ms, &span.output[..]), (Phase::Hook, 1, 9, &["said by the hook".to_owned()][..]));
}
