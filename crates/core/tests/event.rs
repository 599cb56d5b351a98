//! The JSON form of events: journals written today are read by every later edeliver, and the other way round.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use edeliver_core::{
    doctor::{Finding, Grade},
    event::{Event, EventKind, HostOutcome, HostResult, Outcome, SCHEMA, StdStream},
    hint::Hint,
    name::HostName,
    plan::Plan,
};
use indexmap::IndexMap;
use proptest::prelude::*;

/// A journal of format 1 as it lies on users' disks. Never edit it: when the format changes, add a file.
const FORMAT_1: &str = include_str!("samples/journal-1.jsonl");

/// The same for kinds that this format was given later. Never edit a line of it.
const FORMAT_1_GROWN: &str = include_str!("samples/journal-1-answers.jsonl");

/// Likewise.
const FORMAT_1_UPGRADES: &str = include_str!("samples/journal-1-upgrades.jsonl");

/// Likewise.
const FORMAT_1_CHECKUP: &str = include_str!("samples/journal-1-checkup.jsonl");

/// Likewise.
const FORMAT_1_WHO: &str = include_str!("samples/journal-1-who.jsonl");

/// Likewise.
const FORMAT_1_WAVES: &str = include_str!("samples/journal-1-waves.jsonl");

fn samples() -> impl Iterator<Item = &'static str> {
    [FORMAT_1, FORMAT_1_GROWN, FORMAT_1_UPGRADES, FORMAT_1_CHECKUP, FORMAT_1_WHO, FORMAT_1_WAVES].into_iter().flat_map(str::lines)
}

fn parse(line: &str) -> Event {
    serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

#[test]
fn a_journal_of_format_1_is_read_without_a_loss() {
    for (seq, line) in samples().enumerate() {
        let event = parse(line);
        assert_eq!(event.seq, u64::try_from(seq).unwrap());
        assert_ne!(event.kind, EventKind::Unknown, "{line}");
        assert_eq!(parse(&serde_json::to_string(&event).unwrap()), event);
    }
}

#[test]
fn the_sample_has_every_kind_of_event() {
    // The compiler names this match when a kind is added; the sample of the next format then needs it.
    let word = |kind: &EventKind| match kind {
        EventKind::RunStarted { .. } => 0,
        EventKind::Planned { .. } => 1,
        EventKind::StepStarted { .. } => 2,
        EventKind::StepOutput { .. } => 3,
        EventKind::Progress { .. } => 4,
        EventKind::StepFinished { .. } => 5,
        EventKind::StepFailed { .. } => 6,
        EventKind::HostFinished { .. } => 7,
        EventKind::Warning { .. } => 8,
        EventKind::Info { .. } => 9,
        EventKind::Error { .. } => 10,
        EventKind::Rows { .. } => 11,
        EventKind::Text { .. } => 12,
        EventKind::RunFinished { .. } => 13,
        EventKind::Waiting { .. } => 14,
        EventKind::Called { .. } => 15,
        EventKind::Asking { .. } => 16,
        EventKind::Printed { .. } => 17,
        EventKind::Answer { .. } => 18,
        EventKind::NoAnswer { .. } => 19,
        EventKind::Frame { .. } => 20,
        EventKind::Judged { .. } => 21,
        EventKind::Examined { .. } => 22,
        EventKind::WaveStarted { .. } => 23,
        EventKind::WaveFinished { .. } => 24,
        EventKind::Unknown => 25,
    };
    let mut seen: Vec<i32> = samples().map(|line| word(&parse(line).kind)).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, (0..25).collect::<Vec<_>>());
}

