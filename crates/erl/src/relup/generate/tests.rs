use super::*;
use crate::image::Kind;
use crate::relup::{Instruction, Mfa, check_script, hooks};
use crate::vsn::Vsn;
use samples::*;

mod model;
mod real;
mod samples;

/// The script in a direction, an instruction a line; the call that loads the agent is left out.
fn script(changes: &Changes, direction: Direction) -> Vec<String> {
    let generated = generate(changes).unwrap();
    let script = &generated.relup.way(direction, &changes.from).unwrap().script;
    assert_eq!(check_script(direction, script), []);
    assert!(script[0].loads_agent());
    script[1..].iter().map(short).collect()
}

/// Purges, and the versions that hooks are told, are left out: they are the same everywhere.
fn short(instruction: &Instruction) -> String {
    match instruction {
        Instruction::Load { module, .. } => format!("load {module}"),
        Instruction::Remove { module, .. } => format!("remove {module}"),
        Instruction::LoadObjectCode { app, vsn, modules } => format!("read {app}-{vsn} {}", names(modules)),
        Instruction::Suspend(modules) => {
            format!("suspend {}", names(&modules.iter().map(|suspend| suspend.module.clone()).collect::<Vec<_>>()))
        }
        Instruction::Resume(modules) => format!("resume {}", names(modules)),
        Instruction::CodeChange { mode: Some(mode), modules } => {
            format!("code_change {mode} {}", names(&modules.iter().map(|(module, _)| module.clone()).collect::<Vec<_>>()))
        }
        Instruction::Purge(modules) => format!("purge {}", names(modules)),
        Instruction::Apply(Mfa { module, function, args }) if module == "edeliver_agent" => {
            args[2..].iter().fold(function.to_string(), |text, arg| format!("{text} {arg}"))
        }
        Instruction::Apply(mfa) => {
            Term::list(mfa.args.iter().cloned()).to_string().replacen('[', &format!("{}:{}(", mfa.module, mfa.function), 1)
        }
        other => other.name().to_owned(),
    }
}

const LIST: Kind = Kind::Application { starts_list: true };

fn hotapp() -> Changes {
    let plain = |name, exports: &[&str], calls: &[&str]| module(name, Kind::Plain, exports, calls);
    let modules = vec![
        both(module("App", LIST, &["start"], &["Sup:start_link"])),
        both(module("Counter", Kind::Process, &["code_change"], &["Pure:f"])),
        (Some(plain("Pure", &["f"], &[])), Some(plain("Pure", &["f", "g"], &[]))),
        (Some(plain("User", &[], &["Gone:f"])), Some(plain("User", &[], &["New:f", "Pure:g"]))),
        (Some(plain("Gone", &["f"], &[])), None),
        (None, Some(plain("New", &["f"], &[]))),
        both(module("Sup", Kind::Supervisor, &["init"], &["Counter:start_link"])),
        both(module("Bare", Kind::ProcessWithoutCodeChange, &[], &[])),
        both(module("Describe", Kind::Protocol { consolidated: false }, &[], &[])),
        both(module("Describe.Integer", Kind::Implementation { of: Some(atom("Describe")), for_type: None }, &[], &[])),
    ];
    let protocols = [atom("Describe")];
    let mut changes = changes(vec![app("hotapp", "0.1.0", "0.2.0", modules)]);
    let protocol = |consolidated| std::sync::Arc::new(module("Describe", Kind::Protocol { consolidated }, &[], &[]));
    let change = crate::changes::ModuleChange::Changed { before: protocol(true), after: protocol(true), code: true };
    changes.consolidated.insert(atom("Describe"), change);
    changes.consolidated_before.extend(protocols.clone());
    changes.consolidated_after.extend(protocols);
    changes
}

#[test]
fn a_relup_has_the_form_of_the_design_up() {
    assert_eq!(
        script(&hotapp(), Direction::Up),
        [
            "read hotapp-0.2.0 App, Bare, Counter, Describe.Integer, New, Pure, Sup, User",
            "point_of_no_return",
            "config",
            "suspend Sup, Counter, Bare",
            "load Describe.Integer",
            "load New",
            "load Pure",
            "load User",
            "load Bare",
            "load Counter",
            "load Sup",
            "load App",
            "protocols",
            "code_change up Counter, Sup",
            "resume Bare, Counter, Sup",
            "children [{supervisor,'Sup'},{application,hotapp}]",
            "remove Gone",
            "purge Gone",
        ]
    );
}

