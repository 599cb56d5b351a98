//! Keeping other operators from migrating by the same host.

use std::{sync::Arc, time::Duration};

use tokio::{io::DuplexStream, sync::oneshot, task::JoinSet};

use super::MigrateError;
use crate::{
    node::Place,
    transport::{Call, Input, Output, Reply, Script, Transport, TransportError},
};

const HOLD: Script = Script {
    name: "migration lock",
    text: concat!(include_str!("../node/permanent.sh"), include_str!("../apply/root.sh"), include_str!("hold.sh")),
};

/// No migration takes longer.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// The lock. A script on the host has it until this is dropped, or the link or this program is gone.
#[derive(Debug)]
pub struct Hold {
    word: DuplexStream,
    holding: JoinSet<Result<Reply, TransportError>>,
}

impl Hold {
    /// Takes it.
    ///
    /// # Errors
    /// [`MigrateError::Locked`], or the connection.
    pub async fn take(host: &Arc<dyn Transport>, place: &Place) -> Result<Self, MigrateError> {
        let (word, heard) = tokio::io::duplex(64);
        let (tell, told) = oneshot::channel();
        let (host, args) = (host.clone(), vec![place.root.to_string()]);
        let mut holding = JoinSet::new();
        holding.spawn(async move {
            let mut tell = Some(tell);
            let mut lines = |line: &str| {
                if let Some(tell) = tell.take_if(|_| line == "held") {
                    let _ = tell.send(());
                }
            };
            let (input, output) = (Input::Stream(Box::new(heard)), Output::Lines(&mut lines));
            host.run(Call { script: HOLD, args, input, output, timeout: LONGEST, before: Vec::new() }).await
        });
        let mut hold = Self { word, holding };
        // The channel closes without a word when the script has ended without the lock.
        match told.await {
            Ok(()) => Ok(hold),
            Err(_) => Err(hold.refused().await),
        }
    }
    async fn refused(&mut self) -> MigrateError {
        match self.holding.join_next().await {
            Some(Ok(Ok(Reply { status: 41, tail, .. }))) => {
                MigrateError::Locked { holder: tail.last().cloned().unwrap_or_default() }
            }
            Some(Ok(Ok(Reply { status: 40, .. }))) => MigrateError::NothingDeployed,
            Some(Ok(Ok(Reply { status, tail, .. }))) => TransportError::Failed { script: HOLD.name, status, tail }.into(),
            Some(Ok(Err(error))) => error.into(),
            Some(Err(_)) | None => TransportError::Interrupted.into(),
        }
    }
    /// Lets go of it; others know at once.
    pub async fn release(mut self) {
        drop(self.word);
        // If the link is gone, so is the holder.
        let _ = self.holding.join_next().await;
    }
}
