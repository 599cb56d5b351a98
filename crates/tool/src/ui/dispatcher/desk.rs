//! Numbering and handing out, without threads and clocks.

use std::{
    collections::HashMap,
    io,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use edeliver_core::{
    event::{Event, EventKind, Outcome, SCHEMA},
    hint::Hint,
    name::HostName,
};

use crate::{report::Draft, runs::Journal, ui::Render};

/// How often the progress of one host is told. The latest wins; the ones between are lost.
const PROGRESS_EVERY: Duration = Duration::from_millis(100);

/// Where events get their number and go out to the readers.
pub(super) struct Desk {
    renderers: Vec<Box<dyn Render>>,
    /// Where the journal shall be, set before the run starts.
    journal: Arc<OnceLock<PathBuf>>,
    next: u64,
    begun: bool,
    /// Held back, so that it is the last event whatever late senders say.
    finished: Option<Outcome>,
    progress: HashMap<Option<HostName>, Duration>,
}

impl Desk {
    pub(super) fn new(renderers: Vec<Box<dyn Render>>, journal: Arc<OnceLock<PathBuf>>) -> Self {
        Self { renderers, journal, next: 0, begun: false, finished: None, progress: HashMap::new() }
    }

    /// Takes one event in.
    pub(super) fn take(&mut self, draft: Draft, now: Duration) {
        match draft.kind {
            EventKind::RunFinished { outcome } => {
                self.finished.get_or_insert(outcome);
            }
            EventKind::Progress { .. } if !self.progress_due(&draft.host, now) => {}
            kind => {
                if matches!(kind, EventKind::RunStarted { .. }) {
                    self.begun = true;
                    self.open_journal(now);
                }
                self.hand_out(draft.host, kind, now);
            }
        }
    }

    /// Whether enough time has passed since this host's last progress. The last one of a transfer may be lost too: that it is over is
    /// told by `StepFinished`.
    fn progress_due(&mut self, host: &Option<HostName>, now: Duration) -> bool {
        let due = self.progress.get(host).is_none_or(|last| now.saturating_sub(*last) >= PROGRESS_EVERY);
        if due {
            self.progress.insert(host.clone(), now);
        }
        due
    }

    fn open_journal(&mut self, now: Duration) {
        let Some(file) = self.journal.get() else { return };
        match Journal::create(file) {
            Ok(journal) => self.renderers.push(Box::new(journal)),
            Err(error) => self.tell_lost("the journal of this run", &error, now),
        }
    }

    pub(super) fn tick(&mut self, now: Duration) {
        self.each(now, |renderer| renderer.tick(now));
    }
    pub(super) fn suspend(&mut self) {
        self.renderers.iter_mut().for_each(|renderer| renderer.suspend());
    }
    pub(super) fn resume(&mut self) {
        self.renderers.iter_mut().for_each(|renderer| renderer.resume());
    }

    /// The run's last event, also where nobody sent one. A command that began no run has none.
    pub(super) fn finish(&mut self, exit_code: u8, now: Duration) {
        if self.begun {
            let outcome = self.finished.take().unwrap_or(Outcome { hosts: Vec::new(), exit_code, interrupted: false });
            self.hand_out(None, EventKind::RunFinished { outcome }, now);
        }
        self.suspend(); // what moves goes
    }

    fn hand_out(&mut self, host: Option<HostName>, kind: EventKind, now: Duration) {
        let event = self.number(host, kind, now);
        self.each(now, |renderer| renderer.event(&event));
    }

    fn number(&mut self, host: Option<HostName>, kind: EventKind, now: Duration) -> Event {
        let seq = self.next;
        self.next += 1;
        Event { v: SCHEMA, seq, elapsed_ms: u64::try_from(now.as_millis()).unwrap_or(u64::MAX), host, kind }
    }

    /// Does it with every reader. The work goes on when one can't write: it is dropped, and the others are told.
    fn each(&mut self, now: Duration, mut what: impl FnMut(&mut Box<dyn Render>) -> io::Result<()>) {
        let mut lost = Vec::new();
        self.renderers.retain_mut(|renderer| match what(renderer) {
            Ok(()) => true,
            Err(error) => {
                lost.push((renderer.name(), error));
                false
            }
        });
        for (name, error) in lost {
            self.tell_lost(name, &error, now);
        }
    }

    fn tell_lost(&mut self, name: &str, error: &io::Error, now: Duration) {
        let text = format!("{name} can't be written ({error}); the work goes on without it");
        let hints = match error.kind() {
            io::ErrorKind::StorageFull => vec![Hint::text("make room on this machine's disk")],
            _ => Vec::new(),
        };
        self.hand_out(None, EventKind::Warning { text, hints }, now);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use edeliver_core::event::HostResult;

    use super::*;

    /// Keeps what it gets, and fails from its `until`th event on.
    #[derive(Clone)]
    struct Reader {
        got: Arc<Mutex<Vec<Event>>>,
        until: usize,
    }

    impl Reader {
        fn new(until: usize) -> Self {
            Self { got: Arc::default(), until }
        }
        fn texts(&self) -> Vec<String> {
            self.got.lock().unwrap().iter().map(|event| format!("{} {}", event.seq, word(&event.kind))).collect()
        }
    }
    impl Render for Reader {
        fn event(&mut self, event: &Event) -> io::Result<()> {
            let mut got = self.got.lock().unwrap();
            if got.len() >= self.until {
                return Err(io::ErrorKind::StorageFull.into());
            }
            got.push(event.clone());
            Ok(())
        }
        fn name(&self) -> &'static str {
            "the reader"
        }
    }

    fn word(kind: &EventKind) -> String {
        match kind {
            EventKind::Info { text } | EventKind::Warning { text, .. } => text.clone(),
            EventKind::RunStarted { .. } => "started".to_owned(),
            EventKind::RunFinished { outcome } => format!("finished {}", outcome.exit_code),
            other => format!("{other:?}"),
        }
    }
    fn draft(kind: EventKind) -> Draft {
        Draft { host: None, kind }
    }
    fn info(text: &str) -> Draft {
        draft(EventKind::Info { text: text.to_owned() })
    }
    fn started() -> Draft {
        let run = "20260101-000000-aaaa".parse().unwrap();
        draft(EventKind::RunStarted { run, title: String::new(), unix: 0, command: vec![], recorded: true, by: None, target: None })
    }
    fn finished(exit_code: u8) -> Draft {
        draft(EventKind::RunFinished { outcome: Outcome { hosts: vec![], exit_code, interrupted: false } })
    }
    fn desk(readers: &[&Reader]) -> Desk {
        let boxed = readers.iter().map(|reader| -> Box<dyn Render> { Box::new((*reader).clone()) }).collect();
        Desk::new(boxed, Arc::default())
    }
    const NOW: Duration = Duration::from_millis(5);

    #[test]
    fn every_reader_sees_the_same_numbers_and_the_end_is_last() {
        let (one, two) = (Reader::new(99), Reader::new(99));
        let mut desk = desk(&[&one, &two]);
        for draft in [started(), info("a"), finished(8), info("late")] {
            desk.take(draft, NOW);
        }
        desk.finish(0, NOW);
        assert_eq!(one.texts(), ["0 started", "1 a", "2 late", "3 finished 8"]);
        assert_eq!(one.texts(), two.texts());
        assert_eq!(one.got.lock().unwrap()[1].elapsed_ms, 5);
    }

    #[test]
    fn a_run_without_an_end_gets_one_and_a_question_gets_none() {
        let run = Reader::new(99);
        let mut with_run = desk(&[&run]);
        with_run.take(started(), NOW);
        with_run.finish(7, NOW);
        assert_eq!(run.texts(), ["0 started", "1 finished 7"]);
        let question = Reader::new(99);
        let mut without = desk(&[&question]);
        without.take(info("a"), NOW);
        without.finish(0, NOW);
        assert_eq!(question.texts(), ["0 a"]);
    }

    #[test]
    fn a_reader_that_fails_is_left_out_and_that_is_told_once() {
        let (full, good) = (Reader::new(1), Reader::new(99));
        let mut desk = desk(&[&full, &good]);
        for text in ["a", "b", "c"] {
            desk.take(info(text), NOW);
        }
        assert_eq!(
            good.texts(),
            ["0 a", "1 b", "2 the reader can't be written (no storage space); the work goes on without it", "3 c"]
        );
        assert_eq!(full.texts(), ["0 a"]);
    }

    #[test]
    fn a_journal_that_cannot_be_made_does_not_stop_the_run() {
        let reader = Reader::new(99);
        let journal = Arc::new(OnceLock::from(PathBuf::from("/dev/null/runs/20260101-000000-aaaa.jsonl")));
        let mut desk = Desk::new(vec![Box::new(reader.clone())], journal);
        desk.take(started(), NOW);
        desk.finish(0, NOW);
        let texts = reader.texts();
        assert!(texts[0].starts_with("0 the journal of this run can't be written"), "{texts:?}");
        assert_eq!(texts[1..], ["1 started", "2 finished 0"]);
    }

    #[test]
    fn progress_is_thinned_out_per_host_and_nothing_else_is() {
        let reader = Reader::new(9_999);
        let mut desk = desk(&[&reader]);
        let host = |name: &str| Some(name.parse().unwrap());
        for ms in 0..1_000 {
            for name in ["web1", "web2"] {
                let progress = EventKind::Progress { done: ms, total: 1_000 };
                desk.take(Draft { host: host(name), kind: progress }, Duration::from_millis(ms));
            }
        }
        assert_eq!(reader.got.lock().unwrap().len(), 20);
        for _ in 0..1_000 {
            desk.take(draft(EventKind::HostFinished { result: HostResult::Done, summary: String::new() }), NOW);
        }
        assert_eq!(reader.got.lock().unwrap().len(), 1_020);
    }
}