#[test]
fn the_way_down_is_the_inverse() {
    assert_eq!(
        script(&hotapp(), Direction::Down),
        [
            "read hotapp-0.1.0 App, Bare, Counter, Describe.Integer, Gone, Pure, Sup, User",
            "point_of_no_return",
            "config",
            "suspend Sup, Counter, Bare",
            "code_change down Counter",
            "load Gone",
            "load App",
            "load Sup",
            "load Counter",
            "load Bare",
            "load User",
            "load Pure",
            "load Describe.Integer",
            "protocols",
            "code_change down Sup",
            "resume Bare, Counter, Sup",
            "children [{supervisor,'Sup'},{application,hotapp}]",
            "remove New",
            "purge New",
        ]
    );
}

#[test]
fn every_module_has_a_note_that_says_why() {
    let generated = generate(&hotapp()).unwrap();
    let told = |notes: &[Note]| {
        let one = |note: &Note| format!("{}: {}, {}", note.module.as_ref().unwrap(), note.action, note.reason);
        notes.iter().map(one).collect::<Vec<_>>()
    };
    assert_eq!(
        told(&generated.up),
        [
            "Describe: reload protocol, the consolidated protocol differs",
            "App: children, it starts a list of children",
            "Bare: suspend and load, its code differs, and it has no code_change",
            "Counter: code_change, its code differs",
            "Describe.Integer: load, its code differs",
            "Gone: remove, it is gone",
            "New: add, it is new",
            "Pure: load, its code differs",
            "Sup: supervisor, its code differs",
            "User: load, its code differs",
        ]
    );
    let down = told(&generated.down);
    assert!(down.contains(&"Gone: add, it is new".to_owned()) && down.contains(&"New: remove, it is gone".to_owned()));
    assert!(generated.circles.is_empty());
}

#[test]
fn hooks_are_told_the_versions_in_the_direction_of_travel() {
    let relup = generate(&hotapp()).unwrap().relup;
    let config = |direction, from: &str, to: &str| {
        relup.way(direction, &vsn("0.1.0")).unwrap().script.contains(&hooks::config(&vsn(from), &vsn(to)))
    };
    assert!(config(Direction::Up, "0.1.0", "0.2.0") && config(Direction::Down, "0.2.0", "0.1.0"));
}

#[test]
fn an_application_whose_version_stays_is_upgraded_too() {
    let changes = changes(vec![app("a", "1", "1", vec![both(module("m", Kind::Plain, &[], &[]))])]);
    assert_eq!(script(&changes, Direction::Up), ["read a-1 m", "point_of_no_return", "config", "load m"]);
}

#[test]
fn callers_and_callees_that_need_each_other_are_a_circle_and_are_told() {
    let plain = |name, exports: &[&str], calls: &[&str]| module(name, Kind::Plain, exports, calls);
    let modules = vec![
        (Some(plain("a", &[], &[])), Some(plain("a", &["f"], &["b:f"]))),
        (Some(plain("b", &[], &[])), Some(plain("b", &["f"], &["a:f"]))),
        (None, Some(plain("n1", &["f"], &["n2:f"]))),
        (None, Some(plain("n2", &["f"], &["n1:f"]))),
    ];
    let generated = generate(&changes(vec![app("x", "1", "2", modules)])).unwrap();
    assert_eq!(generated.circles, [[atom("a"), atom("b")]]); // nothing calls n1 and n2 yet
}

#[test]
fn an_application_module_that_is_its_supervisor_too_is_updated_as_one() {
    let mut m = module("m", Kind::Application { starts_list: false }, &[], &[]);
    m.behaviours.extend([atom("application"), atom("supervisor")]);
    m.exports.insert(crate::beam::Function { name: atom("init"), arity: 1 });
    let up = script(&changes(vec![app("a", "1", "2", vec![both(m)])]), Direction::Up);
    assert_eq!(up[3..], ["suspend m", "load m", "code_change up m", "resume m", "children [{supervisor,m}]"]);
}

