//! Every rule, and what stays quiet.

mod relup;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use edeliver_erl::{
    Term, Vsn,
    app::App,
    beam::{Function, Import},
    changes::{AppChange, AppState, Changes, ConfigChange, ModuleChange},
    image::{Kind, Known, Module, Nif},
    rel::StartType,
    term::Atom,
};

use super::*;

fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn vsn(text: &str) -> Vsn {
    Vsn::new(text).unwrap()
}

fn module(name: &str, kind: Kind) -> Module {
    Module {
        name: atom(name),
        md5: [0; 16],
        md5_without_meta: [0; 16],
        vsn: Vec::new(),
        kind,
        behaviours: BTreeSet::new(),
        exports: BTreeSet::new(),
        imports: BTreeSet::new(),
        struct_fields: None,
        mentions_structs: BTreeSet::new(),
        records: BTreeMap::new(),
        nif: None,
        on_load: Known::No,
        receives: Known::No,
        keeps_funs: Known::No,
        keeps_states: Known::No,
        start_calls: BTreeSet::new(),
    }
}

fn changed(before: Module, after: Module) -> ModuleChange {
    ModuleChange::Changed { before: Arc::new(before), after: Arc::new(after), code: true }
}

/// A module that differs in its code, as `with` has it before and after.
fn same(name: &str, kind: Kind, with: impl Fn(&mut Module)) -> ModuleChange {
    let mut module = module(name, kind);
    with(&mut module);
    changed(module.clone(), module)
}

fn state(name: &str, version: &str) -> AppState {
    let text = format!("{{application,{name},[{{vsn,\"{version}\"}},{{mod,{{'Elixir.App',[]}}}}]}}.");
    let app = App::parse(text.as_bytes()).unwrap();
    let (dir, start) = (format!("lib/{name}-{version}"), StartType::Permanent);
    AppState { vsn: vsn(version), dir, start, app, appup: None, missing: BTreeSet::new() }
}

fn app(name: &str, modules: impl IntoIterator<Item = ModuleChange>) -> AppChange {
    let name_of = |change: &ModuleChange| match change {
        ModuleChange::Added(module) | ModuleChange::Removed(module) | ModuleChange::Changed { after: module, .. } => {
            module.name.clone()
        }
    };
    AppChange {
        name: atom(name),
        before: Some(state(name, "1.0.0")),
        after: Some(state(name, "1.1.0")),
        modules: modules.into_iter().map(|change| (name_of(&change), change)).collect(),
        others: Vec::new(),
    }
}

fn changes(apps: impl IntoIterator<Item = AppChange>) -> Changes {
    Changes {
        name: "hotapp".into(),
        from: vsn("0.1.0"),
        to: vsn("0.2.0"),
        erts: None,
        apps: apps.into_iter().map(|app| (app.name.clone(), app)).collect(),
        consolidated: BTreeMap::new(),
        consolidated_after: BTreeSet::new(),
        consolidated_before: BTreeSet::new(),
        dangling: Vec::new(),
        holders: BTreeMap::new(),
        config: ConfigChange::default(),
    }
}

fn policy() -> Policy {
    Policy { allow_nif: Vec::new(), discover_children: true }
}

/// What is told of an application `app` with these modules.
fn told(modules: impl IntoIterator<Item = ModuleChange>) -> (Verdict, Vec<String>) {
    told_of(&changes([app("app", modules)]))
}

fn told_of(changes: &Changes) -> (Verdict, Vec<String>) {
    let judgement = judge(changes, &policy());
    (judgement.verdict, judgement.findings.into_iter().map(|finding| finding.what).collect())
}

