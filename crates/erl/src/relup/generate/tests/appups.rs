//! Appups that applications ship.

use super::super::*;
use super::samples::*;
use super::script;
use crate::image::Kind;

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
