use serde_json::Value;

use super::*;
use crate::event::{HostOutcome, SCHEMA};

fn told(trace: &mut Trace, at: u64, host: Option<&str>, kind: EventKind) {
    let host = host.map(|host| host.parse().unwrap());
    trace.take(&Event { v: SCHEMA, seq: 0, elapsed_ms: at, host, kind });
}
fn started() -> EventKind {
    EventKind::RunStarted {
        run: "20260101-000000-aaaa".parse().unwrap(),
        title: "deploy shop 2 to production".to_owned(),
        unix: 1_000,
        command: Vec::new(),
        recorded: true,
        by: Some("alice@desk".to_owned()),
        target: None,
    }
}
fn outcome(exit_code: u8) -> Outcome {
    let row = HostOutcome { host: "web1".parse().unwrap(), result: HostResult::Done, summary: String::new() };
    Outcome { hosts: vec![row], exit_code, interrupted: false }
}
fn spans(json: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(json).unwrap();
    assert_eq!(json["resourceSpans"][0]["resource"]["attributes"][0]["value"]["stringValue"], "deploys");
    json["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone()
}

#[test]
fn a_run_is_a_tree_of_waves_hosts_steps_and_calls() {
    let mut trace = Trace::default();
    let wave = |number| EventKind::WaveStarted { number, of: 2, hosts: Vec::new() };
    told(&mut trace, 100, None, EventKind::Info { text: "before".into() });
    told(&mut trace, 200, None, started());
    told(&mut trace, 300, None, wave(1));
    told(&mut trace, 310, Some("web1"), EventKind::StepStarted { index: 0, what: "put it there".into() });
    told(&mut trace, 350, Some("web1"), EventKind::Called { script: "stage".into(), took_ms: 20, status: Some(0) });
    told(&mut trace, 360, Some("web1"), EventKind::Called { script: "long".into(), took_ms: 900, status: None });
    let note = Some("sent 1 KB".to_owned());
    told(&mut trace, 400, Some("web1"), EventKind::StepFinished { index: 0, what: String::new(), took_ms: 90, note });
    told(&mut trace, 410, Some("web1"), EventKind::HostFinished { result: HostResult::Done, summary: "2 running".into() });
    told(&mut trace, 420, None, EventKind::WaveFinished { number: 1, of: 2, failed: 0 });
    let spans = spans(&trace.finish(&outcome(0), 1_000_900, "deploys").unwrap());
    let find = |name: &str| spans.iter().find(|span| span["name"] == name).unwrap();
    let (run, wave, host) = (find("deploy shop 2 to production"), find("wave 1 of 2"), find("web1"));
    let (step, call) = (find("put it there"), find("stage"));
    assert_eq!(run["parentSpanId"], "");
    for (child, parent) in [(wave, run), (host, run), (step, host), (call, step)] {
        assert_eq!(child["parentSpanId"], parent["spanId"], "{child}");
        assert_eq!(child["traceId"], run["traceId"]);
        assert_eq!(child["status"]["code"], 1);
    }
    assert_eq!((run["traceId"].as_str().unwrap().len(), run["spanId"].as_str().unwrap().len()), (32, 16));
    let times = |span: &Value| [&span["startTimeUnixNano"], &span["endTimeUnixNano"]].map(|time| time.as_str().unwrap().to_owned());
    assert_eq!(times(run), ["1000000000000", "1000900000000"], "it begins when it says so, and ends now");
    assert_eq!(times(step), ["1000110000000", "1000200000000"]);
    assert_eq!(times(call), ["1000130000000", "1000150000000"]);
    assert_eq!(times(find("long")), ["1000110000000", "1000160000000"], "no child is older than its parent");
    assert!(trace.finish(&outcome(0), 1, "deploys").is_none(), "a run is told once");
}

#[test]
fn what_failed_is_an_error_with_its_reason_and_what_never_ended_ends_with_the_run() {
    let mut trace = Trace::default();
    told(&mut trace, 0, None, started());
    told(&mut trace, 10, Some("web1"), EventKind::StepStarted { index: 3, what: "start it".into() });
    let causes = vec!["it did not start".to_owned(), "no cookie".to_owned()];
    let failed = EventKind::StepFailed { index: 3, what: String::new(), causes, output: Vec::new(), hints: Vec::new() };
    told(&mut trace, 20, Some("web1"), failed);
    told(&mut trace, 30, Some("web1"), EventKind::HostFinished { result: HostResult::Broken, summary: "look".into() });
    told(&mut trace, 40, Some("web2"), EventKind::StepStarted { index: 0, what: "hang".into() });
    let spans = spans(&trace.finish(&outcome(8), 1_000_050, "deploys").unwrap());
    let status = |name: &str| &spans.iter().find(|span| span["name"] == name).unwrap()["status"];
    assert_eq!((&status("start it")["code"], &status("start it")["message"]), (&2.into(), &"it did not start: no cookie".into()));
    assert_eq!(status("web1")["message"], "look");
    assert_eq!(status("deploy shop 2 to production")["message"], "failed");
    let hang = spans.iter().find(|span| span["name"] == "hang").unwrap();
    assert_eq!(hang["endTimeUnixNano"], "1000050000000");
}

#[test]
fn a_question_is_no_trace() {
    let mut trace = Trace::default();
    told(&mut trace, 0, None, EventKind::Info { text: "answer".into() });
    assert!(trace.finish(&outcome(0), 0, "deploys").is_none());
}
