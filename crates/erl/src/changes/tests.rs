use super::*;
use crate::testing::{Files, compiled};

fn atom(name: &str) -> Atom {
    Atom::new(name).unwrap()
}

fn between(before: &Files, after: &Files) -> Changes {
    Changes::between(&before.image("1").unwrap(), &after.image("2").unwrap())
}

/// Two releases that differ in nothing but their version.
fn same() -> (Files, Files) {
    let release = |vsn| Files::release(vsn, &[("demo", "1.0.0")]).with("lib/demo-1.0.0/priv/data", "data");
    (release("1"), release("2"))
}

fn beam(text: &str, options: &str) -> Vec<u8> {
    compiled(&[&format!("-module(m).\n-compile([export_all, nowarn_export_all]).\n{text}\n")], options).remove("m").unwrap()
}

/// What becomes of the module `m` between these two files.
fn change(before: Vec<u8>, after: Vec<u8>) -> Option<ModuleChange> {
    let (one, two) = same();
    let path = "lib/demo-1.0.0/ebin/m.beam";
    let mut changes = between(&one.with(path, before), &two.with(path, after));
    changes.apps.remove(&atom("demo"))?.modules.remove(&atom("m"))
}

#[test]
fn releases_that_differ_in_their_version_only_have_no_changes() {
    let (before, after) = same();
    let changes = between(&before, &after);
    assert_eq!((changes.name.as_str(), changes.from.as_str(), changes.to.as_str()), ("demo", "1", "2"));
    assert!(changes.apps.is_empty() && changes.erts.is_none() && changes.config == ConfigChange::default());
}

#[test]
fn applications_are_added_removed_and_changed_with_their_modules() {
    let before = Files::release("1", &[("demo", "1"), ("old", "3"), ("kept", "5")]);
    let after = Files::release("2", &[("demo", "2"), ("new", "4"), ("kept", "5")]);
    let before = before.with("lib/old-3/ebin/m.beam", beam("", "")).with("lib/kept-5/priv/x.so", "one");
    let after = after.with("lib/new-4/ebin/m.beam", beam("", "")).with("lib/kept-5/priv/x.so", "two");
    let changes = between(&before, &after);
    assert_eq!(changes.apps.keys().map(Atom::as_str).collect::<Vec<_>>(), ["demo", "kept", "new", "old"]);
    assert!(matches!(changes.apps[&atom("new")].modules[&atom("m")], ModuleChange::Added(_)));
    assert!(matches!(changes.apps[&atom("old")].modules[&atom("m")], ModuleChange::Removed(_)));
    assert_eq!(changes.apps[&atom("kept")].others, ["priv/x.so"]);
    let demo = &changes.apps[&atom("demo")];
    let versions = |state: &Option<AppState>| state.as_ref().map(|state| state.vsn.as_str().to_owned());
    assert_eq!((versions(&demo.before).as_deref(), versions(&demo.after).as_deref()), (Some("1"), Some("2")));
}

#[test]
fn code_counts_and_lines_debug_information_and_stripping_do_not() {
    let one = || beam("f() -> 1.", "");
    assert!(change(one(), beam("\n\n\nf() -> 1.", ", debug_info")).is_none());
    assert!(matches!(change(one(), beam("f() -> 2.", "")), Some(ModuleChange::Changed { code: true, .. })));
    let version = |vsn: &str| beam(&format!("-vsn({vsn}).\nf() -> 1."), "");
    assert!(matches!(change(version("1"), version("2")), Some(ModuleChange::Changed { code: false, .. })));
    assert!(change(without_meta(&one()), one()).is_none(), "mix 1.14 strips the chunk Meta, others do not");
    assert!(matches!(change(without_meta(&one()), beam("f() -> 2.", "")), Some(ModuleChange::Changed { code: true, .. })));
}

/// The chunk under another name.
fn without_meta(file: &[u8]) -> Vec<u8> {
    let at = file.windows(4).position(|bytes| bytes == b"Meta").unwrap();
    [&file[..at], b"Etam", &file[at + 4..]].concat()
}

#[test]
fn modules_that_still_call_one_that_is_gone_are_told() {
    let files =
        compiled(&["-module(caller).\n-export([f/0]).\nf() -> gone:g().", "-module(gone).\n-export([g/0]).\ng() -> 1."], "");
    let (before, after) = same();
    let lib = |files: Files, name: &str, file: &Vec<u8>| files.with(&format!("lib/demo-1.0.0/ebin/{name}.beam"), file.clone());
    let before = lib(lib(before, "caller", &files["caller"]), "gone", &files["gone"]);
    let changes = between(&before, &lib(after, "caller", &files["caller"]));
    assert_eq!(changes.dangling, [(atom("caller"), atom("gone"))]);
}

