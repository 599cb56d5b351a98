//! Starting a hub in the background.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::ask::{Request, ask};
use crate::error::During;
use crate::state::StateDir;
use crate::{LabError, down, possible, tool};

/// When a lab goes down by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Life {
    /// With this process, if given.
    pub(crate) owner: Option<u32>,
    /// After this time at the latest.
    pub(crate) ttl: Duration,
}

/// What the hub and its guard write while they start; all else on that pipe is why it is not possible.
pub(crate) const READY: &str = "ready";

/// Starts a hub unless one runs; returns when it answers. The caller holds the lock, and gets the guard to wait for.
pub(crate) fn launch(binary: &Path, state: &StateDir, life: Life) -> Result<Option<Child>, LabError> {
    if ask(state, &Request::Status).is_ok() {
        return Ok(None);
    }
    possible::possible().map_err(LabError::NotPossible)?;
    // What a lab left that lost its hub, or is just losing it: nothing of it can be trusted.
    down::end(state)?;
    state.claim()?;
    let launched = tool::make_key(&state.client_key(), "lab").and_then(|()| start(binary, state, life));
    if launched.is_err() {
        let _ = down::clear(state);
    }
    launched.map(Some)
}

fn start(binary: &Path, state: &StateDir, life: Life) -> Result<Child, LabError> {
    let mut guard = spawn_guard(binary, state, life)?;
    let mut said = String::new();
    let mut stdout = guard.stdout.take().expect("stdout is a pipe");
    stdout.read_to_string(&mut said).during(|| "hear from the hub".to_owned())?;
    match said.trim() {
        READY => Ok(guard),
        "" => Err(LabError::HubDied(state.log_tail())),
        why => Err(LabError::NotPossible(why.to_owned())),
    }
}

fn spawn_guard(binary: &Path, state: &StateDir, life: Life) -> Result<Child, LabError> {
    let mut log = OpenOptions::new();
    log.append(true).create(true).mode(0o600);
    let log = log.open(state.log()).during(|| format!("open {}", state.log().display()))?;
    let mut command = Command::new(binary);
    command.arg("__guard").arg(state.path()).args(["--ttl", &life.ttl.as_secs().to_string()]);
    if let Some(owner) = life.owner {
        command.args(["--owner", &owner.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.spawn().during(|| format!("start {}", binary.display()))
}