#[test]
fn a_kind_of_a_later_version_is_unknown_and_not_an_error() {
    let event = parse(r#"{"v":2,"seq":7,"elapsed_ms":9,"host":"web1","event":"gate-waiting","why":{"deep":[1,null]}}"#);
    assert_eq!((event.kind, event.seq, event.host), (EventKind::Unknown, 7, Some("web1".parse().unwrap())));
    let grown = parse(r#"{"v":1,"seq":0,"elapsed_ms":0,"event":"info","text":"x","colour":"red"}"#);
    assert_eq!(grown.kind, EventKind::Info { text: "x".to_owned() });
}

fn text() -> impl Strategy<Value = String> {
    "\\PC{0,12}"
}
fn hints() -> impl Strategy<Value = Vec<Hint>> {
    prop::collection::vec((text(), prop::option::of(text())).prop_map(|(text, command)| Hint { text, command }), 0..3)
}
fn hosts() -> impl Strategy<Value = Vec<HostName>> {
    prop::collection::vec("[a-z][a-z0-9-]{0,8}".prop_map(|host| host.parse().unwrap()), 0..3)
}
fn result() -> impl Strategy<Value = HostResult> {
    use HostResult::{Broken, Done, Failed, Skipped, TakenBack, Unknown};
    prop::sample::select(vec![Done, Failed, TakenBack, Broken, Skipped, Unknown])
}
fn outcome() -> impl Strategy<Value = Outcome> {
    let host = ("[a-z][a-z0-9-]{0,8}", result(), text()).prop_map(|(host, result, summary)| HostOutcome {
        host: host.parse().unwrap(),
        result,
        summary,
    });
    (prop::collection::vec(host, 0..4), any::<u8>(), any::<bool>()).prop_map(|(hosts, exit_code, interrupted)| Outcome {
        hosts,
        exit_code,
        interrupted,
    })
}
fn plan() -> impl Strategy<Value = Plan> {
    let planned = FORMAT_1.lines().map(parse).find_map(|event| match event.kind {
        EventKind::Planned { plan, .. } => Some(plan),
        _ => None,
    });
    (Just(planned.unwrap()), text()).prop_map(|(plan, title)| Plan { title, ..plan })
}
fn kind() -> impl Strategy<Value = EventKind> {
    let lines = || prop::collection::vec(text(), 0..3);
    let row = || prop::collection::vec((text(), text()), 0..3).prop_map(|cells| cells.into_iter().collect::<IndexMap<_, _>>());
    prop_oneof![
        (text(), any::<u64>(), lines(), prop::option::of(text()), prop::option::of(Just("production".parse().unwrap()))).prop_map(
            |(title, unix, command, by, target)| EventKind::RunStarted {
                run: "20261123-001502-3f2a".parse().unwrap(),
                title,
                unix,
                command,
                recorded: true,
                by,
                target,
            }
        ),
        text().prop_map(|what| EventKind::Waiting { what }),
        hosts().prop_map(|hosts| EventKind::WaveStarted { number: 1, of: 3, hosts }),
        (0_usize..9).prop_map(|failed| EventKind::WaveFinished { number: 1, of: 3, failed }),
        (lines(), text(), text(), hints()).prop_map(|(places, check, text, hints)| EventKind::Examined {
            places,
            finding: Finding { check, grade: Grade::Trouble, text, hints }
        }),
        (text(), any::<u64>(), any::<Option<i32>>()).prop_map(|(script, took_ms, status)| EventKind::Called {
            script,
            took_ms,
            status
        }),
        (plan(), any::<bool>()).prop_map(|(plan, only_shown)| EventKind::Planned { plan, only_shown }),
        (any::<usize>(), text()).prop_map(|(index, what)| EventKind::StepStarted { index, what }),
        text().prop_map(|line| EventKind::StepOutput { line }),
        (any::<u64>(), any::<u64>()).prop_map(|(done, total)| EventKind::Progress { done, total }),
        (any::<usize>(), text(), any::<u64>(), prop::option::of(text()))
            .prop_map(|(index, what, took_ms, note)| EventKind::StepFinished { index, what, took_ms, note }),
        (any::<usize>(), text(), lines(), lines(), hints())
            .prop_map(|(index, what, causes, output, hints)| EventKind::StepFailed { index, what, causes, output, hints }),
        (result(), text()).prop_map(|(result, summary)| EventKind::HostFinished { result, summary }),
        (text(), hints()).prop_map(|(text, hints)| EventKind::Warning { text, hints }),
        text().prop_map(|text| EventKind::Info { text }),
        (text(), lines(), hints()).prop_map(|(class, causes, hints)| EventKind::Error { class, causes, hints }),
        (prop::collection::vec(row(), 0..3), text()).prop_map(|(rows, none)| EventKind::Rows { rows, none }),
        prop::collection::vec(row(), 0..3).prop_map(|rows| EventKind::Frame { rows }),
        text().prop_map(|text| EventKind::Text { text }),
        (text(), hosts()).prop_map(|(what, hosts)| EventKind::Asking { what, hosts }),
        (text(), any::<bool>())
            .prop_map(|(line, out)| EventKind::Printed { line, to: if out { StdStream::Stdout } else { StdStream::Stderr } }),
        (hosts(), any::<usize>(), text()).prop_map(|(hosts, of, text)| EventKind::Answer { hosts, of, text }),
        (hosts(), any::<usize>(), text(), lines(), hints()).prop_map(|(hosts, of, class, causes, hints)| EventKind::NoAnswer {
            hosts,
            of,
            class,
            causes,
            hints
        }),
        outcome().prop_map(|outcome| EventKind::RunFinished { outcome }),
    ]
}

proptest! {
    #[test]
    fn every_event_survives_being_written_and_read(seq: u64, elapsed_ms: u64, host in prop::option::of("[a-z]{1,9}"), kind in kind()) {
        let event = Event { v: SCHEMA, seq, elapsed_ms, host: host.map(|host| host.parse().unwrap()), kind };
        let line = serde_json::to_string(&event).unwrap();
        prop_assert!(!line.contains('\n'), "one event, one line");
        prop_assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    #[test]
    fn any_unknown_kind_is_unknown(word in "[a-z]{1,4}-[a-z]{1,9}-later", seq: u64, extra in "[a-z_]{3,9}", value: i64) {
        let line = format!(r#"{{"v":9,"seq":{seq},"elapsed_ms":1,"event":"{word}","x{extra}":{value}}}"#);
        prop_assert_eq!(parse(&line).kind, EventKind::Unknown);
    }
}
