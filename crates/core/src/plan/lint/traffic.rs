//! The invariants of taking hosts out of the traffic.

use super::{super::traffic, Check, Checked, require};
use crate::step::Step;

impl Checked<'_> {
    /// A host is drained right before its node is stopped or upgraded, comes back when nothing more is done to the node, and is never left
    /// out while one serves.
    pub(super) fn traffic(&self) -> Check {
        let steps = &self.host.steps;
        let at = |such: fn(&Step) -> bool| steps.iter().position(such);
        let drains = at(|step| matches!(step, Step::Drain(_)));
        let resumes = at(|step| matches!(step, Step::Resume(_)));
        if let Some(at) = drains {
            require(steps.get(at + 1).is_some_and(traffic::ends_service), || "it drains the host before it needs to".to_owned())?;
            let forgets = resumes.is_none() && traffic::is_up_after(self.host, self.seen);
            require(!forgets, || "it drains the host and never resumes it".to_owned())?;
        }
        let drained = drains.is_some() || self.seen.drained.is_some();
        require(resumes.is_none() || drained, || "it resumes a host that was not drained".to_owned())?;
        let after = resumes.map_or(&[][..], |at| &steps[at + 1..]);
        let too_early = after.iter().any(|step| !matches!(step, Step::Prune(_) | Step::Remember(_)));
        require(!too_early, || "it resumes the host before it is done with it".to_owned())
    }
}
