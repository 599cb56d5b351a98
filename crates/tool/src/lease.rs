//! Leases: one deployer per target. Who has a host is decided on the host (`lease.sh`), who has the target by what the hosts say
//! (`edeliver_core::lease`); here is what asks them, keeps renewing, and stops a run that is not sure any more.
//!
//! A run's lease on a host is kept by one script, which lives as long as the lease, over the connection that is open already: a renewal
//! is one word to it. Scripts that change something go through [`Lease::fence`], which has the host look whether the lease is still theirs.

mod board;
mod error;
mod fenced;
mod keeper;
mod living;
mod mark;
pub(crate) mod script;
mod take;

use std::{collections::BTreeSet, sync::Arc};

use edeliver_core::name::{HostName, RunId};
use tokio::{
    runtime::Handle,
    sync::{OwnedRwLockReadGuard, watch},
    task::JoinSet,
    time::timeout,
};

#[cfg(test)]
pub(crate) use self::board::now;
pub use self::{board::Board, error::LeaseError};
pub(crate) use self::{
    error::in_words,
    living::Living,
    take::{Voter, Wanted},
};
use self::{
    keeper::Order,
    mark::Mark,
    script::{Claimant, PARTING},
};
use crate::{node::Place, transport::Transport};

/// A lease that is held on the hosts of a target. However it is dropped, the hosts hear that they are free, as long as the program is still
/// there to tell them: see [`Living`]. Where they don't, it ends when its time is over.
pub struct Lease {
    claimant: Claimant,
    /// Hosts that were asked for it.
    asked: BTreeSet<HostName>,
    board: Arc<Board>,
    orders: watch::Sender<Order>,
    /// Each says in the end whether its host has let go of it.
    keepers: JoinSet<bool>,
    mark: Option<Mark>,
    /// As long as this is kept, the command waits at its end.
    lives: Option<OwnedRwLockReadGuard<()>>,
}

impl Lease {
    /// What a run asks before each change.
    pub(crate) fn board(&self) -> Arc<Board> {
        self.board.clone()
    }
    /// The host, for scripts that belong to this run.
    pub(crate) fn fence(&self, transport: Arc<dyn Transport>, place: &Place) -> Arc<dyn Transport> {
        Arc::new(fenced::fenced(transport, place, &self.board.token()))
    }
    /// Lets go of it, and waits until others know.
    pub(crate) async fn release(mut self) {
        // Who stops waiting does not keep the hosts from hearing of it.
        let _ = tokio::spawn(self.part()).await;
    }
    /// The farewell: ends when all hosts know, or when there is no time left for it.
    fn part(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let _ = self.orders.send(Order::LetGo);
        let (mut keepers, mark, lives) = (std::mem::take(&mut self.keepers), self.mark.take(), self.lives.take());
        async move {
            let mut all = true;
            let parting = async {
                while let Some(let_go) = keepers.join_next().await {
                    all &= let_go.unwrap_or(false);
                }
            };
            all &= timeout(PARTING, parting).await.is_ok();
            keepers.detach_all();
            if let Some(mark) = mark.filter(|_| all) {
                mark.remove();
            }
            drop(lives);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(self.part()); // nothing is left to do for it where it was released
        }
    }
}

/// `ann@laptop`: who runs this program.
pub(crate) fn me() -> String {
    let user = ["USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()));
    let user = user.unwrap_or_else(|| format!("uid {}", rustix::process::getuid().as_raw()));
    format!("{user}@{}", rustix::system::uname().nodename().to_string_lossy())
}

/// Nobody else's: the run and 64 bits of the system's randomness.
pub(crate) fn token(run: Option<&RunId>) -> edeliver_core::lease::Token {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let bits = RandomState::new().build_hasher().finish();
    let run = run.map_or_else(|| "run".to_owned(), ToString::to_string);
    format!("{run}-{bits:016x}").parse().expect("a run's id has digits, letters and dashes")
}

#[cfg(test)]
mod tests;
