//! Being interrupted: how far the user wants to go, as a value that every task can watch.
//!
//! Ctrl-C once: start nothing new, finish the step in hand. Twice: end what runs on the hosts, their state is then unknown. Three times:
//! leave at once. SIGTERM and SIGHUP count like Ctrl-C, so that a CI runner's "terminate, wait, kill" is an orderly stop.

use tokio::sync::watch;

/// How urgent the interruption is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nobody interrupted.
    #[default]
    None,
    /// Finish the step in hand, begin no other.
    Finish,
    /// End what runs, on the hosts too.
    Kill,
    /// Leave at once.
    Exit,
}

impl Level {
    /// What one more signal means.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::None => Self::Finish,
            Self::Finish => Self::Kill,
            Self::Kill | Self::Exit => Self::Exit,
        }
    }
}

/// The interruption as tasks see it; cheap to clone.
#[derive(Debug, Clone)]
pub struct Cancel {
    level: watch::Receiver<Level>,
}

/// The end that raises the level.
#[derive(Debug)]
pub struct Interrupter {
    level: watch::Sender<Level>,
}

/// A fresh pair: nobody has interrupted yet.
pub fn pair() -> (Interrupter, Cancel) {
    let (to, from) = watch::channel(Level::None);
    (Interrupter { level: to }, Cancel { level: from })
}

impl Interrupter {
    /// Raises the level by one and tells the new one.
    pub fn interrupt(&self) -> Level {
        self.level.send_modify(|level| *level = level.next());
        *self.level.borrow()
    }
}

impl Cancel {
    /// An interruption that never comes, for tests and for work that must not be stopped.
    pub fn never() -> Self {
        pair().1
    }
    /// The level now.
    pub fn level(&self) -> Level {
        *self.level.borrow()
    }
    /// Whether nothing new may be begun.
    pub fn is_requested(&self) -> bool {
        self.level() >= Level::Finish
    }
    /// Waits until the level is at least this one; for ever, if nobody interrupts any more.
    pub async fn reached(&self, level: Level) {
        let mut watched = self.level.clone();
        if watched.wait_for(|now| *now >= level).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_signal_is_more_urgent_than_the_last() {
        let (interrupter, cancel) = pair();
        assert!(!cancel.is_requested());
        assert_eq!(interrupter.interrupt(), Level::Finish);
        cancel.reached(Level::Finish).await;
        assert!(cancel.is_requested());
        assert_eq!(interrupter.interrupt(), Level::Kill);
        assert_eq!(interrupter.interrupt(), Level::Exit);
        assert_eq!(interrupter.interrupt(), Level::Exit);
        cancel.reached(Level::Exit).await;
    }

    #[tokio::test(start_paused = true)]
    async fn an_interruption_that_can_no_longer_come_is_waited_for_without_an_end() {
        let cancel = Cancel::never();
        let waited = tokio::time::timeout(std::time::Duration::from_secs(3600), cancel.reached(Level::Finish)).await;
        assert!(waited.is_err());
    }
}