#[test]
fn what_only_the_plain_form_of_a_protocol_calls_is_not_missed() {
    let protocol = |calls: &str| {
        let text = format!("-module(caller).\n-export(['__protocol__'/1, f/0]).\n'__protocol__'(_) -> ok.\nf() -> {calls}:g().");
        compiled(&[&text], "").remove("caller").unwrap()
    };
    let gone = compiled(&["-module(gone).\n-export([g/0]).\ng() -> 1."], "").remove("gone").unwrap();
    let (before, after) = same();
    let plain = |files: Files| files.with("lib/demo-1.0.0/ebin/caller.beam", protocol("gone"));
    let before = plain(before).with("lib/demo-1.0.0/ebin/gone.beam", gone);
    let consolidated = plain(after).with("releases/2/consolidated/caller.beam", protocol("there"));
    assert!(between(&before, &consolidated).dangling.is_empty());
}

#[test]
fn modules_that_are_listed_and_have_no_file_are_told() {
    let (before, after) = same();
    let lists = |modules: &str| format!("{{application,demo,[{{vsn,\"1.0.0\"}},{{modules,[{modules}]}}]}}.");
    let after = after.with("lib/demo-1.0.0/ebin/demo.app", lists("m, lost")).with("lib/demo-1.0.0/ebin/m.beam", beam("", ""));
    let demo = between(&before, &after).apps.remove(&atom("demo")).unwrap();
    assert_eq!(demo.after.unwrap().missing, BTreeSet::from([atom("lost")]));
}

#[test]
fn who_may_hold_a_struct_with_other_fields_is_told_changed_or_not() {
    let text = |fields: &str| {
        format!("-module('Elixir.S').\n-export(['__struct__'/0]).\n'__struct__'() -> #{{'__struct__' => 'Elixir.S', {fields}}}.")
    };
    let holder = "-module(holder).\n-export([f/1]).\nf(#{'__struct__' := 'Elixir.S'}) -> ok.";
    let other = "-module(other).\n-export([f/1]).\nf(S) -> 'Elixir.S':g(S).";
    let lib = |files: Files, fields: &str| {
        let beams = compiled(&[&text(fields), holder, other], "");
        beams.into_iter().fold(files, |files, (name, file)| files.with(&format!("lib/demo-1.0.0/ebin/{name}.beam"), file))
    };
    let (before, after) = same();
    let changes = between(&lib(before, "a => 1"), &lib(after, "a => 1, b => 2"));
    let holders: Vec<&str> = changes.holders[&atom("Elixir.S")].iter().map(|module| module.name.as_str()).collect();
    assert_eq!(holders, ["Elixir.S", "holder"]);
}

#[test]
fn settings_that_differ_are_named_and_their_values_are_not() {
    let config = |pairs: &str| format!("[{{demo,[{pairs}]}},{{elixir,[{{config_provider_init,#{{extra => {pairs:?}}}}}]}}].");
    let (before, after) = same();
    let before = before.with("releases/1/sys.config", config("{a,1},{b,2},{c,3}")).with("releases/1/vm.args", "-name a");
    let after = after.with("releases/2/sys.config", config("{a,1},{b,\"secret\"},{d,3}")).with("releases/2/env.sh", "X=1");
    let ConfigChange { keys, providers, files } = between(&before, &after).config;
    let keys: Vec<(&str, &str)> = keys.iter().map(|(app, key)| (app.as_str(), key.as_str())).collect();
    assert_eq!(keys, [("demo", "b"), ("demo", "c"), ("demo", "d")]);
    assert_eq!((providers, files), (None, vec!["env.sh".to_owned(), "vm.args".to_owned()]));
}

#[test]
fn a_provider_whose_argument_names_the_release_is_the_same() {
    let config = |vsn: &str, module: &str| {
        format!(
            "[{{elixir,[{{config_provider_init,#{{providers => [{{'{module}',{{path,<<\"/releases/{vsn}/runtime.exs\">>}}}}]}}}}]}}]."
        )
    };
    let changed = |module: &str| {
        let (before, after) = same();
        let before = before.with("releases/1/sys.config", config("1", "Elixir.Config.Reader"));
        between(&before, &after.with("releases/2/sys.config", config("2", module))).config.providers
    };
    assert_eq!(changed("Elixir.Config.Reader"), None);
    let (before, after) = changed("Elixir.Vault").unwrap();
    assert_eq!((before[0].0.as_str(), after[0].0.as_str()), ("Elixir.Config.Reader", "Elixir.Vault"));
}
