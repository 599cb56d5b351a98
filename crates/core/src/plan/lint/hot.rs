//! The invariants of upgrades of running nodes.

use super::{Check, Checked, require};
use crate::{
    facts::NodeState,
    step::{Ending, Hot, Step},
};

impl Checked<'_> {
    /// Nothing of an upgrade stands alone: what is installed was asked for and placed before, is watched, made what boots, and only then
    /// permanent; and it can be taken back.
    pub(super) fn hot(&self) -> Check {
        let steps = &self.host.steps;
        let Some(hot) = steps.iter().find_map(|step| if let Step::Install(hot) = step { Some(hot) } else { None }) else {
            let stray = steps
                .iter()
                .find(|step| matches!(step, Step::PlaceUpgrade(_) | Step::Preflight(_) | Step::Soak(_) | Step::Commit(_)));
            return require(stray.is_none(), || "it has a step of an upgrade, and upgrades nothing".to_owned());
        };
        self.upgradable(hot)?;
        let has =
            |what: &str, holds: &dyn Fn(&Step) -> bool| require(steps.iter().any(holds), || format!("it upgrades without {what}"));
        has("the same preflight", &|step| matches!(step, Step::Preflight(asked) if asked == hot))?;
        has("its relup", &|step| matches!(step, Step::PlaceUpgrade(place) if place.relup == hot.relup))?;
        has("watching it", &|step| matches!(step, Step::Soak(soak) if soak.version == hot.to))?;
        has("making it what boots", &|step| matches!(step, Step::Activate(activate) if activate.version == hot.to))?;
        has("committing it", &|step| matches!(step, Step::Commit(ending) if ends(ending, hot)))?;
        let restarts = steps.iter().any(|step| matches!(step, Step::Stop { .. } | Step::Start { .. }));
        require(!restarts, || "it upgrades and restarts".to_owned())?;
        let back = self.host.undo.first();
        require(matches!(back, Some(Step::Revert(ending)) if ends(ending, hot)), || "it can't take its upgrade back".to_owned())
    }
    /// The node runs what the upgrade leads from, or has come from there already.
    fn upgradable(&self, hot: &Hot) -> Check {
        let node = &self.seen.node;
        require(node.state == NodeState::Running, || "it upgrades a node that does not run".to_owned())?;
        let ends = (node.upgraded_from.as_ref(), node.version.as_ref()) == (Some(&hot.from), Some(&hot.to));
        require(ends || node.version.as_ref() == Some(&hot.from), || format!("it upgrades from {}, which does not run", hot.from))?;
        require(node.ongoing.is_none(), || "it upgrades while another upgrade is going on".to_owned())?;
        require(hot.from != hot.to, || "it upgrades to what runs".to_owned())
    }
    /// Only an upgrade that is going on there is taken back.
    pub(super) fn revert(&self, ending: &Ending) -> Check {
        let ongoing = self.seen.node.ongoing.as_ref();
        let is = ongoing.is_some_and(|ongoing| ongoing.from == ending.from && ongoing.to == ending.to && ongoing.left_ms.is_some());
        require(is, || format!("it takes an upgrade to {} back that is not being watched", ending.to))
    }
}

fn ends(ending: &Ending, hot: &Hot) -> bool {
    ending.from == hot.from && ending.to == hot.to && ending.engine == hot.engine
}