#[test]
fn plain_work_is_hot_and_told_module_by_module() {
    let fields = |names: &[&str]| Some(names.iter().map(|name| atom(name)).collect());
    let old = Module { struct_fields: fields(&["n"]), ..module("Elixir.App.Counter", Kind::Process) };
    let exports = [Function { name: atom("bump"), arity: 1 }].into();
    let new = Module { struct_fields: fields(&["count", "by"]), exports, ..old.clone() };
    let mut changes = changes([app(
        "app",
        [
            changed(old, new),
            same("Elixir.App.Sup", Kind::Supervisor, |_| {}),
            ModuleChange::Added(Arc::new(module("app_new", Kind::Plain))),
            ModuleChange::Removed(Arc::new(module("app_old", Kind::Plain))),
            same("Elixir.App.Describe", Kind::Protocol { consolidated: false }, |_| {}),
        ],
    )]);
    let protocol = atom("Elixir.App.Describe");
    changes.consolidated_after.insert(protocol.clone());
    changes.consolidated.insert(protocol, same("Elixir.App.Describe", Kind::Protocol { consolidated: true }, |_| {}));
    let judgement = judge(&changes, &policy());
    assert_eq!(judgement.headline(), "hotapp 0.1.0 to 0.2.0: hot");
    let rows: Vec<String> = judgement
        .rows()
        .iter()
        .map(|row| format!("{}{} | {} | {}", if row.is_module { "  " } else { "" }, row.name, row.changes, row.action))
        .collect();
    let wanted = "\
app 1.0.0 to 1.1.0 |  | upgrade
  App.Counter (process) | code; fields +by, +count, -n; exports +bump/1 | suspend, load, code_change, resume
  App.Sup (supervisor) | code | suspend, load, code_change, resume, compare children
  app_new (functions) | new | load
  app_old (functions) | gone | remove
consolidated protocols |  | \n  App.Describe (protocol) | code | load the consolidated form";
    assert_eq!(rows.join("\n"), wanted, "the unconsolidated protocol is nowhere loaded");
}

#[test]
fn what_a_node_stands_on_takes_a_restart() {
    for core in ["kernel", "stdlib", "compiler", "elixir"] {
        let what = format!("{core} 1.0.0 becomes 1.1.0");
        assert_eq!(told_of(&changes([app(core, [])])), (Verdict::Restart, vec![what]));
        let patched = AppChange {
            after: Some(state(core, "1.0.0")),
            ..app(core, [same("m", Kind::Plain, |module| module.receives = Known::Yes)])
        };
        let what = format!("the code of {core} 1.0.0 differs");
        assert_eq!(told_of(&changes([patched])), (Verdict::Restart, vec![what]), "and its modules are not told one by one");
    }
    let new = AppChange { before: None, ..app("elixir", []) };
    assert_eq!(told_of(&changes([new])).0, Verdict::Hot, "nobody stands on it yet");
    let erts = Changes { erts: Some((vsn("13.1.5"), vsn("13.2"))), ..changes([]) };
    assert_eq!(told_of(&erts), (Verdict::Restart, vec!["erts 13.1.5 becomes 13.2".to_owned()]));
}

#[test]
fn native_code_takes_a_restart_unless_the_user_knows_better() {
    let native = |module: &mut Module| module.nif = Some(Nif { on_load_only: true });
    let mut app = app("app", [same("Elixir.App.Native", Kind::Plain, native)]);
    app.others = vec!["priv/native.so".into(), "priv/static/app.js".into()];
    let changes = changes([app]);
    let (verdict, whats) = told_of(&changes);
    assert_eq!(verdict, Verdict::Restart);
    assert_eq!(
        whats,
        ["priv/native.so of app differ", "App.Native has native functions and differs", "priv/static/app.js of app differ"]
    );
    let allowed = Policy { allow_nif: vec!["App.Native".into()], ..policy() };
    assert_eq!(judge(&changes, &allowed).verdict, Verdict::Hot);
}

#[test]
fn a_native_library_that_no_changed_module_loads_takes_a_restart_whatever_is_allowed() {
    let mut app = app("app", []);
    app.others = vec!["priv/native.so.1".into()];
    let allowed = Policy { allow_nif: vec!["App.Native".into()], ..policy() };
    assert_eq!(judge(&changes([app]), &allowed).verdict, Verdict::Restart, "nothing would load the new one");
}