#[test]
fn children_of_a_dynamic_supervisor_are_left_alone() {
    let mut m = module("m", Kind::Supervisor, &["init"], &[]);
    m.behaviours.insert(atom("Elixir.DynamicSupervisor"));
    let up = script(&changes(vec![app("a", "1", "2", vec![both(m)])]), Direction::Up);
    assert_eq!(up[3..], ["suspend m", "load m", "code_change up m", "resume m"]);
}

#[test]
fn what_a_new_module_calls_is_there_before_anything_calls_the_new_module() {
    let plain = |name, calls: &[&str]| Some(module(name, Kind::Plain, &["f"], calls));
    let modules = vec![
        (plain("a_user", &[]), plain("a_user", &["new1:f"])),
        (None, plain("new1", &["new2:f", "z_changed:g"])),
        (None, plain("new2", &["new1:f", "new3:f"])),
        (None, plain("new3", &[])),
        (plain("z_changed", &[]), Some(module("z_changed", Kind::Plain, &["f", "g"], &[]))),
    ];
    let generated = generate(&changes(vec![app("a", "1", "2", modules)])).unwrap();
    let script: Vec<String> = generated.relup.up[0].script.iter().map(short).filter(|line| line.starts_with("load ")).collect();
    assert_eq!(script, ["load new3", "load z_changed", "load new1", "load new2", "load a_user"]);
    assert!(generated.circles.is_empty());
}

