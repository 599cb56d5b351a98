//! Telling what a host prints while it prints it, no faster than it can be shown.

use std::sync::Arc;

use async_trait::async_trait;
use edeliver_core::event::StdStream;
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::{report::Reporter, transport::Listener, ui};

/// Bytes of one host that may wait to be shown, before the host has to wait too.
pub(super) const AHEAD: usize = 64 << 10;

/// Hosts that share one speak one after the other, each to its end.
#[derive(Clone, Default)]
pub(crate) struct Turn(Arc<Mutex<()>>);

/// A listener that tells every line as one of its host.
pub(crate) struct Aloud {
    reporter: Reporter,
    ui: ui::Handle,
    ahead: usize,
    turn: Option<Turn>,
    speaking: Option<OwnedMutexGuard<()>>,
}

impl Aloud {
    /// Tells as the host of this reporter.
    pub(crate) fn new(reporter: &Reporter, ui: &ui::Handle) -> Self {
        Self { reporter: reporter.clone(), ui: ui.clone(), ahead: 0, turn: None, speaking: None }
    }
    /// From its first line until it is dropped nobody else with this turn is heard.
    #[must_use]
    pub(crate) fn in_turn(self, turn: &Turn) -> Self {
        Self { turn: Some(turn.clone()), ..self }
    }
}

#[async_trait]
impl Listener for Aloud {
    async fn line(&mut self, from: StdStream, line: &str) {
        if let Some(Turn(turn)) = self.turn.take() {
            self.speaking = Some(turn.lock_owned().await);
        }
        self.reporter.printed(from, line);
        self.ahead += line.len() + 1;
        if self.ahead > AHEAD {
            self.ui.caught_up().await;
            self.ahead = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
        time::Duration,
    };

    use edeliver_core::event::Event;

    use super::*;
    use crate::ui::{
        Render,
        dispatcher::{self, Answers},
    };

    /// A terminal that takes its time.
    struct Slow(Arc<Mutex<usize>>);
    impl Render for Slow {
        fn event(&mut self, _: &Event) -> io::Result<()> {
            std::thread::sleep(Duration::from_micros(100));
            *self.0.lock().unwrap() += 1;
            Ok(())
        }
        fn name(&self) -> &'static str {
            "the test"
        }
    }

    #[tokio::test]
    async fn a_host_prints_no_faster_than_it_can_be_shown() {
        let (reporter, drafts) = Reporter::new();
        let shown = Arc::new(Mutex::new(0));
        let (ui, dispatcher) =
            dispatcher::start(drafts, vec![Box::new(Slow(shown.clone()))], Answers { yes: false, may_ask: false });
        let mut aloud = Aloud::new(&reporter, &ui);
        let line = "x".repeat(1023);
        for number in 1..=1000_usize {
            aloud.line(StdStream::Stdout, &line).await;
            let waiting = number - *shown.lock().unwrap();
            assert!(waiting <= AHEAD / 1024 + 1, "{waiting} lines wait to be shown");
        }
        dispatcher.finish(0);
    }

    #[tokio::test]
    async fn hosts_speak_one_after_the_other() {
        let (reporter, mut drafts) = Reporter::new();
        let (ui, turn) = (ui::Handle::detached(false), Turn::default());
        let speak = |host: &str| {
            let mut aloud = Aloud::new(&reporter.for_host(&host.parse().unwrap()), &ui).in_turn(&turn);
            tokio::spawn(async move {
                for line in ["a", "b", "c"] {
                    aloud.line(StdStream::Stdout, line).await;
                    tokio::task::yield_now().await;
                }
            })
        };
        let (one, two) = (speak("one"), speak("two"));
        one.await.unwrap();
        two.await.unwrap();
        let mut hosts = Vec::new();
        while let Ok(draft) = drafts.try_recv() {
            hosts.push(draft.host.unwrap().to_string());
        }
        hosts.dedup();
        assert_eq!(hosts.len(), 2, "{hosts:?}");
    }
}
