//! Events for the renderers' tests.

use edeliver_core::{
    event::{Event, EventKind, HostOutcome, HostResult, Outcome, SCHEMA},
    plan::{HostPlan, Plan, Precondition, Verdict},
    step::Step,
};

/// A journal with every kind of event.
pub(crate) const JOURNAL: &str = include_str!("../../../core/tests/samples/journal-1.jsonl");

/// An event of the run.
pub(crate) fn at(elapsed_ms: u64, kind: EventKind) -> Event {
    Event { v: SCHEMA, seq: 0, elapsed_ms, host: None, kind }
}

/// An event of this host.
pub(crate) fn of(host: &str, elapsed_ms: u64, kind: EventKind) -> Event {
    Event { host: Some(host.parse().unwrap()), ..at(elapsed_ms, kind) }
}

/// A plan that changes these hosts.
pub(crate) fn planned(hosts: &[&str]) -> EventKind {
    let host = |name: &&str| HostPlan {
        host: name.parse().unwrap(),
        expect: Precondition::default(),
        verdict: Verdict::Change,
        reasons: vec!["0.1.0 runs".to_owned()],
        steps: vec![Step::Hook { name: "pre_start".to_owned() }],
        undo: vec![],
    };
    let title = "deploy hotapp 0.2.0 to production".to_owned();
    let hosts = hosts.iter().map(host).collect();
    let format = edeliver_core::plan::FORMAT;
    let target = Some("production".parse().unwrap());
    let plan = Plan { format, title, target, release: None, before: vec![], hosts, rollout: Default::default(), after: vec![] };
    EventKind::Planned { plan, only_shown: false }
}

/// A host that is done.
pub(crate) fn done(summary: &str) -> EventKind {
    EventKind::HostFinished { result: HostResult::Done, summary: summary.to_owned() }
}

/// The end of a run of web1 (done) and web2 (failed).
pub(crate) fn finished(exit_code: u8) -> EventKind {
    let host = |host: &str, result, summary: &str| HostOutcome { host: host.parse().unwrap(), result, summary: summary.to_owned() };
    let hosts = vec![host("web1", HostResult::Done, "0.2.0 running"), host("web2", HostResult::Failed, "0.1.0 running")];
    EventKind::RunFinished { outcome: Outcome { hosts, exit_code, interrupted: false } }
}

mod any_order {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{
        cli::options::Verbosity,
        ui::{
            Render,
            json::Json,
            plain::Plain,
            screen::{Room, Spinner},
            tty::{Terminal, Tty},
        },
    };

    fn event() -> impl Strategy<Value = Event> {
        let events: Vec<Event> = JOURNAL.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let host = prop::sample::select(vec![None, Some("web1"), Some("web2"), Some("a.very.long.host.name.example.org")]);
        (prop::sample::select(events), host, 0..100_000_u64).prop_map(|(event, host, elapsed_ms)| Event {
            host: host.map(|host| host.parse().unwrap()),
            elapsed_ms,
            ..event
        })
    }

    proptest! {
        #[test]
        fn renderers_take_events_in_any_order(events in prop::collection::vec(event(), 0..30), width in 0..200_usize, height in 0..40_usize) {
            let room = Room { width, height };
            let terminal =
                Terminal { out: Vec::new(), err: Vec::new(), area: Vec::new(), room: Box::new(move || room), colour: true, spinner: Spinner::Braille };
            let mut renderers: Vec<Box<dyn Render>> = vec![
                Box::new(Json::new(Vec::new())),
                Box::new(Plain::new(Vec::new(), Vec::new(), Verbosity::Compact)),
                Box::new(Plain::new(Vec::new(), Vec::new(), Verbosity::Debug)),
                Box::new(Tty::new(terminal, Verbosity::Compact)),
            ];
            let page = crate::ui::page::page(&events, &crate::runs::Ending::Cut, &jiff::tz::TimeZone::UTC);
            prop_assert!(page.ends_with("</html>"));
            for event in &events {
                for renderer in &mut renderers {
                    renderer.event(event).unwrap();
                    renderer.tick(Duration::from_millis(event.elapsed_ms)).unwrap();
                }
            }
        }
    }
}
