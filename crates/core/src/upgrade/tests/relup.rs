//! The judgement beside the relup that is generated from the same changes.

use edeliver_erl::relup::generate::{Action as Done, Note, generate};

use super::*;

/// All kinds that a module can have.
fn kinds() -> [Kind; 7] {
    let application = |starts_list| Kind::Application { starts_list };
    [
        Kind::Plain,
        Kind::Process,
        Kind::ProcessWithoutCodeChange,
        Kind::Supervisor,
        application(true),
        application(false),
        Kind::Implementation { of: None, for_type: None },
    ]
}

/// Every change from one kind to another, with and without changed code, and versions written by hand or not.
fn all_changes() -> Vec<ModuleChange> {
    let mut all = Vec::new();
    for (before, after) in kinds().into_iter().flat_map(|before| kinds().map(move |after| (before.clone(), after))) {
        for (code, vsn) in [(true, "1"), (false, "1"), (false, "340282366920938463463374607431768211455")] {
            let mut module = module(&format!("app_{}", all.len()), before.clone());
            module.vsn = vec![edeliver_erl::term::text::parse(vsn).unwrap()];
            let after = Module { kind: after.clone(), ..module.clone() };
            all.push(ModuleChange::Changed { before: Arc::new(module), after: Arc::new(after), code });
        }
    }
    all.push(ModuleChange::Added(Arc::new(module("app_added", Kind::Process))));
    all.push(ModuleChange::Removed(Arc::new(module("app_removed", Kind::Supervisor))));
    all
}

/// The other way round.
fn turned(changes: &Changes) -> Changes {
    let turn = |change: &ModuleChange| match change.clone() {
        ModuleChange::Added(module) => ModuleChange::Removed(module),
        ModuleChange::Removed(module) => ModuleChange::Added(module),
        ModuleChange::Changed { before, after, code } => ModuleChange::Changed { before: after, after: before, code },
    };
    let app = |app: &AppChange| AppChange {
        before: app.after.clone(),
        after: app.before.clone(),
        modules: app.modules.iter().map(|(name, change)| (name.clone(), turn(change))).collect(),
        ..app.clone()
    };
    Changes {
        from: changes.to.clone(),
        to: changes.from.clone(),
        apps: changes.apps.iter().map(|(name, change)| (name.clone(), app(change))).collect(),
        consolidated: changes.consolidated.iter().map(|(name, change)| (name.clone(), turn(change))).collect(),
        consolidated_before: changes.consolidated_after.clone(),
        consolidated_after: changes.consolidated_before.clone(),
        ..changes.clone()
    }
}

/// What a generated relup does with each module, in the words of judgements.
fn generated(notes: &[Note]) -> BTreeMap<String, Action> {
    let action = |action| match action {
        Done::Load => Action::Load,
        Done::Add => Action::Add,
        Done::Remove => Action::Remove,
        Done::CodeChange => Action::Migrate,
        Done::Suspend => Action::Suspend,
        Done::Supervisor => Action::Supervise,
        Done::Children => Action::Children,
        Done::ReloadProtocol => Action::ReloadProtocol,
        Done::Leave => Action::Leave,
        Done::Appup | Done::Start | Done::Stop => panic!("of applications"),
    };
    notes.iter().filter_map(|note| Some((shown(note.module.as_ref()?), action(note.action)))).collect()
}

fn promised(judgement: &Judgement) -> BTreeMap<String, Action> {
    let modules = judgement.apps.iter().flat_map(|app| &app.modules).chain(&judgement.protocols);
    modules.map(|module| (module.name.clone(), module.action)).collect()
}

/// A list of children is discovered only for the callback module of its application, so that one is left out.
#[test]
fn what_is_promised_is_what_the_relup_does_in_both_directions() {
    let is_list = |change: &ModuleChange| match change {
        ModuleChange::Changed { before, after, .. } => {
            before.kind == after.kind && before.kind == Kind::Application { starts_list: true }
        }
        _ => false,
    };
    let moved = || Arc::new(module("moved", Kind::Process));
    let mut changes = changes([
        app("app", all_changes().into_iter().filter(|change| !is_list(change)).chain([ModuleChange::Removed(moved())])),
        app("other", [ModuleChange::Added(moved()), same("Elixir.App", Kind::Application { starts_list: true }, |_| {})]),
    ]);
    let protocol = |name: &str, consolidated| same(name, Kind::Protocol { consolidated }, |_| {});
    changes.consolidated.insert(atom("Elixir.Enumerable"), protocol("Elixir.Enumerable", true));
    changes.consolidated_before.insert(atom("Elixir.Enumerable"));
    changes.consolidated_after.insert(atom("Elixir.Enumerable"));
    let relup = generate(&changes).unwrap();
    assert_eq!(promised(&judge(&changes, &policy())), generated(&relup.up), "up");
    assert_eq!(promised(&judge_way(&turned(&changes), Direction::Down, &policy())), generated(&relup.down), "down");
}

#[test]
fn on_the_way_down_it_is_the_newer_code_and_appup_that_count() {
    let (bare, full) = (module("app_server", Kind::ProcessWithoutCodeChange), module("app_server", Kind::Process));
    let mut newer = app("app", [changed(bare, full)]);
    let rules = |app: &AppChange| {
        let judgement = judge_way(&turned(&changes([app.clone()])), Direction::Down, &policy());
        (judgement.apps[0].action, judgement.findings.iter().map(|finding| finding.rule).collect::<Vec<_>>())
    };
    assert_eq!(rules(&newer), (AppAction::Upgrade, vec![]), "its code_change leads back too");
    let text = "{\"1.1.0\",[],[{\"1.0.0\",[restart_new_emulator]}]}.";
    newer.after.as_mut().unwrap().appup = Some(text.as_bytes().to_vec());
    assert_eq!(rules(&newer), (AppAction::FollowAppup, vec![Rule::Appup]));
}
