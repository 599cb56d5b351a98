//! The relup of a stored upgrade, shown and edited by the real program with a real editor.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;
#[path = "program/terminal.rs"]
mod terminal;

use edeliver::store::Store;
use edeliver_core::{
    config::StoreSettings,
    name::Version,
    release::{Author, Digest, Origin, UPGRADE_FORMAT, Upgrade},
};
use program::{Done, Program};

const CONFIG: &str = "app = \"hotapp\"\n[targets.staging]\npath = \"/srv\"\nhosts = [\"a.example.com\"]\n";

const RELUP: &str = "\
%% coding: utf-8
{\"0.2.0\",
 [{\"0.1.0\",[],
   [{load_object_code,{hotapp,\"0.2.0\",[hot]}},
    point_of_no_return,
    {load,{hot,brutal_purge,brutal_purge}}]}],
 [{\"0.1.0\",[],
   [{load_object_code,{hotapp,\"0.1.0\",[hot]}},
    point_of_no_return,
    {load,{hot,brutal_purge,brutal_purge}}]}]}.
";

fn store(program: &Program) -> Store {
    let settings = StoreSettings { path: program.project().join(".deliver"), archive: false };
    Store::open(&settings, &"hotapp".parse().unwrap()).unwrap()
}

fn with_upgrades(to: &[&str]) -> Program {
    let program = Program::new();
    program.write("edeliver.toml", CONFIG);
    for version in to {
        let from = vec![Origin { version: "0.1.0".parse().unwrap(), manifest: Digest::of(b"0.1.0") }];
        let (app, to): (_, Version) = ("hotapp".parse().unwrap(), version.parse().unwrap());
        let (relup, author, manifest) = (RELUP.replace("0.2.0", version), Author::Generated, Digest::of(version.as_bytes()));
        store(&program).put_upgrade(&Upgrade { format: UPGRADE_FORMAT, app, to, manifest, from, relup, author }).unwrap();
    }
    program
}

/// Runs `edeliver edit relup` with an editor that is a line of `sed`.
fn edit(program: &Program, sed: &str, more: &[&str]) -> Done {
    let mut command = program.command(env!("CARGO_BIN_EXE_edeliver"));
    command.args(["edit", "relup"]).args(more).env("EDELIVER_EDITOR", format!("sed -i -e '{sed}'"));
    program::done(command.output().unwrap())
}

fn kept(program: &Program) -> Upgrade {
    store(program).upgrade(&"0.2.0".parse().unwrap()).unwrap()
}

#[test]
fn a_relup_is_shown_as_it_goes_to_the_hosts() {
    let program = with_upgrades(&["0.2.0"]);
    let shown = program.run(&["show", "relup"]);
    assert_eq!((shown.code, shown.out.trim()), (0, RELUP.trim()), "{}", shown.err);
    let absent = program.run(&["show", "relup", "--version=9.0.0"]);
    assert_eq!(absent.code, 2);
    assert!(absent.err.contains("the store has no upgrade of hotapp to 9.0.0"), "{}", absent.err);
}

#[test]
fn of_several_upgrades_one_is_named() {
    let program = with_upgrades(&["0.2.0", "0.10.0"]);
    let several = program.run(&["show", "relup"]);
    assert_eq!(several.code, 2);
    assert!(several.err.contains("--version=VERSION"), "{}", several.err);
    assert!(program.run(&["show", "relup", "--version=0.10.0"]).out.contains("{\"0.10.0\","));
}

#[test]
fn an_edited_relup_is_kept_with_its_author() {
    let program = with_upgrades(&["0.2.0"]);
    let done = edit(&program, "s/brutal_purge}}\\]}\\],/soft_purge}}]}],/", &[]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(kept(&program).relup.contains("soft_purge"));
    assert_eq!(kept(&program).author, Author::Edited);
}

#[test]
fn a_hook_may_change_a_relup_before_it_is_edited() {
    let program = with_upgrades(&["0.2.0"]);
    program.write("edeliver.toml", &format!("hooks = \"hooks.sh\"\n{CONFIG}"));
    program.write("hooks.sh", "pre_edit_relup() { sed -i -e '0,/brutal_purge}/s//soft_purge}/' \"$1\"; }\n");
    let done = edit(&program, "s/no such text//", &[]);
    assert!(done.code == 0 && done.err.contains("patched by the hook pre_edit_relup"), "{}", done.err);
    assert!(kept(&program).relup.contains("{load,{hot,brutal_purge,soft_purge}}"), "{}", kept(&program).relup);
}

#[test]
fn a_relup_that_is_saved_unchanged_stays_as_it_is() {
    let program = with_upgrades(&["0.2.0"]);
    let done = edit(&program, "s/no such text//", &[]);
    assert_eq!((done.code, kept(&program).author), (0, Author::Generated), "{}", done.err);
}

#[test]
fn nonsense_is_told_with_its_place_and_never_kept() {
    let program = with_upgrades(&["0.2.0"]);
    for (sed, said) in [
        ("s/point_of_no_return,/,/", "not a file of Erlang terms"),
        ("s/{load,{hot/{lode,{hot/", "up from 0.1.0, instruction 3"),
        ("s/point_of_no_return,//", "point_of_no_return stands 0 times"),
        ("s/\"0.1.0\",\\[\\]/\"0.0.1\",[]/", "there is no such way"),
    ] {
        let done = edit(&program, sed, &[]);
        assert_eq!(done.code, 2, "{sed}: {}", done.err);
        assert!(done.err.contains(said), "{sed}: {}", done.err);
        assert_eq!(kept(&program).relup, RELUP);
    }
    // What only the checks find may be wanted; what is no relup never is.
    assert_eq!(edit(&program, "s/point_of_no_return,/,/", &["--force"]).code, 2);
    let forced = edit(&program, "s/point_of_no_return,//", &["--force"]);
    assert_eq!((forced.code, kept(&program).author), (0, Author::Edited), "{}", forced.err);
}

#[test]
fn ctrl_c_at_the_question_whether_it_is_edited_again_changes_nothing() {
    let program = with_upgrades(&["0.2.0"]);
    let mut script = program.command("script");
    script.env("EDELIVER_EDITOR", "sed -i -e 's/point_of_no_return,//'");
    let (said, code) = terminal::interrupted_at("Edit it again?", terminal::at_a_terminal(script, &["edit", "relup"]));
    assert_eq!((code, kept(&program).relup.as_str()), (Some(130), RELUP), "{said}");
}

#[test]
fn ctrl_c_at_the_question_which_relup_is_meant_shows_and_edits_none() {
    let program = with_upgrades(&["0.2.0", "0.3.0"]);
    for verb in ["show", "edit"] {
        let mut script = program.command("script");
        script.env("EDELIVER_EDITOR", "sed -i -e 's/brutal_purge/soft_purge/g'");
        let (said, code) = terminal::interrupted_at("[1-2]", terminal::at_a_terminal(script, &[verb, "relup"]));
        assert!(code == Some(130) && !said.contains("point_of_no_return"), "{verb}: {said}");
        assert_eq!(kept(&program).relup, RELUP, "{verb}: {said}");
    }
}

#[test]
fn ctrl_c_at_the_questions_which_appup_is_meant_shows_and_edits_none() {
    let program = with_upgrades(&[]);
    for version in ["0.1.0", "0.2.0", "0.3.0"] {
        program.write(&format!(".deliver/releases/hotapp_{version}.release.tar.gz"), "its name counts");
    }
    let appup = |to: &str, app: &str| {
        let path = format!(".deliver/appup/0.1.0-{to}/{app}.appup");
        program.write(&path, &format!("{{\"{to}\",[{{\"0.1.0\",[]}}],[{{\"0.1.0\",[]}}]}}.\n"));
        program.project().join(path)
    };
    let files = [appup("0.2.0", "hotapp"), appup("0.2.0", "other"), appup("0.3.0", "hotapp")];
    let texts = || files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect::<Vec<_>>();
    let before = texts();
    let words: [&[&str]; 3] = [&["show", "appups"], &["edit", "appups"], &["edit", "appups", "--version=0.2.0"]];
    for words in words {
        let mut script = program.command("script");
        script.env("EDELIVER_EDITOR", "sed -i -e 's/0.1.0/0.0.1/g'");
        let (said, code) = terminal::interrupted_at("[1-2]", terminal::at_a_terminal(script, words));
        assert_eq!((code, texts()), (Some(130), before.clone()), "{words:?}: {said}");
    }
}

#[test]
fn an_editor_that_fails_changes_nothing() {
    let program = with_upgrades(&["0.2.0"]);
    let mut command = program.command(env!("CARGO_BIN_EXE_edeliver"));
    let done = program::done(command.args(["edit", "relup"]).env("EDITOR", "false").output().unwrap());
    assert_eq!((done.code, kept(&program).author), (130, Author::Generated), "{}", done.err);
    let done = program.run(&["edit", "relup"]);
    assert!(done.code == 2 && done.err.contains("needs a terminal"), "{}", done.err);
}
