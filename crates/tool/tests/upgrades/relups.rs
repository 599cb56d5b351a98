//! Relups that people have changed, for better or worse.

use std::fs;

use crate::{
    program::{self, Done},
    scene::Scene,
};

/// Runs `edeliver edit relup --force` with an editor that is a line of `sed`.
fn edit(scene: &Scene, sed: &str) -> Done {
    let mut command = scene.command("edit relup --version=0.2.0 --force");
    program::done(command.env("EDELIVER_EDITOR", format!("sed -i -e '{sed}'")).output().unwrap())
}

#[test]
fn nonsense_in_a_relup_changes_nothing_on_the_node_and_a_new_one_works() {
    let scene = Scene::new("nonsense", "soak = \"1s\"");
    scene.count(3);
    let life = scene.life();
    let as_before = |what: &str| {
        scene.counted(3);
        assert_eq!((scene.life(), scene.boots().as_str()), (life.clone(), "0.1.0"), "{what}");
    };
    for (sed, code, said) in [
        // Calls what is not there, after code and states were changed.
        ("s/{resume,/{apply,{no_such,thing,[]}},\\n{resume,/", 9, "no_such"),
        // Loads a module that no release has.
        ("s/{apply,{no_such,thing,\\[\\]}},/{load,{no_such_module,brutal_purge,brutal_purge}},/", 4, "no_such_module"),
    ] {
        let edited = edit(&scene, sed);
        assert_eq!(edited.code, 0, "{}{}", edited.out, edited.err);
        let failed = scene.run("deploy upgrade to staging --version=0.2.0");
        assert_ne!(failed.code, 0, "{}{}", failed.out, failed.err);
        assert!(failed.err.contains(said), "{code} {}{}", failed.out, failed.err);
        as_before(sed);
    }
    // What was kept is damaged: it is as if there was none.
    let stored = scene.program.project().join(".deliver/store/upgrades/hotapp/0.2.0.json");
    let text = fs::read_to_string(&stored).unwrap();
    fs::write(&stored, &text[..text.len() / 2]).unwrap();
    let made = scene.run("deploy upgrade to staging --version=0.2.0 --plan");
    assert!(made.code == 0 || made.err.contains("0.2.0"), "{}{}", made.out, made.err);
    scene.ok("build upgrade --with=0.1.0 --version=0.2.0 --force");
    scene.ok("deploy upgrade to staging --version=0.2.0");
    scene.counted(3);
    assert_eq!((scene.life(), scene.boots().as_str()), (life, "0.2.0"));
}
