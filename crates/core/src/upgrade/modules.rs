//! Rules about single modules, and what is done with each.

use std::collections::BTreeSet;

use edeliver_erl::{
    changes::{AppChange, ModuleChange},
    image::{Kind, Known, Module},
    term::Atom,
};

use super::{Action, Judging, ModuleJudgement, Rule, apps, shape, shown};

/// Behaviours that say what kind of process a module's processes are.
const PROCESSES: [&str; 5] = ["gen_server", "gen_statem", "gen_event", "gen_fsm", "supervisor"];
const PROVIDER: &str = "Elixir.Config.Provider";

impl Judging<'_> {
    /// The modules of an application that differ, but for those that are consolidated.
    pub(super) fn modules(&mut self, app: &AppChange) -> Vec<ModuleJudgement> {
        let changes = self.changes;
        let consolidated = |name: &Atom| changes.consolidated_after.contains(name) || changes.consolidated_before.contains(name);
        let stays = app.before.is_some() && app.after.is_some() && !apps::is_core(app);
        let modules = app.modules.iter().filter(|(name, _)| !consolidated(name));
        modules
            .map(|(_, change)| {
                if let (ModuleChange::Changed { before, after, code: true }, true) = (change, stays) {
                    self.changed(app.name.as_str(), before, after);
                }
                judged(change)
            })
            .collect()
    }
    /// Consolidated protocols, each reloaded as a whole.
    pub(super) fn protocols(&self) -> Vec<ModuleJudgement> {
        let reloaded = |change: &ModuleChange| match change {
            ModuleChange::Removed(_) => judged(change),
            _ => ModuleJudgement { action: Action::ReloadProtocol, ..judged(change) },
        };
        self.changes.consolidated.values().map(reloaded).collect()
    }
    fn changed(&mut self, app: &str, before: &Module, after: &Module) {
        let name = shown(&after.name);
        let mut tell = |rule: Rule, what: String| self.tell(rule, Some(app), Some(&name), what);
        if let Some((old, new)) = other_process(before, after) {
            tell(Rule::Behaviour, format!("{name} was a {old} and is a {new}"));
        }
        if after.behaviours.iter().any(|behaviour| behaviour.as_str() == PROVIDER) {
            tell(Rule::Provider, format!("{name} provides configuration and differs"));
        }
        if after.receives == Known::Yes {
            tell(Rule::Receive, format!("{name} has a receive of its own"));
        }
        if is_process(&after.kind) && before.makes_funs == Known::Yes {
            tell(Rule::Funs, format!("{name}, a module of processes, makes funs"));
        }
        if after.kind == Kind::ProcessWithoutCodeChange {
            tell(Rule::NoCodeChange, format!("{name} has no code_change"));
        }
        if after.on_load == Known::Yes && after.nif.is_none() {
            tell(Rule::OnLoad, format!("{name} has on_load"));
        }
        self.native(app, before, after);
        self.records(app, before, after);
    }
    fn native(&mut self, app: &str, before: &Module, after: &Module) {
        if before.nif.is_some() && !self.allows_nif(&after.name) {
            let name = shown(&after.name);
            self.tell(Rule::Nif, Some(app), Some(&name), format!("{name} has native functions and differs"));
        }
    }
    pub(super) fn allows_nif(&self, module: &Atom) -> bool {
        self.policy.allow_nif.iter().any(|allowed| *allowed == shown(module) || allowed == module.as_str())
    }
}

fn judged(change: &ModuleChange) -> ModuleJudgement {
    let (module, action) = match change {
        ModuleChange::Added(module) => (module, Action::Add),
        ModuleChange::Removed(module) => (module, Action::Remove),
        ModuleChange::Changed { after, .. } => (after, replace(&after.kind)),
    };
    ModuleJudgement { name: shown(&module.name), kind: word(&module.kind).into(), action, changes: shape::differences(change) }
}

fn replace(kind: &Kind) -> Action {
    match kind {
        Kind::Process => Action::Migrate,
        Kind::ProcessWithoutCodeChange => Action::Suspend,
        Kind::Supervisor => Action::Supervise,
        Kind::Plain | Kind::Application { .. } | Kind::Protocol { .. } | Kind::Implementation { .. } => Action::Load,
    }
}

fn word(kind: &Kind) -> &'static str {
    match kind {
        Kind::Plain => "functions",
        Kind::Process | Kind::ProcessWithoutCodeChange => "process",
        Kind::Supervisor => "supervisor",
        Kind::Application { .. } => "application",
        Kind::Protocol { .. } => "protocol",
        Kind::Implementation { .. } => "implementation",
    }
}

fn is_process(kind: &Kind) -> bool {
    matches!(kind, Kind::Process | Kind::ProcessWithoutCodeChange)
}

/// The kinds of process it was and is, where these have nothing in common.
fn other_process(before: &Module, after: &Module) -> Option<(String, String)> {
    let kinds = |module: &Module| -> BTreeSet<&'static str> {
        let is = |kind: &&str| module.behaviours.iter().any(|behaviour| is_behaviour(behaviour.as_str(), kind));
        PROCESSES.into_iter().filter(is).collect()
    };
    let (old, new) = (kinds(before), kinds(after));
    let words = |kinds: &BTreeSet<&str>| kinds.iter().copied().collect::<Vec<_>>().join(" and ");
    (!old.is_empty() && !new.is_empty() && old.is_disjoint(&new)).then(|| (words(&old), words(&new)))
}

/// Elixir's behaviours stand for OTP's.
fn is_behaviour(declared: &str, kind: &str) -> bool {
    match declared {
        "Elixir.GenServer" => kind == "gen_server",
        "Elixir.Supervisor" | "Elixir.DynamicSupervisor" => kind == "supervisor",
        other => other == kind,
    }
}
