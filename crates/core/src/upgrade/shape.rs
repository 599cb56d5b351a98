//! Shapes of data that differ: structs by their fields, records by their size.

use std::collections::BTreeSet;

use edeliver_erl::{
    changes::ModuleChange,
    image::{Kind, Known, Module},
    term::Atom,
};

use super::{Judging, Rule, list, modules, shown};

/// Tags of tuples that are messages and results, not records.
const NO_RECORDS: [&str; 14] =
    ["ok", "error", "reply", "noreply", "stop", "continue", "exit", "EXIT", "DOWN", "badmatch", "undef", "via", "global", "local"];

impl Judging<'_> {
    /// Structs whose fields differ, with the modules whose processes may hold one and whose `code_change` does not run.
    pub(super) fn structs(&mut self) {
        for (name, holders) in &self.changes.holders {
            let kept: Vec<String> =
                holders.iter().filter(|holder| self.keeps_state(holder)).map(|holder| shown(&holder.name)).collect();
            if !kept.is_empty() {
                let name = shown(name);
                let what = format!(
                    "the fields of %{name}{{}} differ, and nothing migrates the processes of {} that may hold one",
                    list(kept)
                );
                self.tell(Rule::Struct, None, Some(&name), what);
            }
        }
    }
    /// Whether it is a module of processes whose states stay as they are.
    fn keeps_state(&self, module: &Module) -> bool {
        let change = self.changes.apps.values().find_map(|app| app.modules.get(&module.name));
        let migrates = match change {
            Some(ModuleChange::Changed { before, after, .. }) => migrates(self.newer(before, after)),
            _ => false,
        };
        matches!(module.kind, Kind::Process | Kind::ProcessWithoutCodeChange) && !migrates
    }
    /// Records of a process module whose states stay as they are.
    pub(super) fn records(&mut self, app: &str, before: &Module, after: &Module) {
        if !modules::is_process(&before.kind) || migrates(self.newer(before, after)) {
            return;
        }
        let resized = resized(before, after);
        if !resized.is_empty() {
            let name = shown(&after.name);
            let what = format!("what looks like a record differs in {name}, and nothing migrates its states: {}", list(resized));
            self.tell(Rule::Record, Some(app), Some(&name), what);
        }
    }
}

/// Whether it has a `code_change` that does something.
fn migrates(module: &Module) -> bool {
    module.kind == Kind::Process && module.keeps_states != Known::Yes
}

/// What differs in a module that stays, for the table.
pub(super) fn differences(change: &ModuleChange) -> Vec<String> {
    let ModuleChange::Changed { before, after, code } = change else { return Vec::new() };
    let mut differences = vec![if *code { "code" } else { "vsn only" }.to_owned()];
    let fields = |module: &Module| module.struct_fields.clone().unwrap_or_default();
    differences.extend(signed("fields", &fields(before), &fields(after), |field: &Atom| field.as_str().to_owned()));
    differences.extend(signed("exports", &before.exports, &after.exports, super::shown_function));
    let records = resized(before, after);
    differences.extend((!records.is_empty()).then(|| format!("records {}", list(records))));
    differences
}

/// `fields +count -n`.
fn signed<T: Ord>(what: &str, before: &BTreeSet<T>, after: &BTreeSet<T>, show: impl Fn(&T) -> String) -> Option<String> {
    let new = after.difference(before).map(|it| format!("+{}", show(it)));
    let gone = before.difference(after).map(|it| format!("-{}", show(it)));
    let changes: Vec<String> = new.chain(gone).collect();
    (!changes.is_empty()).then(|| format!("{what} {}", list(changes)))
}

/// Tuples that look like records and have another size: `st (2 to 3)`. A guess, so only where each side has one size.
fn resized(before: &Module, after: &Module) -> Vec<String> {
    let one = |sizes: &BTreeSet<usize>| sizes.first().filter(|_| sizes.len() == 1).copied();
    let resized = before.records.iter().filter(|(tag, _)| !NO_RECORDS.contains(&tag.as_str())).filter_map(|(tag, sizes)| {
        let (old, new) = (one(sizes)?, one(after.records.get(tag)?)?);
        (old != new).then(|| format!("{} ({old} to {new} elements)", tag.as_str()))
    });
    resized.collect()
}
