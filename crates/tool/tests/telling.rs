//! From work that reports to everything that is told about it: three hosts, one of which fails.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use edeliver::{
    cancel::Cancel,
    cli::options::Verbosity,
    ctx::{Ctx, Journal},
    report::Reporter,
    runs,
    ui::{
        Render,
        dispatcher::{self, Answers},
        json::Json,
        plain::Plain,
    },
};
use edeliver_core::event::{Event, EventKind, HostOutcome, HostResult, Outcome};

/// A stream that can be read afterwards.
#[derive(Clone, Default)]
struct Page(Arc<Mutex<Vec<u8>>>);

impl Page {
    fn text(&self) -> String {
        anstream::adapter::strip_str(&String::from_utf8_lossy(&self.0.lock().unwrap())).to_string()
    }
}
impl Write for Page {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Deploys to three hosts at the same time; the second one fails in its first step, the third is lost.
async fn work(ctx: &Ctx, runs: &std::path::Path) -> u8 {
    ctx.ui.record_in(runs.join("20260101-000000-aaaa.jsonl"));
    let run = "20260101-000000-aaaa".parse().unwrap();
    let title = "deploy hotapp 0.2.0 to production".to_owned();
    ctx.reporter.send(EventKind::RunStarted {
        run,
        title,
        unix: 1_767_225_600,
        command: vec![],
        recorded: true,
        by: None,
        target: None,
    });
    let mut tasks = tokio::task::JoinSet::new();
    for (place, name) in ["web1", "web2", "web3"].into_iter().enumerate() {
        let reporter = ctx.reporter.for_host(&name.parse().unwrap());
        tasks.spawn(async move { (place, name, host(&reporter, place)) });
    }
    let mut done = tasks.join_all().await;
    done.sort_unstable_by_key(|(place, ..)| *place);
    let outcome = |(_, name, (result, summary)): &(usize, &str, (HostResult, &str))| HostOutcome {
        host: name.parse().unwrap(),
        result: *result,
        summary: (*summary).to_owned(),
    };
    ctx.finish(Outcome { hosts: done.iter().map(outcome).collect(), exit_code: 8, interrupted: false }).await
}

fn host(reporter: &Reporter, place: usize) -> (HostResult, &'static str) {
    let what = "start 0.2.0".to_owned();
    reporter.send(EventKind::StepStarted { index: 0, what: what.clone() });
    reporter.output("Booting\u{1b}[2J");
    let (result, summary) = match place {
        0 => {
            reporter.send(EventKind::StepFinished { index: 0, what, took_ms: 12, note: None });
            (HostResult::Done, "0.2.0 running")
        }
        1 => {
            let (causes, output) = (vec!["it ended with status 1".to_owned()], vec!["Booting".to_owned()]);
            reporter.send(EventKind::StepFailed { index: 0, what, causes, output, hints: vec![] });
            (HostResult::Failed, "0.1.0 running")
        }
        _ => (HostResult::Unknown, "the link was lost in: start 0.2.0"),
    };
    reporter.send(EventKind::HostFinished { result, summary: summary.to_owned() });
    (result, summary)
}

#[test]
fn every_reader_hears_of_every_host_and_the_journal_tells_it_again() {
    let dir = tempfile::tempdir().unwrap();
    let (out, err, json) = (Page::default(), Page::default(), Page::default());
    let renderers: Vec<Box<dyn Render>> =
        vec![Box::new(Plain::new(out.clone(), err.clone(), Verbosity::Compact)), Box::new(Json::new(json.clone()))];
    let (reporter, drafts) = Reporter::new();
    let (handle, dispatcher) = dispatcher::start(drafts, renderers, Answers { yes: false, may_ask: false });
    let ctx = Ctx::new(dir.path().to_owned(), Default::default(), reporter, handle, Cancel::never());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let code = runtime.block_on(work(&ctx, dir.path()));
    dispatcher.finish(code);

    assert_eq!(code, 8);
    assert_eq!(
        out.text(),
        "host  result   now\nweb1  done     0.2.0 running\nweb2  failed   0.1.0 running\nweb3  unknown  the link was lost in: start 0.2.0\n"
    );
    let told = err.text();
    for line in [
        "deploy hotapp 0.2.0 to production  run 20260101-000000-aaaa\n",
        "web1 | start 0.2.0 (0.0 s)\n",
        "web2 | failed: start 0.2.0\n",
        "web2 |   it ended with status 1\n",
        "web3 | unknown: the link was lost in: start 0.2.0\n",
        "1 host done, 1 host failed, 1 host unknown in ",
        "      edeliver run show 20260101-000000-aaaa\n",
    ] {
        assert!(told.contains(line), "{line:?} is missing in:\n{told}");
    }

    let events: Vec<Event> = json.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(events.iter().map(|event| event.seq).collect::<Vec<_>>(), (0..events.len() as u64).collect::<Vec<_>>());
    assert!(matches!(events[0].kind, EventKind::RunStarted { .. }));
    assert!(matches!(&events.last().unwrap().kind, EventKind::RunFinished { outcome } if outcome.exit_code == code));
    for name in ["web1", "web2", "web3"] {
        let mut of_host = events.iter().filter(|event| event.host.as_ref().is_some_and(|host| host.as_str() == name));
        assert!(matches!(of_host.next_back().unwrap().kind, EventKind::HostFinished { .. }), "{name}");
    }

    let mut recorded = Vec::new();
    let run = runs::find(dir.path(), "aaaa").unwrap();
    runs::replay(dir.path(), &run, |_, event| {
        recorded.push(event.clone());
        Ok(())
    })
    .unwrap();
    assert_eq!(recorded, events);
}

#[test]
fn a_question_that_is_asked_leaves_no_journal() {
    let dir = tempfile::tempdir().unwrap();
    let (reporter, drafts) = Reporter::new();
    let (handle, dispatcher) = dispatcher::start(drafts, Vec::new(), Answers { yes: false, may_ask: false });
    let ctx = Ctx::new(dir.path().to_owned(), Default::default(), reporter, handle, Cancel::never());
    ctx.begin("ping staging", Journal::None).unwrap();
    dispatcher.finish(0);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}
