//! Targets that somebody else has.

use edeliver_core::hint::Hint;

use crate::{
    error::{Error, Kind},
    lease::LeaseError,
};

impl From<LeaseError> for Error {
    fn from(error: LeaseError) -> Self {
        let (kind, hints) = match &error {
            LeaseError::Held { target, holder } => {
                let ends = holder.left.map(|left| format!(" (it ends by itself {} s after its last sign of life)", left.as_secs()));
                let wait = format!("give `--lock-wait` to wait for it{}", ends.unwrap_or_default());
                let look = Hint::command("who has it", format!("edeliver lock show {target}"));
                let gone = Hint::command("if you are sure that it must not go on", format!("edeliver lock break {target}"));
                (Kind::Locked, vec![Hint::text(wait), look, gone])
            }
            LeaseError::OnHold { target, .. } => {
                (Kind::Locked, vec![Hint::command("when it is over", format!("edeliver lock release {target}"))])
            }
            LeaseError::TooFew { .. } => {
                let pick = "if you are sure that nobody else deploys, name the hosts that are left with `--host`";
                (Kind::Unreachable, vec![Hint::text(pick)])
            }
            LeaseError::Interrupted => (Kind::Interrupted, Vec::new()),
        };
        Self { hints, ..Self::new(kind, error) }
    }
}
