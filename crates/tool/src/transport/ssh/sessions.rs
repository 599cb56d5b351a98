//! Sessions of one connection: as many at a time as the host allows.

use std::{
    collections::VecDeque,
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    line::Prompt,
    mux::{Mux, MuxError},
};
use crate::transport::{
    call::{Channel, Ended, NearEnds, pipes},
    limits::SESSIONS,
    wrapper::BOOTSTRAP,
};

/// How long a refusal may come from sessions of ours that have ended and that sshd still counts.
const LAG: Duration = Duration::from_secs(2);
/// A spare session that was not needed for so long is given up: its shell may have a limit for waiting (`TMOUT`).
const FRESH: Duration = Duration::from_secs(20);
/// The second session of a connection is begun so long after the first, and one to spare so long after it, where nothing acknowledges at once what
/// sshd sends before it answers the first (see [`Prompt`]). Opening a session right after its arrival, which is a round trip after the first, does that:
/// for a near host, or a far one.
const SECOND: Duration = Duration::from_millis(5);
const SPARE: Duration = Duration::from_millis(45);
/// A host that opens no session for this long doesn't answer.
const OPENING: Duration = Duration::from_secs(30);

/// Opens sessions over a control socket.
#[derive(Debug)]
pub(super) struct Sessions {
    socket: PathBuf,
    permits: Arc<Semaphore>,
    allowed: AtomicUsize,
    closed: AtomicBool,
    /// Whether the first need not wait for the others, and what sees to that.
    is_prompt: bool,
    prompt: Mutex<Option<Prompt>>,
    /// How many calls are known to follow the next one.
    expected: AtomicUsize,
    begun: AtomicUsize,
    /// Told whenever one has been opened.
    opened: Arc<Notify>,
    /// The one that was begun first is first.
    spares: Mutex<VecDeque<Spare>>,
}

/// A session that is being opened before there is a call for it, which saves that call two round trips. Those of calls that take one each
/// must be begun in time, which is why there may be several.
#[derive(Debug)]
struct Spare {
    since: Instant,
    opening: JoinHandle<Result<(Mux, NearEnds), MuxError>>,
    permit: OwnedSemaphorePermit,
}

