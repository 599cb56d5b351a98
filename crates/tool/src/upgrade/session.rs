//! The way to one host's node, over as many links as it takes.

use std::{sync::Arc, time::Duration};

use edeliver_core::{health::Vitals, upgrade::restarts::Restarts};
use edeliver_erl::Term;
use tokio::time::{Instant, sleep};

use super::{Journey, UpgradeError};
use crate::{
    node::{
        Place,
        link::{self, CallError, Link, LinkError, Mfa},
    },
    transport::Transport,
};

/// For a link to be opened.
const OPENING: Duration = Duration::from_secs(10);
/// For a process that has ended to be there again: systemd and heart start one within seconds, and a restart inside the node keeps it.
const NOBODY_STARTS_IT: Duration = Duration::from_secs(20);
/// Between two tries to reach a node that may be restarting.
const PAUSE: Duration = Duration::from_millis(300);

/// A node that is spoken with during a run.
pub struct Session {
    host: Arc<dyn Transport>,
    place: Place,
    run: String,
    link: Option<Box<dyn Link>>,
    creation: Option<u32>,
    /// The creation of the first link.
    first: Option<u32>,
    root: Option<String>,
    journey: Option<Arc<Journey>>,
    restarts: Vec<Restarts>,
    /// Since when the node counts errors for this run.
    counting: Option<Instant>,
    vitals: Option<(Vitals, Duration)>,
}

impl Session {
    /// The node of a place; nothing is opened yet. `run` names the upgrades that are begun.
    pub fn new(host: Arc<dyn Transport>, place: Place, run: String) -> Self {
        Self {
            host,
            place,
            run,
            link: None,
            creation: None,
            first: None,
            root: None,
            journey: None,
            restarts: Vec::new(),
            counting: None,
            vitals: None,
        }
    }
    /// The host.
    pub(super) fn host(&self) -> &Arc<dyn Transport> {
        &self.host
    }
    /// The release root and its node.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }
    /// The run.
    pub(super) fn run(&self) -> &str {
        &self.run
    }
    /// Where the root lies, without links, once [`super::place`] has looked.
    pub(super) fn root(&self) -> Option<&str> {
        self.root.as_deref()
    }
    pub(super) fn found_root(&mut self, root: String) {
        self.root = Some(root);
    }
    /// The way that its node goes in this run.
    pub(super) fn journey(&self) -> Option<Arc<Journey>> {
        self.journey.clone()
    }
    pub(super) fn goes(&mut self, journey: Arc<Journey>) {
        self.journey = Some(journey);
    }
    /// What its supervisors had restarted before the upgrade of this run.
    pub(super) fn restarts(&self) -> &[Restarts] {
        &self.restarts
    }
    pub(super) fn had_restarted(&mut self, restarts: Vec<Restarts>) {
        self.restarts = restarts;
    }
    /// How it did before the upgrade of this run, and for how long it had counted errors then.
    pub(super) fn vitals(&self) -> Option<&(Vitals, Duration)> {
        self.vitals.as_ref()
    }
    pub(super) fn did(&mut self, vitals: Vitals) {
        let counted = self.counting.map(|since| since.elapsed()).unwrap_or_default();
        self.vitals = Some((vitals, counted));
    }
    pub(super) fn counts(&mut self) {
        self.counting = self.counting.or_else(|| Some(Instant::now()));
    }
    /// Whether it counts no more from here on.
    pub(super) fn ends_counting(&mut self) -> bool {
        self.counting.take().is_some()
    }
    /// What the node counts its starts with: of the link that is open.
    pub(super) fn creation(&self) -> Option<u32> {
        self.creation
    }

    /// Whether the node was restarted since it was first spoken with.
    pub(super) fn was_restarted(&self) -> bool {
        self.first != self.creation
    }

    /// Calls a function. What it prints is dropped.
    ///
    /// # Errors
    /// The node can't be reached ([`UpgradeError::Link`], nothing was called), the function failed, or nobody knows
    /// ([`UpgradeError::Call`], see [`UpgradeError::is_unknown`]).
    pub(super) async fn call(&mut self, call: &Mfa, patience: Duration) -> Result<Term, UpgradeError> {
        let link = self.opened().await?;
        match link.call(call, patience, &mut |_| {}).await {
            Ok(term) => Ok(term),
            Err(CallError::Ended) => {
                self.link = None;
                let link = self.opened().await?;
                link.call(call, patience, &mut |_| {}).await.map_err(|error| self.failed(call, error))
            }
            Err(error) => Err(self.failed(call, error)),
        }
    }

    fn failed(&mut self, call: &Mfa, source: CallError) -> UpgradeError {
        if source.is_unknown() || matches!(source, CallError::Ended) {
            self.link = None;
        }
        UpgradeError::Call { function: call.to_string(), source }
    }

    async fn opened(&mut self) -> Result<&mut Box<dyn Link>, UpgradeError> {
        if self.link.is_none() {
            let link = link::open(&self.host, &self.place, OPENING).await.map_err(UpgradeError::Link)?;
            self.creation = link.creation();
            self.first = self.first.or(self.creation);
            self.link = Some(link);
        }
        Ok(self.link.as_mut().expect("it was opened just now"))
    }

    /// Opens a new link, and tries again for so long as the node is not there for it, or until nobody has started it again.
    pub(super) async fn reopen(&mut self, within: Duration) -> Result<(), UpgradeError> {
        self.link = None;
        let until = Instant::now() + within;
        let mut down = None;
        loop {
            match self.opened().await {
                Ok(_) => return Ok(()),
                Err(UpgradeError::Link(LinkError::Down)) if down.get_or_insert_with(Instant::now).elapsed() > NOBODY_STARTS_IT => {
                    return Err(UpgradeError::Link(LinkError::Down));
                }
                Err(UpgradeError::Link(error)) if comes_back(&error) && Instant::now() < until => sleep(PAUSE).await,
                Err(error) => return Err(error),
            }
        }
    }

    /// Waits until the node is up ([`init:get_status/0`](https://www.erlang.org/doc/man/init#get_status-0)), over new links.
    pub(super) async fn wait_until_up(&mut self, within: Duration) -> Result<(), UpgradeError> {
        let until = Instant::now() + within;
        loop {
            self.reopen(until.saturating_duration_since(Instant::now())).await?;
            match self.is_up().await {
                Ok(true) => return Ok(()),
                Err(error) if !matches!(error, UpgradeError::Call { .. } | UpgradeError::Link(_)) => return Err(error),
                Ok(false) | Err(_) if Instant::now() < until => sleep(PAUSE).await,
                Ok(false) => return Err(UpgradeError::Link(LinkError::Starting)),
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether `init` says that the node is up.
    pub(super) async fn is_up(&mut self) -> Result<bool, UpgradeError> {
        let status = self.call(&Mfa::literal("init", "get_status", []), OPENING).await?;
        Ok(status.as_tuple().is_some_and(|pair| pair.iter().all(|part| part.is_atom("started"))))
    }
}

/// Whether waiting may help.
fn comes_back(error: &LinkError) -> bool {
    matches!(
        error,
        LinkError::Down
            | LinkError::Starting
            | LinkError::Hung { .. }
            | LinkError::Ended
            | LinkError::Unreachable(_)
            | LinkError::Refused(_)
            | LinkError::Unregistered
            | LinkError::NoDistribution
    )
}
