//! Why a run has no lease.

use std::time::Duration;

use edeliver_core::{
    lease::{Held, Holder},
    name::{HostName, TargetName},
};

use crate::ui::words;

/// Why a run could not get the lease of a target. It has changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// Somebody else has it.
    #[error("somebody else is changing {target}: {}", in_words(holder))]
    Held {
        /// The target.
        target: TargetName,
        /// Who.
        holder: Box<Holder>,
    },
    /// It is kept free of deployers.
    #[error("{target} is on hold: {}", in_words(holder))]
    OnHold {
        /// The target.
        target: TargetName,
        /// Who.
        holder: Box<Holder>,
    },
    /// So few hosts gave theirs that others may get as many at the same time.
    #[error("{ours} of {all} hosts can be kept from other deployers, and that is not enough:\n{}", list(silent))]
    TooFew {
        /// The target.
        target: TargetName,
        /// Hosts whose lease it could have.
        ours: usize,
        /// Hosts in all.
        all: usize,
        /// The others, and why.
        silent: Vec<(HostName, String)>,
    },
    /// The user interrupted.
    #[error("interrupted; nothing was changed")]
    Interrupted,
}

impl LeaseError {
    /// Somebody else has it.
    pub(crate) fn held(target: &TargetName, holder: Box<Holder>) -> Self {
        let target = target.clone();
        match holder.held {
            Held::ByRun => Self::Held { target, holder },
            Held::OnHold => Self::OnHold { target, holder },
        }
    }
}

/// `ann@laptop, deploy shop 1.2 to production (run …), for 12 s`.
pub(crate) fn in_words(holder: &Holder) -> String {
    let age = holder.age.map(|age| format!(", since {} ago", span(age))).unwrap_or_default();
    let what = if holder.what.is_empty() { String::new() } else { format!(", {}", holder.what) };
    crate::report::printable(&format!("{}{what}{age}", holder.who))
}

/// A length of time by a clock of whole seconds.
pub(crate) fn span(time: Duration) -> String {
    if time.as_secs() < 10 { format!("{} s", time.as_secs()) } else { words::span(time.as_secs() * 1000) }
}

fn list(silent: &[(HostName, String)]) -> String {
    silent.iter().map(|(host, why)| format!("{host}: {why}")).collect::<Vec<_>>().join("\n")
}
