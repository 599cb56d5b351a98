//! Real modules, a real node, and OTP's `release_handler` and `systools` as judges.

use super::super::*;
use crate::image::{ContentId, Image, Modules};
use crate::relup::Instruction;
use crate::term::text as source;
use crate::testing::Erl;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// The files of a release below the root, numbered.
fn files(root: &Path) -> (BTreeMap<String, ContentId>, BTreeMap<ContentId, PathBuf>) {
    let (mut ids, mut paths, mut open) = (BTreeMap::new(), BTreeMap::new(), vec![root.to_owned()]);
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let mut id = ContentId::default();
        id[0] = u8::try_from(paths.len()).unwrap();
        ids.insert(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned(), id);
        paths.insert(id, path);
    }
    (ids, paths)
}

fn changes(root: &Path) -> Changes {
    let (ids, paths) = files(root);
    let mut modules = Modules::default();
    let mut image = |vsn| Image::read(vsn, &ids, &mut modules, &mut |id| std::fs::read(&paths[id])).unwrap();
    Changes::between(&image("0.1.0"), &image("0.2.0"))
}

#[test]
fn release_handler_takes_a_generated_relup_there_and_back_and_every_process_keeps_its_state() {
    let root = tempfile::tempdir().unwrap();
    let root = root.path();
    releases(root);
    std::fs::remove_file(root.join("lib/demo-2/ebin/demo.appup")).unwrap();
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
    let with = generate(&changes(root.path())).unwrap().relup;
    std::fs::remove_file(root.path().join("lib/demo-2/ebin/demo.appup")).unwrap();
    let without = generate(&changes(root.path())).unwrap().relup;
    assert_ne!(with, without);
    for ours in [with, without] {
        assert_eq!(effects(&ours.up[0].script), effects(&theirs.up[0].script));
        assert_eq!(effects(&ours.down[0].script), effects(&theirs.down[0].script));
    }
}
