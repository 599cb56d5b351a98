//! Real modules, a real node, and OTP's `release_handler` and `systools` as judges.

use super::super::*;
use super::samples;
use crate::app::App;
use crate::beam::Beam;
use crate::changes::{AppChange, AppState, ModuleChange};
use crate::image::{Kind, Module};
use crate::rel::StartType;
use crate::relup::Instruction;
use crate::term::text as source;
use crate::testing::Erl;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// The sources, compiled below a root as a release has them.
fn releases(root: &Path) {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/relup/generate/tests/demo");
    for file in ["edeliver_agent.erl", "upgrade.erl"] {
        std::fs::copy(sources.join(file), root.join(file)).unwrap();
    }
    for library in ["demo-1", "demo-2", "extra-1"] {
        let ebin = root.join("lib").join(library).join("ebin");
        std::fs::create_dir_all(&ebin).unwrap();
        let files = std::fs::read_dir(sources.join("lib").join(library)).unwrap().map(|entry| entry.unwrap().path());
        let (code, rest): (Vec<_>, Vec<_>) = files.partition(|file| file.extension().is_some_and(|extension| extension == "erl"));
        rest.iter().for_each(|file| {
            std::fs::copy(file, ebin.join(file.file_name().unwrap())).unwrap();
        });
        assert!(Command::new("erlc").arg("-o").arg(&ebin).args(code).status().unwrap().success());
    }
    assert!(Command::new("erlc").arg("-o").arg(root).arg(root.join("upgrade.erl")).status().unwrap().success());
    Erl::new().args(["-pa".as_ref(), root.as_os_str()]).eval(&format!("upgrade:make({root:?})"));
}

fn library(root: &Path, name: &str, vsn: &str) -> (AppState, BTreeMap<Atom, Arc<Module>>) {
    let dir = format!("lib/{name}-{vsn}");
    let ebin = root.join(&dir).join("ebin");
    let app = App::parse(&std::fs::read(ebin.join(format!("{name}.app"))).unwrap()).unwrap();
    let read = |name: &Atom| (name.clone(), Arc::new(module(&std::fs::read(ebin.join(format!("{name}.beam"))).unwrap())));
    let modules = app.modules.iter().map(read).collect();
    (AppState { vsn: app.vsn.clone(), dir, start: StartType::Permanent, app, appup: None }, modules)
}

fn module(file: &[u8]) -> Module {
    let beam = Beam::parse(file).unwrap();
    let behaves = |name: &str| beam.behaviours().unwrap().iter().any(|behaviour| behaviour == name);
    let kind = match () {
        () if behaves("supervisor") => Kind::Supervisor,
        () if beam.is_exported("code_change", 3).unwrap() => Kind::Process,
        () if behaves("application") => Kind::Application { starts_list: false },
        () => Kind::Plain,
    };
    Module {
        md5: beam.md5().unwrap(),
        vsn: beam.vsn().unwrap(),
        exports: beam.exports().unwrap().into_iter().collect(),
        imports: beam.imports().unwrap().into_iter().collect(),
        ..samples::module(beam.module().as_str(), kind, &[], &[])
    }
}

fn changes(root: &Path) -> Changes {
    let mut changes = samples::changes(vec![]);
    let ((before, old), (after, new)) = (library(root, "demo", "1"), library(root, "demo", "2"));
    let mut modules = BTreeMap::new();
    for name in old.keys().chain(new.keys()) {
        let change = match (old.get(name).cloned(), new.get(name).cloned()) {
            (Some(before), Some(after)) if before.md5 == after.md5 => continue,
            (Some(before), Some(after)) => ModuleChange::Changed { before, after, code: true },
            (Some(before), None) => ModuleChange::Removed(before),
            (None, Some(after)) => ModuleChange::Added(after),
            (None, None) => unreachable!(),
        };
        modules.insert(name.clone(), change);
    }
    let demo = AppChange { name: before.app.name.clone(), before: Some(before), after: Some(after), modules, others: vec![] };
    let (extra, code) = library(root, "extra", "1");
    let modules = code.into_iter().map(|(name, module)| (name, ModuleChange::Added(module))).collect();
    let extra = AppChange { name: extra.app.name.clone(), before: None, after: Some(extra), modules, others: vec![] };
    changes.apps = [demo, extra].into_iter().map(|app| (app.name.clone(), app)).collect();
    changes
}

#[test]
fn release_handler_takes_a_generated_relup_there_and_back_and_every_process_keeps_its_state() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    releases(root);
    let relup = generate(&changes(root)).unwrap().relup;
    std::fs::write(root.join("releases/0.2.0/relup"), relup.to_file().unwrap()).unwrap();
    let old = |file| root.join("releases/0.1.0").join(file).into_os_string();
    let args = ["-boot".into(), old("start"), "-config".into(), old("sys"), "-pa".into(), root.into()];
    let called = Erl::new()
        .args(args)
        .args(["-kernel", "logger_level", "error"])
        .env("RELDIR", root.join("releases"))
        .env("RELEASE_ROOT", root)
        .eval(&format!("upgrade:there_and_back({root:?})"));
    assert_eq!(
        source::consult_one(&called).unwrap().to_string(),
        r#"[{config,"0.1.0","0.2.0"},{children,"0.1.0","0.2.0",[{supervisor,demo_sup}]},{config,"0.2.0","0.1.0"},{children,"0.2.0","0.1.0",[{supervisor,demo_sup}]}]"#
    );
}

/// What a script does, whatever the order: for each kind of instruction its subjects.
fn effects(script: &[Instruction]) -> BTreeMap<&'static str, BTreeSet<String>> {
    let mut effects: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for instruction in script.iter().filter(|instruction| !instruction.loads_agent() && !instruction.calls_agent()) {
        let subjects: Vec<String> = match instruction {
            Instruction::Suspend(modules) => modules.iter().map(|suspend| format!("{suspend:?}")).collect(),
            Instruction::CodeChange { modules, .. } => modules.iter().map(|change| format!("{change:?}")).collect(),
            Instruction::Resume(modules) | Instruction::Purge(modules) => modules.iter().map(Atom::to_string).collect(),
            Instruction::LoadObjectCode { app, vsn, modules } => {
                modules.iter().map(|module| format!("{app}-{vsn} {module}")).collect()
            }
            other => vec![format!("{other:?}")],
        };
        effects.entry(instruction.name()).or_default().extend(subjects);
    }
    effects
}

#[test]
fn what_is_generated_without_an_appup_is_what_systools_makes_of_a_good_one() {
    let root = tempfile::tempdir().unwrap();
    releases(root.path());
    let theirs =
        Erl::new().args(["-pa".as_ref(), root.path().as_os_str()]).eval(&format!("upgrade:by_systools({:?})", root.path()));
    let theirs = Relup::parse(&theirs).unwrap();
    let mut with_appup = changes(root.path());
    let without = generate(&with_appup).unwrap().relup;
    let appup = std::fs::read(root.path().join("lib/demo-2/ebin/demo.appup")).unwrap();
    with_appup.apps.get_mut(&samples::atom("demo")).unwrap().after.as_mut().unwrap().appup = Some(appup);
    for ours in [without, generate(&with_appup).unwrap().relup] {
        assert_eq!(effects(&ours.up[0].script), effects(&theirs.up[0].script));
        assert_eq!(effects(&ours.down[0].script), effects(&theirs.down[0].script));
    }
}
