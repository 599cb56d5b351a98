//! Rules about single modules, and what is done with each.

use std::collections::BTreeSet;

use edeliver_erl::{
    changes::{AppChange, ModuleChange},
    image::{Kind, Known, Module},
    term::Atom,
};

use super::{Action, Judging, ModuleJudgement, Rule, apps, shape, shown};
use crate::step::Direction;

/// Behaviours that say what kind of process a module's processes are.
const PROCESSES: [&str; 5] = ["gen_server", "gen_statem", "gen_event", "gen_fsm", "supervisor"];
const PROVIDER: &str = "Elixir.Config.Provider";

impl Judging<'_> {
    /// The modules of an application that differ, but for those that are consolidated.
    pub(super) fn modules(&mut self, app: &AppChange) -> Vec<ModuleJudgement> {
        let stays = app.before.is_some() && app.after.is_some() && !apps::is_core(app);
        let modules = app.modules.iter().filter_map(|(name, change)| self.of_app(app, name, change)).collect::<Vec<_>>();
        let mut judged = Vec::new();
        for change in modules {
            if let (ModuleChange::Changed { before, after, code: true }, true) = (&change, stays) {
                self.changed(app.name.as_str(), before, after);
            }
            judged.push(self.judged(app.name.as_str(), &change));
        }
        judged
    }
    /// What becomes of the module as an application's. One that moved from another application has changed. A consolidated one is reloaded
    /// with the other protocols.
    fn of_app(&self, app: &AppChange, name: &Atom, change: &ModuleChange) -> Option<ModuleChange> {
        let others = self.changes.apps.values().filter(|other| other.name != app.name);
        let elsewhere = || others.filter_map(|other| other.modules.get(name));
        match change {
            ModuleChange::Removed(_) => (!elsewhere().any(|other| matches!(other, ModuleChange::Added(_)))).then(|| change.clone()),
            _ if self.changes.consolidated_after.contains(name) => None,
            ModuleChange::Added(after) => {
                let before =
                    elsewhere().find_map(|other| if let ModuleChange::Removed(before) = other { Some(before) } else { None });
                let moved = before.map(|before| ModuleChange::Changed { before: before.clone(), after: after.clone(), code: true });
                Some(moved.unwrap_or_else(|| change.clone()))
            }
            ModuleChange::Changed { .. } => Some(change.clone()),
        }
    }
    /// Consolidated protocols, each reloaded as a whole. Of one that is not consolidated any more, the plain one is loaded.
    pub(super) fn protocols(&self) -> Vec<ModuleJudgement> {
        let in_app = |name: &Atom| self.changes.apps.values().any(|app| app.modules.contains_key(name));
        let protocol = |(name, change): (&Atom, &ModuleChange)| {
            let action = match change {
                ModuleChange::Removed(_) if in_app(name) => return None,
                ModuleChange::Removed(_) => Action::Load,
                _ => Action::ReloadProtocol,
            };
            Some(ModuleJudgement { action, ..self.judged("", change) })
        };
        self.changes.consolidated.iter().filter_map(protocol).collect()
    }
    fn changed(&mut self, app: &str, before: &Module, after: &Module) {
        let (name, newer) = (shown(&after.name), self.newer(before, after));
        let mut tell = |rule: Rule, what: String| self.tell(rule, Some(app), Some(&name), what);
        if let Some((old, new)) = other_process(before, after) {
            tell(Rule::Behaviour, format!("{name} was a {old} and is a {new}"));
        }
        if after.behaviours.iter().any(|behaviour| behaviour.as_str() == PROVIDER) {
            tell(Rule::Provider, format!("{name} provides configuration and differs"));
        }
        if before.receives == Known::Yes && !is_special(before) {
            tell(Rule::Receive, format!("{name} has a receive of its own"));
        }
        if is_process(&before.kind) && before.keeps_funs == Known::Yes {
            tell(Rule::Funs, format!("{name}, a module of processes, makes funs that may be kept"));
        }
        if is_process(&before.kind) && newer.kind != Kind::Process {
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
    fn judged(&self, app: &str, change: &ModuleChange) -> ModuleJudgement {
        let (module, action) = match change {
            ModuleChange::Added(module) => (module, Action::Add),
            ModuleChange::Removed(module) => (module, Action::Remove),
            ModuleChange::Changed { before, after, code } => (after, self.replaced(app, before, after, *code)),
        };
        ModuleJudgement { name: shown(&module.name), kind: word(&module.kind).into(), action, changes: shape::differences(change) }
    }
    /// As the generated relup has it; a test compares. Processes that run were started by the code from before.
    fn replaced(&self, app: &str, before: &Module, after: &Module, code: bool) -> Action {
        let migrates = self.newer(before, after).kind == Kind::Process;
        let discovers = || self.discover.iter().any(|name| name == app);
        match before.kind {
            _ if !code && !(migrates && (before.has_own_vsn() || after.has_own_vsn())) => Action::Leave,
            Kind::Supervisor if after.kind == Kind::Supervisor => Action::Supervise,
            Kind::Process | Kind::ProcessWithoutCodeChange if migrates => Action::Migrate,
            Kind::Process | Kind::ProcessWithoutCodeChange | Kind::Supervisor => Action::Suspend,
            Kind::Application { starts_list: true } if discovers() => Action::Children,
            _ => Action::Load,
        }
    }
    /// The module of the newer release: it knows the states of both.
    pub(super) fn newer<'m>(&self, before: &'m Module, after: &'m Module) -> &'m Module {
        match self.direction {
            Direction::Up => after,
            Direction::Down => before,
        }
    }
    pub(super) fn allows_nif(&self, module: &Atom) -> bool {
        self.policy.allow_nif.iter().any(|allowed| *allowed == shown(module) || allowed == module.as_str())
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

pub(super) fn is_process(kind: &Kind) -> bool {
    matches!(kind, Kind::Process | Kind::ProcessWithoutCodeChange)
}

/// A process that `sys` suspends, and that comes back by the full name of its module: to the new code.
fn is_special(module: &Module) -> bool {
    let exports = |name: &str, arity: u8| module.exports.iter().any(|function| function.name == name && function.arity == arity);
    exports("system_continue", 3) && exports("system_code_change", 4)
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
