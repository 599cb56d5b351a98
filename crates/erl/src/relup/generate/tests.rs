use super::*;
use crate::image::Kind;
use crate::relup::{Instruction, Mfa, check_script, hooks};
use crate::vsn::Vsn;
use samples::*;

mod applications;
mod appups;
mod high;
mod model;
mod ordering;
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
fn one_relup_can_lead_from_several_releases() {
    let mut relup = generate(&hotapp()).unwrap().relup;
    let mut older = hotapp();
    older.from = Vsn::new("0.0.9").unwrap();
    relup.merge(generate(&older).unwrap().relup).unwrap();
    assert_eq!(relup.check(&vsn("0.2.0"), &[vsn("0.1.0"), vsn("0.0.9")]), []);
}
