//! What a run knows of its lease, for all who need to know.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use edeliver_core::{
    lease::{Answer, Claim, Loss, Token},
    name::HostName,
};
use tokio::{sync::watch, time::timeout};

/// How long a run that is not sure waits to become so again: renewals that stand in line behind a transfer, a laptop that was asleep.
const PATIENCE: Duration = Duration::from_secs(25);
/// Time alone makes nobody sure; it can make us give up.
const LOOK: Duration = Duration::from_secs(1);

/// The claim of a run, as it stands.
#[derive(Debug)]
pub struct Board {
    claim: Mutex<Claim>,
    changed: watch::Sender<()>,
}

impl Board {
    pub(crate) fn new(claim: Claim) -> Self {
        Self { claim: Mutex::new(claim), changed: watch::Sender::new(()) }
    }
    pub(super) fn token(&self) -> Token {
        self.claim().token().clone()
    }
    /// By what a host knows the run, where it has its lease.
    pub(crate) fn token_on(&self, host: &HostName) -> Option<Token> {
        let claim = self.claim();
        claim.is_ours(host).then(|| claim.token().clone())
    }
    pub(crate) fn hear(&self, host: &HostName, sent: Duration, answer: Answer) {
        self.claim().hear(host, sent, answer);
        self.changed.send_replace(());
    }
    pub(super) fn claim(&self) -> MutexGuard<'_, Claim> {
        self.claim.lock().unwrap_or_else(PoisonError::into_inner)
    }
    pub(super) fn changes(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }
    /// Whether somebody else has taken this host over, or broken the lease there.
    pub fn is_taken(&self, host: &HostName) -> bool {
        self.claim().is_taken(host)
    }
    /// Waits until the run is sure that it may change this host.
    ///
    /// # Errors
    /// It can't be.
    pub async fn sure_of(&self, host: &HostName) -> Result<(), Loss> {
        let (mut changes, began) = (self.changes(), now());
        loop {
            changes.mark_unchanged();
            let time = now();
            {
                let claim = self.claim();
                if claim.is_sure(time) && claim.is_sure_of(host, time) {
                    return Ok(());
                }
                if let Some(loss) = claim.loss(host) {
                    return Err(loss);
                }
            }
            if time.saturating_sub(began) > PATIENCE {
                return Err(Loss::Quorum("it could not be renewed in time".to_owned()));
            }
            let _ = timeout(LOOK, changes.changed()).await;
        }
    }
}

/// The time by a clock that only goes forward, and goes on while this machine sleeps.
pub(crate) fn now() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}