#[test]
fn other_providers_of_configuration_take_a_restart() {
    let provider = |module: &mut Module| module.behaviours = [atom("Elixir.Config.Provider")].into();
    let wanted = (Verdict::Restart, vec!["App.Vault provides configuration and differs".to_owned()]);
    assert_eq!(told([same("Elixir.App.Vault", Kind::Plain, provider)]), wanted);
    let list = |names: &[&str]| names.iter().map(|name| (atom(name), Term::list([]))).collect::<Vec<_>>();
    let mut other = changes([]);
    other.config.providers = Some((list(&["Elixir.Config.Reader"]), list(&["Elixir.Config.Reader", "Elixir.App.Vault"])));
    let wanted = "the configuration providers differ: Config.Reader, App.Vault instead of Config.Reader";
    assert_eq!(told_of(&other), (Verdict::Restart, vec![wanted.to_owned()]));
}

#[test]
fn a_process_that_became_another_kind_takes_a_restart() {
    let of = |behaviour: &str| Module { behaviours: [atom(behaviour)].into(), ..module("Elixir.App.Fsm", Kind::Process) };
    let wanted = (Verdict::Restart, vec!["App.Fsm was a gen_server and is a gen_statem".to_owned()]);
    assert_eq!(told([changed(of("Elixir.GenServer"), of("gen_statem"))]), wanted);
    assert_eq!(told([changed(of("Elixir.GenServer"), of("gen_server"))]).0, Verdict::Hot, "the same by another name");
}

#[test]
fn an_appup_decides_for_its_application_and_may_ask_for_restarts() {
    let with = |script: &str| {
        let mut app = app("app", []);
        let text = format!("{{\"1.1.0\",[{{<<\"1\\\\.0.*\">>,[{script}]}}],[]}}.");
        app.after.as_mut().unwrap().appup = Some(text.into_bytes());
        let judgement = judge(&changes([app]), &policy());
        (judgement.verdict, judgement.apps[0].action, judgement.findings.first().map(|finding| finding.rule))
    };
    assert_eq!(with("{load_module,m}"), (Verdict::Hot, AppAction::FollowAppup, None));
    assert_eq!(with("restart_new_emulator"), (Verdict::Restart, AppAction::FollowAppup, Some(Rule::Appup)));
    assert_eq!(with("{restart_application,app}"), (Verdict::HotWithWarnings, AppAction::FollowAppup, Some(Rule::AppRestart)));
    assert_eq!(with("{load_nothing}"), (Verdict::Restart, AppAction::Upgrade, Some(Rule::BadAppup)));
}

#[test]
fn a_struct_that_differs_is_told_where_nothing_migrates_its_holders() {
    let holders = [("Elixir.App.Kept", Kind::Process), ("Elixir.App.Migrated", Kind::Process), ("Elixir.App.Pure", Kind::Plain)];
    let holders = holders.into_iter().chain([("app_bare", Kind::ProcessWithoutCodeChange)]);
    let mut changes = changes([app("app", [same("Elixir.App.Migrated", Kind::Process, |_| {})])]);
    changes.holders.insert(atom("Elixir.App.User"), holders.map(|(name, kind)| Arc::new(module(name, kind))).collect());
    let wanted = "the fields of %App.User{} differ, and nothing migrates the processes of App.Kept, app_bare that may hold one";
    assert_eq!(told_of(&changes), (Verdict::HotWithWarnings, vec![wanted.to_owned()]));
}

