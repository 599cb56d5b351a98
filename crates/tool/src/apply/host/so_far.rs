//! What has been done to a host, as far as it decides how it may end.

use edeliver_core::{
    name::Version,
    step::{Guard, Step},
};

/// What has been done to the host.
#[derive(Debug, Clone, Default)]
pub(super) struct SoFar {
    /// A step is done or was begun that changes something.
    pub(super) begun: bool,
    /// What boots or runs was touched, so a failure is to be undone.
    pub(super) touched: bool,
    /// A step has failed with a part of it done.
    pub(super) half_way: bool,
    /// The node has been stopped and not started again.
    pub(super) stopped: bool,
    /// What the host does by itself, unless it is told that it need not.
    pub(super) guard: Option<Guard>,
    /// The release that was made the one that boots.
    pub(super) activated: Option<Version>,
    /// The release that was started.
    pub(super) started: Option<Version>,
    /// And was not watched to the end.
    pub(super) unwatched: bool,
    /// The release that the running node was upgraded to.
    pub(super) upgraded: Option<Version>,
    /// And for good.
    pub(super) committed: bool,
    /// The release that it was taken back to.
    pub(super) taken_back: Option<Version>,
    /// The node was restarted when an upgrade failed.
    pub(super) fell: bool,
    /// Releases could not be removed.
    pub(super) litter: bool,
    /// systemd has the unit.
    pub(super) set_up: bool,
    /// It is out of the traffic, or may be.
    pub(super) drained: bool,
}

impl SoFar {
    /// Whether an interruption may stop here: not between the end of one node and the start of the next, nor between the release that boots
    /// and the word to the node that runs it.
    pub(super) fn may_stop(&self) -> bool {
        let is_permanent_on_disk_only = self.upgraded.is_some() && self.activated.is_some() && !self.committed;
        !self.stopped && !is_permanent_on_disk_only
    }
    /// This step is done.
    pub(super) fn note(&mut self, step: &Step) {
        self.begun |= !matches!(step, Step::Drain(_)); // which is looked at once more before the node is touched
        match step {
            Step::Activate(activate) => {
                self.touched = true;
                self.activated = Some(activate.version.clone());
            }
            Step::Install(hot) => {
                self.touched = true;
                self.upgraded = Some(hot.to.clone());
            }
            Step::Commit(_) => self.committed = true,
            Step::Revert(ending) => (self.upgraded, self.taken_back) = (None, Some(ending.from.clone())),
            Step::Setup(_) => self.set_up = true,
            Step::Resume(_) => self.drained = false,
            Step::Confirm { .. } => self.guard = None,
            Step::Stop { .. } => (self.stopped, self.started) = (true, None),
            Step::Start { version, .. } => (self.stopped, self.started) = (false, Some(version.clone())),
            _ => {}
        }
    }
}
