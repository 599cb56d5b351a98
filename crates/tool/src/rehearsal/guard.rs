//! The place of a rehearsal on the build host, which goes with all that runs there, however the rehearsal ends.
//!
//! A script holds it and waits for our word. When this program dies or the link is lost, it is ended; a watch that it began in a session
//! of its own sees that, and cleans up.

use std::{sync::Arc, time::Duration};

use edeliver_core::{
    config::HostSpec,
    name::{AppName, HostPath},
};
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream},
    sync::mpsc,
    task::JoinSet,
};

use super::RehearsalError;
use crate::transport::{Call, Input, Output, Reply, Script, Transport, TransportError};

const GUARD: Script = Script { name: "rehearsal", text: concat!(include_str!("../node/process.sh"), include_str!("guard.sh")) };
const WATCH: &str = concat!(include_str!("../node/process.sh"), include_str!("watch.sh"));

/// No rehearsal takes longer.
const LONGEST: Duration = Duration::from_secs(2 * 60 * 60);
/// For the place to be made, those that were left to be removed.
const BEGINNING: Duration = Duration::from_secs(60);
/// Something is left.
const LEFT: i32 = 75;

/// A place that was made. Dropping it has it removed, some seconds later.
#[derive(Debug)]
pub struct Guard {
    /// Its folder, absolute.
    pub dir: HostPath,
    /// The port of its epmd: nodes of other places neither find its node nor are found by it.
    pub epmd: u16,
    word: DuplexStream,
    holding: JoinSet<Result<Reply, TransportError>>,
}

impl Guard {
    /// Makes it. `name` names the rehearsal, and its place.
    ///
    /// # Errors
    /// The host, or its disk.
    pub async fn begin(transport: Arc<dyn Transport>, host: &HostSpec, app: &AppName, name: &str) -> Result<Self, RehearsalError> {
        let seconds = LONGEST.as_secs().to_string();
        let args = vec![host.path.to_string(), app.to_string(), name.to_owned(), seconds, WATCH.to_owned()];
        let (word, heard) = tokio::io::duplex(64);
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut holding = JoinSet::new();
        holding.spawn(async move {
            let mut lines = move |line: &str| _ = tell.send(line.to_owned());
            let (input, output) = (Input::Stream(Box::new(heard)), Output::Lines(&mut lines));
            transport.run(Call { script: GUARD, args, input, output, timeout: LONGEST, before: Vec::new() }).await
        });
        let made = tokio::time::timeout(BEGINNING, made(&mut told)).await;
        match made {
            Ok(Some((dir, epmd))) => Ok(Self { dir, epmd, word, holding }),
            Ok(None) => Err(refused(&mut holding).await),
            Err(_) => Err(TransportError::Timeout { script: GUARD.name, after: BEGINNING, tail: Vec::new() }.into()),
        }
    }
    /// Ends all that runs there and removes it.
    ///
    /// # Errors
    /// [`RehearsalError::Left`], or the host.
    pub async fn end(mut self) -> Result<(), RehearsalError> {
        // If nobody hears it, the watch has seen that.
        let _ = self.word.write_all(b"done\n").await;
        drop(self.word);
        match self.holding.join_next().await {
            Some(Ok(Ok(Reply { status: 0, .. }))) => Ok(()),
            Some(Ok(Ok(Reply { status: LEFT, tail, .. }))) => Err(RehearsalError::Left { what: tail }),
            Some(Ok(Ok(Reply { status, tail, .. }))) => Err(TransportError::Failed { script: GUARD.name, status, tail }.into()),
            Some(Ok(Err(error))) => Err(error.into()),
            Some(Err(_)) | None => Err(TransportError::Interrupted.into()),
        }
    }
}

/// What the script says of the place; `None`: it has ended.
async fn made(told: &mut mpsc::UnboundedReceiver<String>) -> Option<(HostPath, u16)> {
    let mut dir = None;
    while let Some(line) = told.recv().await {
        match line.split_once(' ') {
            Some(("dir", path)) => dir = path.parse().ok(),
            Some(("epmd", port)) => return Some((dir?, port.parse().ok()?)),
            _ => {}
        }
    }
    None
}

async fn refused(holding: &mut JoinSet<Result<Reply, TransportError>>) -> RehearsalError {
    match holding.join_next().await {
        Some(Ok(Ok(Reply { status, tail, .. }))) => TransportError::Failed { script: GUARD.name, status, tail },
        Some(Ok(Err(error))) => error,
        Some(Err(_)) | None => TransportError::Interrupted,
    }
    .into()
}

#[cfg(test)]
mod tests;
