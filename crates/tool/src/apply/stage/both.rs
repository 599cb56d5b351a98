//! Staging a release and making it the one that boots in one call, which is a round trip and a session less: where there is no other host that could
//! be waited for between the two, and both together take no longer than an answer to Ctrl-C may.

use edeliver_core::{
    plan::HostPlan,
    step::{Activate, Step},
};

use super::super::{Shared, Site, StepError, root};
use crate::transport::Reply;

/// What is larger is staged by itself, in bytes: who interrupts while it travels, or while the host copies, does not want it to boot.
pub(in crate::apply) const SMALL: u64 = 1 << 20;
const SMALL_TO_COPY: u64 = 128 << 20;

/// What the script says when it has staged the release, and goes on.
const STAGED: &str = "staged";

/// The release is there.
#[derive(Debug)]
pub(in crate::apply) struct Put {
    /// What travelled.
    pub(in crate::apply) note: String,
    /// What became of the activation, where that was part of the call.
    pub(in crate::apply) activated: Option<Result<(), StepError>>,
}

/// The activation that may be part of the call of this step of the plan.
pub(in crate::apply) fn activation_after<'a>(plan: &'a HostPlan, at: usize, site: &Site, shared: &Shared) -> Option<&'a Activate> {
    let [Step::Stage(stage), Step::Activate(activate), ..] = plan.steps.get(at..)? else { return None };
    let is_its = activate.version == stage.version && activate.from == plan.expect.permanent;
    let copied: u64 = stage.copy.iter().map(|copy| copy.to.size).sum();
    let is_short = stage.bytes() <= SMALL && copied <= SMALL_TO_COPY && shared.pace.is_none();
    (is_its && is_short && shared.is_alone && site.transport.is_far()).then_some(activate)
}

/// What became of the activation, if it was begun.
pub(super) fn activated(reply: &Reply) -> Option<Result<(), StepError>> {
    let is_staged = reply.text().lines().any(|line| line == STAGED);
    is_staged.then(|| if reply.status == 0 { Ok(()) } else { Err(StepError::of(root::ACTIVATE.name, reply.clone())) })
}
