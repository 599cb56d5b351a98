//! One host: its steps, and which releases it had before and has now, as far as the steps that are done say.

use edeliver_core::{
    event::HostResult,
    name::Version,
    plan::{HostPlan, Precondition},
    step::Step,
};

use super::Lane;

/// What became of a host.
#[derive(Debug, Default)]
pub(in crate::ui::page) struct HostStory {
    pub(in crate::ui::page) lane: Lane,
    pub(in crate::ui::page) result: Option<HostResult>,
    /// What it is in words.
    pub(in crate::ui::page) summary: String,
    /// Before the first plan for it; `None`: nobody looked, as on a build host.
    pub(in crate::ui::page) before: Option<Releases>,
    /// `None` also where it is not known any more.
    pub(in crate::ui::page) now: Option<Releases>,
    /// The plan that is obeyed.
    plan: Option<HostPlan>,
    /// Whether that plan takes back what the one before did.
    takes_back: bool,
}

/// How a host stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::ui::page) enum Standing {
    /// It came to its end.
    Over(HostResult),
    /// It has begun, and the run goes on.
    AtWork,
    /// It has begun, and nobody told how it went on.
    Lost,
    /// Nothing was begun there.
    NotBegun,
}

impl Standing {
    /// All of them; what needs somebody's eyes comes first.
    pub(in crate::ui::page) const ALL: [Self; 9] = [
        Self::Over(HostResult::Broken),
        Self::Over(HostResult::Unknown),
        Self::Lost,
        Self::Over(HostResult::Failed),
        Self::Over(HostResult::TakenBack),
        Self::Over(HostResult::Skipped),
        Self::AtWork,
        Self::NotBegun,
        Self::Over(HostResult::Done),
    ];
    /// In a word.
    pub(in crate::ui::page) fn word(self) -> &'static str {
        match self {
            Self::Over(result) => crate::ui::teller::report::word(result),
            Self::AtWork => "at work",
            Self::Lost => "without an end",
            Self::NotBegun => "not begun",
        }
    }
}

/// Which releases are in place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(in crate::ui::page) struct Releases {
    runs: Option<Version>,
    boots: Option<Version>,
}

impl From<&Precondition> for Releases {
    fn from(seen: &Precondition) -> Self {
        Self { runs: seen.upgraded.clone().or_else(|| seen.running.clone()), boots: seen.permanent.clone() }
    }
}

impl Releases {
    /// In few words: `0.1.0 runs`, `0.1.0 runs, 0.2.0 boots next`, `0.2.0, no node runs`.
    pub(in crate::ui::page) fn in_words(&self) -> String {
        match (&self.runs, &self.boots) {
            (None, None) => "no release".to_owned(),
            (None, Some(boots)) => format!("{boots}, no node runs"),
            (Some(runs), Some(boots)) if runs != boots => format!("{runs} runs, {boots} boots next"),
            (Some(runs), _) => format!("{runs} runs"),
        }
    }
    fn after(&mut self, step: &Step) {
        match step {
            Step::Activate(activate) => self.boots = Some(activate.version.clone()),
            Step::Start { version, .. } => self.runs = Some(version.clone()),
            Step::Stop { .. } => self.runs = None,
            Step::Install(hot) => self.runs = Some(hot.to.clone()),
            Step::Revert(ending) => self.runs = Some(ending.from.clone()),
            _ => {}
        }
    }
}

impl HostStory {
    /// `has_releases`: the plan is for hosts of a target. A host without a state of its node was not asked.
    pub(super) fn planned(&mut self, plan: &HostPlan, has_releases: bool, takes_back: bool) {
        if has_releases && plan.expect.node.is_some() {
            let found = Releases::from(&plan.expect);
            self.before.get_or_insert_with(|| found.clone());
            self.now = Some(found);
        }
        (self.plan, self.takes_back) = (Some(plan.clone()), takes_back);
    }
    pub(super) fn finish(&mut self, result: HostResult, summary: &str, at_ms: u64) {
        (self.result, self.summary) = (Some(result), summary.to_owned());
        self.lane.close(at_ms, true);
        if matches!(result, HostResult::Unknown | HostResult::Broken) {
            self.now = None;
        }
    }
    /// How it stands. `goes_on`: the run does.
    pub(super) fn standing(&self, goes_on: bool) -> Standing {
        match (self.result, self.lane.spans.is_empty()) {
            (Some(result), _) => Standing::Over(result),
            (None, true) => Standing::NotBegun,
            (None, false) if goes_on => Standing::AtWork,
            (None, false) => Standing::Lost,
        }
    }
    /// The step at this position, and whether it belongs to the way back. Those stand behind the others.
    pub(super) fn step(&self, index: usize) -> Option<(&Step, bool)> {
        let plan = self.plan.as_ref()?;
        let step = plan.steps.iter().chain(&plan.undo).nth(index)?;
        Some((step, self.takes_back || index >= plan.steps.len()))
    }
    pub(super) fn step_done(&mut self, index: usize, what: &str) {
        let step = self.step(index).filter(|(step, _)| step.describe() == what).map(|(step, _)| step.clone());
        if let (Some(now), Some(step)) = (&mut self.now, step) {
            now.after(&step);
        }
    }
}
