//! `build appups`, `show appups`, `edit appups`, and what the relup is made of then.

use std::fs;

use crate::{
    program::{self, Done},
    scene::Scene,
};

const APPUP: &str = ".deliver/appup/0.1.0-0.2.0/hotapp.appup";

/// Runs `edeliver edit appups` with an editor that saves this text.
fn edit(scene: &Scene, text: &str) -> Done {
    let saved = scene.program.project().join("saved");
    fs::write(&saved, text).unwrap();
    let mut command = scene.program.command(env!("CARGO_BIN_EXE_edeliver"));
    command.args(["edit", "appups", "--version=0.2.0"]).env("EDELIVER_EDITOR", format!("cp {}", saved.display()));
    program::done(command.output().unwrap())
}

#[test]
fn appups_are_generated_edited_and_then_decide_what_the_relup_does() {
    let scene = Scene::stored("appups", "");
    let relup = || scene.ok("show relup --version=0.2.0").out;
    let generated = relup();
    scene.ok("build appups --with=0.1.0 --version=0.2.0");
    let shown = scene.ok("show appups --version=0.2.0").out;
    assert!(
        shown.contains("hotapp.appup, generated") && shown.contains("{update,'Elixir.Hotapp.Counter',{advanced,[]}}"),
        "{shown}"
    );
    // What edeliver wrote itself decides nothing.
    scene.ok("build upgrade --with=0.1.0 --version=0.2.0 --force");
    assert_eq!(relup(), generated);

    let nonsense = edit(&scene, &shown.replace("{update,", "{upgrade,"));
    assert_eq!(nonsense.code, 2, "{}", nonsense.err);
    assert!(nonsense.err.contains("an instruction of an appup"), "{}", nonsense.err);
    let elsewhere = edit(&scene, &shown.replace("[{\"0.1.0\"", "[{\"0.0.9\""));
    assert_eq!(elsewhere.code, 2, "{}", elsewhere.err);
    assert!(elsewhere.err.contains("it says nothing about the way up, version 0.1.0"), "{}", elsewhere.err);
    let edited = edit(&scene, &shown.replace("Counter',{advanced,[]}", "Counter',{advanced,by_hand}"));
    assert_eq!(edited.code, 0, "{}", edited.err);
    assert!(edited.err.contains("hotapp 0.1.0 to 0.2.0: hot"), "the verdict is told again: {}{}", edited.out, edited.err);

    let made = scene.ok("build upgrade --with=0.1.0 --version=0.2.0");
    assert!(made.err.contains("changed appups in the store decide about hotapp"), "{}{}", made.out, made.err);
    assert!(relup().contains("{'Elixir.Hotapp.Counter',by_hand}"), "{}", relup());
    // Made once more, what was changed stays.
    let again = scene.ok("build appups --with=0.1.0 --version=0.2.0");
    assert!(again.err.contains("was changed, so it stays"), "{}{}", again.out, again.err);
    let file = fs::read_to_string(scene.program.project().join(APPUP)).unwrap();
    assert!(file.contains("by_hand"), "{file}");
}