#[test]
fn a_record_that_differs_is_told_where_no_code_change_migrates_it() {
    let of = |size: usize, kind: Kind| Module {
        records: [(atom("st"), [size].into()), (atom("error"), [size].into())].into(),
        ..module("app_server", kind)
    };
    let bare = || Kind::ProcessWithoutCodeChange;
    let (verdict, whats) = told([changed(of(2, bare()), of(3, bare()))]);
    assert_eq!(verdict, Verdict::HotWithWarnings);
    let record = "what looks like a record differs in app_server, and nothing migrates its states: st (2 to 3 elements)";
    assert_eq!(whats, [record, "app_server has no code_change"]);
    assert_eq!(told([changed(of(2, Kind::Process), of(3, Kind::Process))]), (Verdict::Hot, vec![]));
    let idle = Module { keeps_states: Known::Yes, ..of(3, Kind::Process) };
    assert_eq!(
        told([changed(of(2, Kind::Process), idle)]),
        (Verdict::HotWithWarnings, vec![record.to_owned()]),
        "one that does nothing"
    );
}

#[test]
fn children_that_start_lists_are_looked_for_with_what_that_calls() {
    let call = |module: &str, name: &str| Import { module: atom(module), function: Function { name: atom(name), arity: 1 } };
    let with = |calls: Vec<Import>| {
        let imports: BTreeSet<Import> = calls.into_iter().chain([call("Elixir.Supervisor", "start_link")]).collect();
        same("Elixir.App", Kind::Application { starts_list: true }, |module| module.start_calls.clone_from(&imports))
    };
    let quiet = judge(&changes([app("app", [with(vec![call("erlang", "element")])])]), &policy());
    assert_eq!((quiet.verdict, quiet.discover), (Verdict::Hot, vec!["app".to_owned()]));
    let calls = vec![call("Elixir.App.Metrics", "attach"), call("erlang", "spawn"), call("httpc", "request")];
    let wanted = "App lists children, and calls App.Metrics.attach/1, erlang:spawn/1, httpc:request/1";
    assert_eq!(told([with(calls)]), (Verdict::HotWithWarnings, vec![wanted.to_owned()]));
    let unlooked = judge(&changes([app("app", [with(vec![])])]), &Policy { discover_children: false, ..policy() });
    assert_eq!((unlooked.findings[0].rule, unlooked.discover.len()), (Rule::HiddenChildren, 0));
    let elsewhere = same("Elixir.App", Kind::Application { starts_list: true }, |module| {
        module.imports = [call("persistent_term", "put")].into();
    });
    assert_eq!(told([elsewhere]), (Verdict::Hot, vec![]), "config_change/3 calls it");
}

#[test]
fn a_module_that_is_listed_and_not_there_stands_in_the_way() {
    let mut app = app("app", [ModuleChange::Removed(Arc::new(module("app_lost", Kind::Plain)))]);
    app.after.as_mut().unwrap().missing.insert(atom("app_lost"));
    let wanted = "app.app lists app_lost, whose file the release does not have";
    assert_eq!(told_of(&changes([app.clone()])), (Verdict::Restart, vec![wanted.to_owned()]));
    app.before.as_mut().unwrap().missing.insert(atom("app_lost"));
    assert_eq!(told_of(&changes([app])), (Verdict::Hot, vec![]), "as it was before");
}

#[test]
fn a_special_process_goes_on_in_the_new_code() {
    let special = |module: &mut Module| {
        module.receives = Known::Yes;
        let callbacks = [("system_continue", 3), ("system_code_change", 4), ("system_terminate", 4)];
        module.exports = callbacks.map(|(name, arity)| Function { name: atom(name), arity }).into();
    };
    assert_eq!(told([same("app_special", Kind::Process, special)]), (Verdict::Hot, vec![]));
}

#[test]
fn loops_funs_and_missing_code_change_are_told_of_modules_that_change() {
    let yes = |module: &mut Module| {
        (module.receives, module.keeps_funs, module.on_load) = (Known::Yes, Known::Yes, Known::Yes);
    };
    let (verdict, whats) = told([same("app_loop", Kind::ProcessWithoutCodeChange, yes)]);
    assert_eq!(verdict, Verdict::HotWithWarnings);
    let wanted = [
        "app_loop has a receive of its own",
        "app_loop, a module of processes, makes funs that may be kept",
        "app_loop has no code_change",
        "app_loop has on_load",
    ];
    assert_eq!(whats, wanted);
    let unread = |module: &mut Module| (module.receives, module.keeps_funs) = (Known::Unknown, Known::Unknown);
    assert_eq!(told([same("app_server", Kind::Process, unread)]), (Verdict::Hot, vec![]));
    assert_eq!(told([same("app_funs", Kind::Plain, |module| module.keeps_funs = Known::Yes)]), (Verdict::Hot, vec![]));
}

