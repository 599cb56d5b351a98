//! Carrying out a plan, step by step, and telling how it goes.

use std::time::Instant;

use edeliver_core::{event::EventKind, step::Step};

use super::{
    BuildError,
    hooks::Hooks,
    keep::{self, Kept},
    lease::Lease,
    site::{Assembled, Came, Site},
};
use crate::store::{Existing, Store};

/// A build at work.
pub(super) struct Carrying<'a> {
    pub(super) site: Site<'a>,
    pub(super) lease: Lease,
    pub(super) store: &'a Store,
    /// Whether the classic archive is written too.
    pub(super) archive: bool,
    pub(super) hooks: Hooks<'a>,
    /// Where the project lies, once it is checked out.
    pub(super) checked_out: Option<String>,
    /// What becomes of another release of the same version.
    pub(super) existing: Existing,
    /// The release, once it was read.
    pub(super) assembled: Option<Assembled>,
    /// The release, once it is in the store.
    pub(super) kept: Option<Kept>,
}

async fn collect(
    site: &Site<'_>,
    slot: &str,
    assembled: &Assembled,
    store: &Store,
    existing: Existing,
    archive: bool,
) -> Result<Came, BuildError> {
    let kept = keep::keep(site, slot, assembled, store, existing).await?;
    if archive {
        keep::archive(store, &kept).await?;
    }
    keep::publish(store, &kept, existing, archive).await?;
    Ok(Came::Kept(Box::new(kept)))
}

/// Where a build has stopped, and why.
#[derive(Debug)]
pub(super) struct Stopped {
    pub(super) index: usize,
    pub(super) step: Step,
    pub(super) error: BuildError,
}

impl Carrying<'_> {
    /// Carries out all steps, or stops at the first that fails.
    pub(super) async fn all(&mut self, steps: &[Step]) -> Result<(), Box<Stopped>> {
        for (index, step) in steps.iter().enumerate() {
            let (what, begun) = (step.describe(), Instant::now());
            self.site.reporter.send(EventKind::StepStarted { index, what: what.clone() });
            let note = match self.one(step).await {
                Ok(came) => self.note(came),
                Err(error) => return Err(Box::new(Stopped { index, step: step.clone(), error })),
            };
            let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            self.site.reporter.send(EventKind::StepFinished { index, what, took_ms, note });
        }
        Ok(())
    }

    async fn one(&mut self, step: &Step) -> Result<Came, BuildError> {
        match step {
            Step::PrepareBuild => self.site.prepare().await,
            Step::PushSource { .. } => self.site.push().await,
            Step::Hook { name } => {
                self.hooks.run(name, self.checked_out.as_deref().unwrap_or(self.site.base), self.site.work).await?;
                Ok(Came::Done)
            }
            in_slot => {
                let slot = self.lease.slot().await?;
                if let Step::Checkout { .. } = in_slot {
                    self.checked_out = Some(self.site.project(&slot));
                }
                let Self { site, store, archive, existing, assembled, lease, .. } = self;
                let done = async {
                    match (in_slot, assembled) {
                        (Step::Collect, Some(assembled)) => collect(site, &slot, assembled, store, *existing, *archive).await,
                        _ => site.in_slot(&slot, in_slot).await,
                    }
                };
                tokio::select! {
                    done = done => done,
                    lost = lease.lost() => Err(lost),
                }
            }
        }
    }

    /// Remembers what came, and says it in a word.
    fn note(&mut self, came: Came) -> Option<String> {
        match came {
            Came::Done => None,
            Came::Noted(note) => Some(note),
            Came::Assembled(assembled) => {
                let title = format!("{} {}", assembled.found.app, assembled.found.version);
                self.assembled = Some(*assembled);
                Some(title)
            }
            Came::Kept(kept) => {
                let note = kept.note.clone();
                self.kept = Some(*kept);
                Some(note)
            }
        }
    }
}