#[test]
fn thousands_of_modules_take_no_time() {
    let names: Vec<String> = (0..3000).map(|n| format!("m{n}")).collect();
    let made = |n: usize| {
        let calls: Vec<String> = (1..20).map(|k| format!("{}:f", names[(n * k + 7) % names.len()])).collect();
        module(&names[n], Kind::Process, &["f"], &calls.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let modules = (0..names.len()).map(|n| if n % 3 == 0 { (None, Some(made(n))) } else { both(made(n)) }).collect();
    let changes = changes(vec![app("a", "1", "2", modules)]);
    let start = std::time::Instant::now();
    let text = generate(&changes).unwrap().relup.to_file().unwrap();
    println!("{} bytes in {:?}", text.len(), start.elapsed());
    assert!(start.elapsed() < std::time::Duration::from_secs(20)); // unoptimised, on a busy machine
}

#[test]
fn new_applications_start_before_what_needs_them_goes_on_and_gone_ones_stop_when_nothing_does() {
    let plain = |name| module(name, Kind::Plain, &[], &[]);
    let apps = || {
        vec![
            app("http", "", "1", vec![(None, Some(plain("http")))]).needs(&["pool", "kernel"]),
            app("pool", "", "1", vec![(None, Some(plain("pool")))]),
            app("plugin", "", "1", vec![(None, Some(plain("plugin")))]).needs(&["main"]),
            app("main", "1", "2", vec![both(module("main", Kind::Process, &[], &[]))]),
            app("old_pool", "1", "", vec![(Some(plain("old_pool")), None)]),
            app("old_http", "1", "", vec![(Some(plain("old_http")), None)]).needs(&["old_pool"]),
        ]
    };
    assert_eq!(
        script(&changes(apps()), Direction::Up),
        [
            "read http-1 http",
            "read main-2 main",
            "read plugin-1 plugin",
            "read pool-1 pool",
            "point_of_no_return",
            "config",
            "load http",
            "load pool",
            "application:start(pool,permanent]",
            "application:start(http,permanent]",
            "suspend main",
            "load plugin",
            "load main",
            "code_change up main",
            "resume main",
            "application:start(plugin,permanent]",
            "application:stop(old_http]",
            "application:stop(old_pool]",
            "remove old_http",
            "remove old_pool",
            "purge old_http, old_pool",
            "application:unload(old_http]",
            "application:unload(old_pool]",
        ]
    );
    let down = script(&changes(apps()), Direction::Down);
    let at = |line: &str| down.iter().position(|found| found == line).unwrap();
    assert!(at("application:start(old_pool,permanent]") < at("application:start(old_http,permanent]"));
    assert!(at("application:start(old_http,permanent]") < at("suspend main"));
    assert!(at("application:stop(plugin]") > at("resume main") && at("application:stop(http]") < at("application:stop(pool]"));
}

#[test]
fn applications_are_only_started_as_far_as_the_boot_script_does() {
    use crate::rel::StartType;
    let plain = |name| vec![(None, Some(module(name, Kind::Plain, &[], &[])))];
    let started = |name, start| {
        let mut sample = app(name, "", "1", plain(name));
        sample.after.as_mut().unwrap().start = start;
        sample
    };
    let mut grown = app("grown", "1", "2", vec![]);
    grown.before.as_mut().unwrap().start = StartType::Load;
    let changes =
        changes(vec![started("a", StartType::Load), started("b", StartType::None), started("c", StartType::Temporary), grown]);
    let calls =
        |direction| script(&changes, direction).into_iter().filter(|line| line.starts_with("application")).collect::<Vec<_>>();
    assert_eq!(
        calls(Direction::Up),
        ["application:load(a]", "application:start(c,temporary]", "application:start(grown,permanent]"]
    );
    assert_eq!(
        calls(Direction::Down),
        ["application:stop(grown]", "application:stop(c]", "application:unload(c]", "application:unload(a]"]
    );
}

#[test]
fn a_module_that_moves_to_another_application_is_loaded_and_not_removed() {
    let m = || Some(module("m", Kind::Process, &[], &[]));
    let changes = changes(vec![app("a", "1", "2", vec![(m(), None)]), app("b", "", "1", vec![(None, m())])]);
    let up = script(&changes, Direction::Up);
    assert_eq!(up[..3], ["read b-1 m", "point_of_no_return", "config"]);
    assert_eq!(up[3..], ["suspend m", "load m", "code_change up m", "resume m", "application:start(b,permanent]"]);
    assert!(script(&changes, Direction::Down).contains(&"read a-1 m".to_owned()));
}

#[test]
fn a_protocol_that_is_not_consolidated_any_more_gets_its_applications_code() {
    let protocol = || module("P", Kind::Protocol { consolidated: false }, &[], &[]);
    let mut changes = changes(vec![app("a", "1", "2", vec![])]);
    changes.apps.values_mut().for_each(|app| {
        app.before.iter_mut().chain(&mut app.after).for_each(|state| state.app.modules.push(protocol().name));
    });
    changes.consolidated_before.insert(atom("P"));
    assert!(script(&changes, Direction::Up).contains(&"load P".to_owned()));
    assert!(!script(&changes, Direction::Down).contains(&"load P".to_owned()));
}

#[test]
fn a_version_written_by_hand_is_a_reason_for_a_code_change_and_one_of_the_compiler_is_none() {
    let change = |kind, version| {
        let mut before = module("m", kind, &[], &[]);
        before.vsn = vec![version];
        let mut changes = changes(vec![app("a", "1", "2", vec![(Some(before.clone()), Some(before))])]);
        let modules = &mut changes.apps.get_mut(&atom("a")).unwrap().modules;
        let crate::changes::ModuleChange::Changed { code, .. } = modules.get_mut(&atom("m")).unwrap() else { panic!() };
        *code = false;
        generate(&changes).unwrap().up.remove(0)
    };
    let digest = Term::Integer(crate::term::Integer::from_magnitude(false, &[7; 16]));
    assert_eq!(change(Kind::Process, Term::string("2")).action, Action::CodeChange);
    assert_eq!(change(Kind::Process, digest).action, Action::Leave);
    assert_eq!(change(Kind::Plain, Term::string("2")).reason, Reason::OnlyVsn);
}

#[test]
fn an_appup_takes_the_place_of_what_would_be_generated() {
    let modules = || ["a1", "a2", "a3"].map(|name| both(module(name, Kind::Process, &[], &[]))).into_iter().collect::<Vec<_>>();
    let appup = r#"{"2",
        [{<<"1.*">>, [{apply,{m,first,[]}}, {update,a1,infinity,{advanced,x},soft_purge,brutal_purge,[a2]}, {load_module,a2}, {apply,{m,last,[]}}]}],
        [{"0.9", []}]}."#;
    let apps =
        || vec![app("a", "1", "2", modules()).appup(appup), app("b", "1", "2", vec![both(module("b", Kind::Process, &[], &[]))])];
    assert_eq!(
        script(&changes(apps()), Direction::Up),
        [
            "read a-2 a1, a2",
            "read b-2 b",
            "point_of_no_return",
            "config",
            "m:first(]",
            "suspend b, a1",
            "load a2",
            "load a1",
            "load b",
            "code_change up a1, b",
            "resume a1, b",
            "m:last(]",
        ]
    );
    assert!(script(&changes(apps()), Direction::Down).contains(&"suspend b, a3, a2, a1".to_owned())); // no entry for 1: generated
    let notes = generate(&changes(apps())).unwrap().up;
    assert!(notes.iter().any(|note| note.module == Some(atom("a3")) && note.reason == Reason::NotInAppup));
    assert!(notes.iter().any(|note| note.module == Some(atom("a1")) && note.reason == Reason::Appup));
}

#[test]
fn an_appup_that_restarts_its_application_is_carried_out_by_itself() {
    let modules =
        vec![both(module("P", Kind::Protocol { consolidated: false }, &[], &[])), both(module("a", Kind::Plain, &[], &[]))];
    let sample = app("a", "1", "2", modules).appup(r#"{"2",[{<<".*">>,[{restart_application,a}]}],[]}."#);
    let mut changes = changes(vec![sample, app("b", "1", "2", vec![both(module("b", Kind::Process, &[], &[]))])]);
    changes.consolidated_after.insert(atom("P"));
    changes.consolidated_before.insert(atom("P"));
    assert_eq!(
        script(&changes, Direction::Up),
        [
            "read b-2 b",
            "read a-2 a",
            "point_of_no_return",
            "config",
            "suspend b",
            "load b",
            "protocols",
            "code_change up b",
            "resume b",
            "application:stop(a]",
            "remove a",
            "purge a",
            "load a",
            "application:start(a,permanent]",
        ]
    );
}

#[test]
fn an_application_whose_new_functions_others_call_is_restarted_before_them() {
    let b = |calls: &[&str]| Some(module("b", Kind::Plain, &[], calls));
    let of = |before: &[&str], after: &[&str]| {
        let modules = vec![(Some(module("a", Kind::Plain, before, &[])), Some(module("a", Kind::Plain, after, &[])))];
        let sample = app("a", "1", "2", modules).appup(r#"{"2",[{<<".*">>,[{restart_application,a}]}],[]}."#);
        script(&changes(vec![sample, app("b", "1", "2", vec![(b(&[]), b(&["a:f"]))])]), Direction::Up)
    };
    let last = |lines: Vec<String>| lines.last().unwrap().clone();
    assert_eq!(last(of(&[], &["f"])), "load b");
    assert_eq!(last(of(&["f"], &["f"])), "application:start(a,permanent]");
}

#[test]
fn an_appup_that_makes_no_sense_is_an_error_that_names_the_application() {
    let with = |appup: &str| {
        let sample = app("a", "1", "2", vec![both(module("m", Kind::Plain, &[], &[]))]).appup(appup);
        let error = generate(&changes(vec![sample])).unwrap_err();
        format!("{error}: {}", std::error::Error::source(&error).unwrap())
    };
    assert_eq!(with("{"), "the appup of a can't be used: not an appup");
    assert!(with(r#"{"2",[{<<"(?=1)1">>,[]}],[]}."#).starts_with("the appup of a can't be used: the pattern of versions"));
    assert_eq!(
        with(r#"{"2",[{"1",[{load_module,m,[n]}]}],[]}."#),
        "the instructions of the appups of a can't be carried out up: module m depends on n, which no instruction is about"
    );
    assert_eq!(
        with(r#"{"2",[{"1",[{load_module,m},{update,m}]}],[]}."#),
        "the instructions of the appups of a can't be carried out up: more than one instruction is about module m"
    );
}

#[test]
fn one_relup_can_lead_from_several_releases() {
    let mut relup = generate(&hotapp()).unwrap().relup;
    let mut older = hotapp();
    older.from = Vsn::new("0.0.9").unwrap();
    relup.merge(generate(&older).unwrap().relup).unwrap();
    assert_eq!(relup.check(&vsn("0.2.0"), &[vsn("0.1.0"), vsn("0.0.9")]), []);
}
