//! Room in memory for what nodes say: one for all links of this program, so that many nodes with much to say do not fill it.
//!
//! A message says first how long it is. A long one is read only when there is room for it; until then the node waits, as for a slow
//! terminal.

use std::sync::{Arc, LazyLock};

use edeliver_erl::dist::frame::MAX_LEN;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Messages up to this length need no room of their own.
pub(super) const FREE: usize = 64 << 10;

/// Bytes of longer messages that are held at a time: two of the longest.
const ALL: usize = 2 * MAX_LEN;

/// What one permit stands for.
const UNIT: usize = 1 << 10;

static SHARED: LazyLock<Room> = LazyLock::new(|| Room::new(ALL));

/// Room for so many bytes.
#[derive(Clone)]
pub(super) struct Room {
    free: Arc<Semaphore>,
    units: usize,
}

/// Room that is taken until this is dropped.
pub(super) type Taken = OwnedSemaphorePermit;

impl Room {
    pub(super) fn new(bytes: usize) -> Self {
        let units = bytes / UNIT;
        Self { free: Arc::new(Semaphore::new(units)), units }
    }
    /// That of all links.
    pub(super) fn shared() -> Self {
        SHARED.clone()
    }
    /// Waits for room for a message of this length, in the order of asking; none is needed for a short one.
    pub(super) async fn take(&self, len: usize) -> Option<Taken> {
        if len <= FREE {
            return None;
        }
        let units = u32::try_from(len.div_ceil(UNIT).min(self.units)).ok()?;
        self.free.clone().acquire_many_owned(units).await.ok()
    }
}
