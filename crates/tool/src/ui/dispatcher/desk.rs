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
