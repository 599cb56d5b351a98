//! What a classic config says that means nothing here, where silence would mislead.

use super::{Function, LISTENED, PLAIN, Reading, Variable};
use crate::{
    config::{hooks, origin::Origin, scope::similar},
    hint::Hint,
};

/// Variables that once changed what is built or deployed, and what to do instead.
const NOT_USED: &[(&str, &str)] = &[
    ("VERSION", "say --version=… on the command line"),
    ("RELEASE_VERSION", "it is read from the release that was built"),
    ("FORCE", "say --force on the command line, where it is meant"),
    ("GIT_PUSH", "a push overwrites nothing, so there is nothing to force"),
];

impl Reading<'_> {
    pub(super) fn notices(&mut self) {
        for (name, instead) in NOT_USED {
            // of the environment's VERSION nobody knows whose it is
            let assigned = self.variable(name).filter(|variable| !matches!(variable.origin, Origin::Env { .. }));
            if let Some(variable) = assigned {
                let text = format!("{name} ({}) is not used", variable.origin);
                self.warn(text, Hint::text(*instead));
            }
        }
        let script = self.script;
        for variable in &script.variables {
            self.notice_slip(variable);
        }
        for function in &script.functions {
            self.notice_function(function);
        }
    }
    /// A config may have variables of its own; one that resembles a known variable which is missing is a slip.
    fn notice_slip(&mut self, variable: &Variable) {
        let Variable { name, origin, .. } = variable;
        let known = || LISTENED.iter().chain(PLAIN.iter().map(|(known, _)| known)).copied();
        if matches!(origin, Origin::Env { .. }) || known().any(|known| known == name) {
            return;
        }
        let is_slip = |known: &&str| self.variable(known).is_none() && strsim::damerau_levenshtein(name, known) == 1;
        if let Some(meant) = known().find(is_slip) {
            self.warn(format!("{name} ({origin}) means nothing to edeliver"), Hint::text(format!("did you mean {meant}?")));
        }
    }
    fn notice_function(&mut self, function: &Function) {
        let Function { name, origin } = function;
        if hooks::NOT_REPLACEABLE.contains(&name.as_str()) {
            let text = format!("the function {name} ({origin}) is not called: steps of edeliver can't be replaced");
            self.warn(text, Hint::text("use the hooks before and after the step"));
        } else if hooks::OF_RELX.contains(&name.as_str()) {
            self.warn(
                format!("the function {name} ({origin}) is not called: relups are not made by relx"),
                Hint::text("change what was made by `edeliver edit appups`, `edeliver edit relup` or a hook `pre_edit_relup`"),
            );
        } else if hooks::STARTING.contains(&name.as_str()) {
            let text = format!("the function {name} ({origin}) is called by node commands, and not when a deploy starts nodes");
            self.warn(
                text,
                Hint::text("let systemd run them (`service = \"systemd\"`), or start them by the node command after a deploy"),
            );
        } else if (name.starts_with("pre_") || name.starts_with("post_")) && !hooks::NAMES.contains(&name.as_str()) {
            let meant = similar(name, hooks::NAMES.iter().copied());
            let hint = meant.map_or_else(|| Hint::text("it is no hook"), |meant| Hint::text(format!("did you mean {meant}?")));
            self.warn(format!("the function {name} ({origin}) is never called"), hint);
        }
    }
}
