//! A checkup: what was looked at on this machine, the build host and the hosts of targets, judged. Nothing here stops anything; a plan
//! says what can't be done when something is to be done.

mod here;
mod host;
mod machine;

pub use here::{Here, Program, here};
pub use host::{Deployed, host};
pub use machine::{Cookie, Vitals, machine};

use serde::{Deserialize, Serialize};

use crate::{
    hint::Hint,
    plan::{Plan, Verdict},
};

/// With less, in bytes, a release may fit, and the next one not.
const ROOM: u64 = 500 << 20;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Fine,
    /// Works, and may not always.
    Warning,
    /// Something that is asked of this place won't work.
    Trouble,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// What was looked at, in a word or two: `clock`.
    pub check: String,
    /// How bad it is.
    pub grade: Grade,
    /// What was found: a sentence without its final stop.
    pub text: String,
    /// Remedies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hints: Vec<Hint>,
}

impl Finding {
    /// As it should be.
    pub fn fine(check: &str, text: impl Into<String>) -> Self {
        Self { check: check.to_owned(), grade: Grade::Fine, text: text.into(), hints: Vec::new() }
    }
    /// Not as it should be, and what to do about it.
    pub fn bad(check: &str, grade: Grade, text: impl Into<String>, hint: Hint) -> Self {
        Self { check: check.to_owned(), grade, text: text.into(), hints: vec![hint] }
    }
}

/// Whether a host can fetch releases by itself from a store at this address. `refused`: why not.
pub fn fetching(address: &str, refused: Option<&str>) -> Finding {
    const CHECK: &str = "fetching";
    let Some(why) = refused else { return Finding::fine(CHECK, format!("releases can be fetched from {address}")) };
    Finding::bad(
        CHECK,
        Grade::Warning,
        format!("releases can't be fetched from {address}, and are sent: {why}"),
        Hint::text("docs/stores.md says how a host is let in there; without `hosts_fetch` in [store] none tries it"),
    )
}

/// A build of what is checked out, planned and not carried out: what stands in its way, or that nothing does.
pub fn build(plan: &Plan) -> Vec<Finding> {
    let of_host = plan.hosts.iter().map(|host| match &host.verdict {
        Verdict::Blocked { hints } | Verdict::Unreachable { hints } => {
            let (grade, text) = (Grade::Trouble, host.reasons.join("; "));
            Finding { check: "build".to_owned(), grade, text, hints: hints.clone() }
        }
        Verdict::Change | Verdict::Nothing => Finding::fine("build", host.reasons.join("; ")),
    });
    of_host.collect()
}

#[cfg(test)]
mod tests;
