//! Pending migrations, once for all hosts of a plan, by one that has the release.

use async_trait::async_trait;
use edeliver_core::{
    config::Migrate,
    event::HostResult,
    name::{HostName, Version},
};

use super::fleet::{Fleet, Slot};
use crate::error::{Error, Kind};

/// Carries pending migrations out.
#[async_trait]
pub trait Migrations: Send {
    /// By this host, with this release, which may not be what boots there; told through the run's reporter.
    async fn run(&mut self, host: &HostName, release: Option<&Version>) -> Result<(), Error>;
}

/// Whoever does it, if a plan needs that.
pub(super) type Migrator<'a> = Option<Box<dyn Migrations + 'a>>;

impl Fleet {
    /// Carries them out, if it is time for that. What fails ends the rollout.
    pub(super) async fn migrate(&mut self, now: Migrate, migrator: &mut Migrator<'_>) {
        if self.rollout.migrate != Some(now) || self.stopped.is_some() || self.is_over() {
            return;
        }
        let Some(host) = self.who_migrates(now) else { return };
        if self.cancel.is_requested() {
            self.migrations_failed = Some(Kind::Interrupted);
            return;
        }
        let release = self.release.clone().filter(|_| now == Migrate::Before);
        let done = match migrator {
            Some(migrator) => migrator.run(&host, release.as_ref()).await,
            None => return,
        };
        if let Err(error) = done {
            let changed = if now == Migrate::After { "the hosts are changed, but " } else { "" };
            let text = format!("{changed}the migrations were not run to their end: {}", error.causes().join(": "));
            self.reporter.warn(text, error.hints.clone());
            self.stopped = Some("the migrations were not run to their end".to_owned());
            self.migrations_failed = Some(error.kind);
        }
    }

    /// The first host that has the release. After all of them they have to be done, all.
    fn who_migrates(&self, now: Migrate) -> Option<HostName> {
        let is_done = |slot: &Slot| slot.end().is_some_and(|end| end.row.result == HostResult::Done);
        let has_it = |slot: &Slot| match now {
            Migrate::Before => matches!(slot, Slot::Ready(_)) || is_done(slot),
            Migrate::AfterFirstWave | Migrate::After => is_done(slot),
        };
        if now == Migrate::After && !self.slots.iter().all(is_done) {
            return None;
        }
        self.hosts.iter().zip(&self.slots).find(|(_, slot)| has_it(slot)).map(|(host, _)| host.clone())
    }
}
