//! Reading `[run_hooks]` and `[notify]`.

use std::path::PathBuf;

use super::Settling;
use crate::{
    config::{
        problem::Problem,
        raw::Value,
        scope::Scope,
        settings::{Notify, Occasion, RunHooks, Webhook},
        typed::{FromValue, Rule, Wrong},
    },
    notice::Moment,
};

impl Settling<'_> {
    pub(super) fn run_hooks(&self, mut scope: Scope<'_>) -> Option<RunHooks> {
        let mut program = |moment: Moment| Some((moment, self.here(&scope.get_by(moment.key(), |value| PROGRAM.text(value))?)));
        let programs = Moment::ALL.into_iter().filter_map(&mut program).collect();
        let timeout = scope.get("timeout");
        scope.finish();
        Some(RunHooks { programs, timeout: timeout? })
    }
    /// `None`: something is wrong, and that was noted.
    pub(super) fn notify(&self, mut scope: Scope<'_>) -> Option<Option<Notify>> {
        let given = scope.place("webhook").is_some();
        let webhook = scope.get::<Webhook>("webhook");
        let format = scope.get("format");
        let place = scope.place("on");
        let on: Option<Vec<Occasion>> = scope.get("on");
        scope.finish();
        if let (Some([]), Some(place)) = (on.as_deref(), place) {
            self.found.problem(Problem::new("`notify.on` is empty", place).label("write some of start, success and failure"));
        }
        match given {
            true => Some(Some(Notify { webhook: webhook?, format: format?, on: on? })),
            false => Some(None),
        }
    }
}

/// A file that is run; nobody's words are split.
pub(super) const PROGRAM: Rule = Rule {
    what: "a program",
    why: "write the path of an executable file, from the project's folder",
    allows: |text| !text.trim().is_empty() && !text.chars().any(char::is_control) && PathBuf::from(text).file_name().is_some(),
};

const ADDRESS: Rule = Rule {
    what: "the address of a webhook",
    why: "write it like \"https://hooks.example.com/…\"",
    allows: |text| {
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let is_address = |rest: &str| !rest.split('/').next().unwrap_or_default().is_empty();
        text.chars().all(|c| c.is_ascii_graphic()) && rest.is_some_and(is_address)
    },
};

impl FromValue for Webhook {
    fn from_value(value: &Value) -> Result<Self, Wrong> {
        ADDRESS.text(value).map(Self::new)
    }
    fn show(&self) -> String {
        crate::config::secret::MASK.to_owned()
    }
}
