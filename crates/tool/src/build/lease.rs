//! Owning a worktree on the build host for the length of a build.
//!
//! A script on the build host holds the slot and waits for our word. It is told `done` in the end; when this program dies or the link is
//! lost, it is ended together with everything else that the build runs, and the slot is free again.

use std::{sync::Arc, time::Duration};

use edeliver_core::name::RunId;
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream},
    sync::oneshot,
    task::JoinSet,
};

use super::{
    BuildError,
    scripts::{self, status},
};
use crate::transport::{Call, Input, Output, Reply, Transport, TransportError};

/// No build takes longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// A slot that is being taken, or held. Dropping it lets go of it.
#[derive(Debug)]
pub(super) struct Lease {
    slot: Option<String>,
    told: oneshot::Receiver<String>,
    word: DuplexStream,
    holding: JoinSet<Result<Reply, TransportError>>,
}

impl Lease {
    /// Begins to take the first free slot. `own` is the application's folder on the build host, `run` names us.
    pub(super) fn begin(transport: Arc<dyn Transport>, own: &str, key: &str, run: &RunId) -> Self {
        let slots = format!("{own}/slots");
        let args = vec![format!("{slots}/{key}"), slots, run.to_string()];
        let (word, heard) = tokio::io::duplex(64);
        let (tell, told) = oneshot::channel();
        let mut holding = JoinSet::new();
        holding.spawn(async move {
            let mut tell = Some(tell);
            let mut lines = |line: &str| {
                if let Some(slot) = line.strip_prefix("slot ")
                    && let Some(tell) = tell.take()
                {
                    let _ = tell.send(slot.to_owned());
                }
            };
            let (input, output) = (Input::Stream(Box::new(heard)), Output::Lines(&mut lines));
            transport.run(Call { script: scripts::HOLD, args, input, output, timeout: LONGEST, before: Vec::new() }).await
        });
        Self { slot: None, told, word, holding }
    }

    /// The slot's folder, absolute; waits until there is one.
    ///
    /// # Errors
    /// [`BuildError::Busy`], [`BuildError::Transport`].
    pub(super) async fn slot(&mut self) -> Result<String, BuildError> {
        if let Some(slot) = &self.slot {
            return Ok(slot.clone());
        }
        // The channel closes without a word when the script has ended without a slot.
        match (&mut self.told).await {
            Ok(slot) => Ok(self.slot.insert(slot).clone()),
            Err(_) => Err(self.lost().await),
        }
    }

    /// Waits until the slot is not held any more although we did not let go of it, and says why.
    pub(super) async fn lost(&mut self) -> BuildError {
        match self.holding.join_next().await {
            Some(Ok(Ok(reply))) if reply.status == status::BUSY => BuildError::Busy,
            Some(Ok(Ok(Reply { status, tail, .. }))) => {
                BuildError::Transport(TransportError::Failed { script: scripts::HOLD.name, status, tail })
            }
            Some(Ok(Err(error))) => BuildError::Transport(error),
            Some(Err(_)) | None => BuildError::Transport(TransportError::Interrupted),
        }
    }

    /// Lets go of the slot; others know at once.
    pub(super) async fn release(mut self) {
        let _ = self.word.write_all(b"done\n").await;
        drop(self.word);
        // If the link is gone, so is the slot's holder.
        let _ = self.holding.join_next().await;
    }
}
