//! Being interrupted: how far the user wants to go, as a value that every task can watch.
//!
//! Ctrl-C once: start nothing new, finish the step in hand. Twice: end what runs on the hosts, their state is then unknown. Three times:
//! leave at once. SIGTERM and SIGHUP count like Ctrl-C, so that a CI runner's "terminate, wait, kill" is an orderly stop.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

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
    lent: Arc<AtomicUsize>,
}

/// The end that raises the level.
#[derive(Debug)]
pub struct Interrupter {
    level: watch::Sender<Level>,
    lent: Arc<AtomicUsize>,
}

/// See [`Cancel::lend_terminal`].
#[derive(Debug)]
#[must_use]
pub struct Lent(Arc<AtomicUsize>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A fresh pair: nobody has interrupted yet.
pub fn pair() -> (Interrupter, Cancel) {
    let (to, from) = watch::channel(Level::None);
    let lent = Arc::<AtomicUsize>::default();
    (Interrupter { level: to, lent: lent.clone() }, Cancel { level: from, lent })
}

impl Interrupter {
    /// Whether keys that are pressed at the terminal are another program's.
    pub fn has_lent_terminal(&self) -> bool {
        self.lent.load(Ordering::SeqCst) > 0
    }
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
    /// While the guard lives, Ctrl-C and Ctrl-\\ at the terminal are meant for another program that has it. Other signals are ours as ever.
    pub fn lend_terminal(&self) -> Lent {
        self.lent.fetch_add(1, Ordering::SeqCst);
        Lent(self.lent.clone())
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
