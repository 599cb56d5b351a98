//! The leases of a command: it does not end before they have.

use std::sync::Arc;

use tokio::{
    sync::{OwnedRwLockReadGuard, RwLock},
    time::timeout,
};

use super::script::PARTING;

/// Leases that hosts have not heard the end of, also those that nobody has in hand any more: a command that is given up drops them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Living(Arc<RwLock<()>>);

impl Living {
    /// One more, which lives as long as this is kept. None where the command waits for their end already.
    pub(super) fn one_more(&self) -> Option<OwnedRwLockReadGuard<()>> {
        self.0.clone().try_read_owned().ok()
    }
    /// Waits until the last one has come to its end, and not for long.
    pub(crate) async fn ended(&self) {
        let _ = timeout(PARTING, self.0.write()).await;
    }
}