#[test]
fn what_takes_effect_at_the_next_boot_is_told() {
    let mut app = app("app", []);
    let after = app.after.as_mut().unwrap();
    (after.start, after.app.included_applications) = (StartType::Temporary, vec![atom("inc")]);
    after.app.callback = Some((atom("Elixir.App"), Term::atom("other")));
    let mut changes = changes([app]);
    changes.config.files = vec!["runtime.exs".into(), "vm.args".into()];
    changes.config.keys = vec![(atom("app"), atom("greeting")), (atom("kernel"), atom("logger"))];
    let judgement = judge(&changes, &policy());
    let whats: Vec<&str> = judgement.findings.iter().map(|finding| finding.what.as_str()).collect();
    let wanted = [
        "app is temporary instead of permanent",
        "the arguments of app's start/2 differ",
        "the applications that app includes differ: +inc",
        "settings of kernel: logger differ",
        "vm.args differs",
    ];
    assert_eq!((judgement.verdict, &whats[..]), (Verdict::HotWithWarnings, &wanted[..]));
    assert_eq!(judgement.config, ["app: greeting differ", "kernel: logger differ", "runtime.exs differs", "vm.args differs"]);
}

#[test]
fn a_version_that_stays_and_calls_to_what_is_gone_are_told() {
    let app = AppChange { after: Some(state("dep", "1.0.0")), ..app("dep", [same("dep", Kind::Plain, |_| {})]) };
    let changes = Changes { dangling: vec![(atom("Elixir.App"), atom("dep_old"))], ..changes([app]) };
    let wanted = ["the code of dep differs, and its version stays 1.0.0", "App still calls dep_old, which is gone"];
    assert_eq!(told_of(&changes), (Verdict::HotWithWarnings, wanted.map(str::to_owned).to_vec()));
}

#[test]
fn applications_that_come_and_go_are_one_row_each_and_hot() {
    let new = AppChange { before: None, ..app("new", [ModuleChange::Added(Arc::new(module("new", Kind::Plain)))]) };
    let gone = AppChange { after: None, ..app("gone", [ModuleChange::Removed(Arc::new(module("gone", Kind::Plain)))]) };
    let judgement = judge(&changes([new, gone]), &policy());
    let rows: Vec<String> = judgement.rows().iter().map(|row| format!("{}: {} {}", row.name, row.changes, row.action)).collect();
    assert_eq!(
        (judgement.verdict, rows),
        (Verdict::Hot, vec!["gone 1.0.0: gone stop".to_owned(), "new 1.1.0: new start".to_owned()])
    );
}

#[test]
fn restarts_come_first_and_json_has_reason_and_remedy() {
    let loops = same("app_loop", Kind::Plain, |module| module.receives = Known::Yes);
    let changes = Changes { erts: Some((vsn("13"), vsn("14"))), ..changes([app("app", [loops])]) };
    let judgement = judge(&changes, &policy());
    assert_eq!(judgement.restart_reasons().len(), 1);
    let json = serde_json::to_value(&judgement).unwrap();
    assert_eq!((&json["verdict"], &json["findings"][0]["rule"]), (&"restart".into(), &"erts".into()));
    assert_eq!((&json["findings"][1]["level"], &json["findings"][1]["module"]), (&"warning".into(), &"app_loop".into()));
    for finding in &judgement.findings {
        assert!(!finding.why.is_empty() && !finding.remedy.ends_with('.') && finding.line().contains(&*finding.why));
    }
}