impl Sessions {
    pub(super) fn new(socket: PathBuf, prompt: Option<Prompt>) -> Self {
        Self {
            is_prompt: prompt.is_some(),
            prompt: Mutex::new(prompt),
            socket,
            permits: Arc::new(Semaphore::new(SESSIONS)),
            allowed: AtomicUsize::new(SESSIONS),
            closed: AtomicBool::new(false),
            expected: AtomicUsize::new(0),
            begun: AtomicUsize::new(0),
            opened: Arc::default(),
            spares: Mutex::default(),
        }
    }
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }
    /// Whether the host has turned out to allow no second one beside the first.
    pub(super) fn is_single(&self) -> bool {
        self.allowed.load(Ordering::Relaxed) == 1
    }
    /// From now on none is opened.
    pub(super) fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.spares().clear();
        drop(self.take_prompt());
    }
    fn take_prompt(&self) -> Option<Prompt> {
        self.prompt.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
    /// When the next session is taken, one more is opened for a call after that.
    pub(super) fn expect_another(&self) {
        self.expected.fetch_add(1, Ordering::Relaxed);
    }
    /// Begins to open so many sessions, as far as they are not there yet and there is room: so long after now, or when another has been opened.
    fn make_spares(&self, expected: usize, after: Duration) {
        let mut spares = self.spares();
        while spares.len() < expected && !self.closed.load(Ordering::Relaxed) {
            let Ok(permit) = self.permits.clone().try_acquire_owned() else { return };
            let (socket, opened) = (self.socket.clone(), self.opened.clone());
            let opening = tokio::spawn(async move {
                let _ = timeout(after, opened.notified()).await;
                start(&socket, &[]).await
            });
            spares.push_back(Spare { since: Instant::now(), opening, permit });
        }
    }
    fn spares(&self) -> MutexGuard<'_, VecDeque<Spare>> {
        self.spares.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn take_spare(&self) -> Option<Spare> {
        let mut spares = self.spares();
        spares.retain(|spare| spare.since.elapsed() < FRESH);
        spares.pop_front()
    }
    /// The spare session, if it is there and its shell still waits.
    async fn ready(&self) -> Option<Channel> {
        let Spare { opening, permit, .. } = self.take_spare()?;
        let (mux, near) = opening.await.ok()?.ok()?;
        near.is_open().then(|| channel(mux, near, self.socket.clone(), permit))
    }
    /// The bootstrap line in a session of its own, as soon as there is room for one; it finds `preamble` on its standard input.
    ///
    /// # Errors
    /// [`MuxError::Gone`] without a connection, [`MuxError::Refused`] if the host opens none even when no other is open.
    pub(super) async fn open(&self, preamble: &[u8]) -> Result<Channel, MuxError> {
        let channel = match self.ready().await {
            Some(channel) => channel,
            None => self.open_now(preamble).await?,
        };
        self.make_spares(self.expected.swap(0, Ordering::Relaxed), Duration::ZERO);
        Ok(channel)
    }
    async fn open_now(&self, preamble: &[u8]) -> Result<Channel, MuxError> {
        let mut permit = self.permit().await;
        let _acknowledging = self.take_prompt().map(Prompt::begin);
        match self.begun.fetch_add(1, Ordering::Relaxed) {
            // They stay expected: who calls at the same time may take them.
            0 => self.make_spares(self.expected.load(Ordering::Relaxed), if self.is_prompt { SECOND } else { SPARE }),
            1 if !self.is_prompt => sleep(SECOND).await,
            _ => {}
        }
        let mut refused = Instant::now();
        let mut pause = Duration::from_millis(10);
        loop {
            if self.closed.load(Ordering::Relaxed) {
                return Err(MuxError::Gone(io::ErrorKind::NotConnected.into()));
            }
            match start(&self.socket, preamble).await {
                Ok((mux, near)) => {
                    self.opened.notify_waiters();
                    return Ok(channel(mux, near, self.socket.clone(), permit));
                }
                Err(MuxError::Refused(_)) if refused.elapsed() < LAG => sleep(pause).await,
                Err(MuxError::Refused(_)) if self.shrink() => {
                    // What nobody needs yet must not take the place of what is needed.
                    self.spares().clear();
                    permit.forget();
                    permit = self.permit().await;
                    refused = Instant::now();
                    pause = Duration::from_millis(10);
                }
                Err(error) => return Err(error),
            }
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }
    async fn permit(&self) -> OwnedSemaphorePermit {
        self.permits.clone().acquire_owned().await.expect("nobody closes it")
    }
    /// The host allows fewer than we thought: one less from now on, unless ours is the only one.
    fn shrink(&self) -> bool {
        let running = self.allowed.load(Ordering::Relaxed) - self.permits.available_permits();
        running > 1 && self.allowed.fetch_sub(1, Ordering::Relaxed) > 1
    }
}

async fn start(socket: &Path, preamble: &[u8]) -> Result<(Mux, NearEnds), MuxError> {
    let (near, far) = pipes(preamble).map_err(MuxError::Gone)?;
    let open = async {
        let mut mux = Mux::open(socket).await?;
        mux.session(BOOTSTRAP, far).await?;
        Ok(mux)
    };
    match timeout(OPENING, open).await {
        Ok(mux) => Ok((mux?, near)),
        Err(_) => Err(MuxError::Gone(io::ErrorKind::TimedOut.into())),
    }
}

fn channel(mut mux: Mux, near: NearEnds, socket: PathBuf, permit: OwnedSemaphorePermit) -> Channel {
    let ended = Box::pin(async move {
        let exit = mux.exit().await;
        drop(permit);
        // `mux` goes with this future; the master then drops what of the output has not been read yet.
        match exit {
            super::mux::Exit::Status(_) => Ended::Process,
            // A signal, or the link: the master knows.
            super::mux::Exit::NoStatus if Mux::open(&socket).await.is_ok() => Ended::Process,
            super::mux::Exit::NoStatus => Ended::Link,
        }
    });
    Channel { near, ended }
}
