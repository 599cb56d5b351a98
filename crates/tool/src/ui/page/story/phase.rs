//! What kind of work a step is: the colours of the time line.

use edeliver_core::step::Step;

/// What kind of work a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ui::page) enum Phase {
    /// Compiling and assembling.
    Build,
    /// Files come or go; nothing that runs is touched.
    Files,
    /// What boots next is decided.
    Switch,
    /// A node is started, stopped or upgraded.
    Node,
    /// It is asked and watched.
    Watch,
    /// The user's own code.
    Hook,
    /// edeliver waits for something.
    Wait,
    /// Not known.
    Other,
}

impl Phase {
    /// All of them, in the order of the legend.
    pub(in crate::ui::page) const ALL: [Self; 8] =
        [Self::Build, Self::Files, Self::Switch, Self::Node, Self::Watch, Self::Hook, Self::Wait, Self::Other];

    pub(super) fn of(step: &Step) -> Self {
        match step {
            Step::PrepareBuild
            | Step::PushSource { .. }
            | Step::Checkout { .. }
            | Step::Submodules { .. }
            | Step::Build(_)
            | Step::Describe
            | Step::Collect => Self::Build,
            Step::Stage(_) | Step::PlaceUpgrade(_) | Step::Prune(_) | Step::Remember(_) => Self::Files,
            Step::Activate(_) | Step::Commit(_) | Step::Setup(_) => Self::Switch,
            Step::Start { .. } | Step::Stop { .. } | Step::Install(_) | Step::Revert(_) => Self::Node,
            Step::Preflight(_) | Step::Soak(_) | Step::Watch(_) | Step::Confirm { .. } => Self::Watch,
            Step::Hook { .. } | Step::Drain(_) | Step::Resume(_) => Self::Hook,
        }
    }
    /// In the legend.
    pub(in crate::ui::page) fn word(self) -> &'static str {
        match self {
            Self::Build => "build",
            Self::Files => "files",
            Self::Switch => "what boots",
            Self::Node => "node",
            Self::Watch => "ask and watch",
            Self::Hook => "hook",
            Self::Wait => "wait",
            Self::Other => "other",
        }
    }
    /// Its class in the style sheet.
    pub(in crate::ui::page) fn class(self) -> &'static str {
        match self {
            Self::Build => "p-build",
            Self::Files => "p-files",
            Self::Switch => "p-switch",
            Self::Node => "p-node",
            Self::Watch => "p-watch",
            Self::Hook => "p-hook",
            Self::Wait => "p-wait",
            Self::Other => "p-other",
        }
    }
}
