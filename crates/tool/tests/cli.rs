//! The real program, as a shell sees it: words, exit codes, which stream says what.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use program::{Program, lines};

#[test]
fn help_is_printed_wherever_it_is_asked_for_and_nothing_else_happens() {
    let program = Program::new();
    program.write("edeliver.toml", "this is no configuration");
    for arguments in [
        &["help"][..],
        &["--help"],
        &["-h"],
        &["help", "run"],
        &["run", "--help"],
        &["help", "run", "list"],
        &["help", "exit-codes"],
    ] {
        let done = program.run(arguments);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{arguments:?}");
        assert!(done.out.len() > 100, "{arguments:?}: {}", done.out);
    }
    assert_eq!(program.files(), ["edeliver.toml"], "asking for help left something behind");
}

#[test]
fn no_command_is_a_wrong_command_line_that_is_answered_with_the_commands() {
    let done = Program::new().run(&[]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("Commands:"), "{}", done.err);
}

#[test]
fn a_wrong_word_is_answered_with_the_right_one() {
    let done = Program::new().run(&["rnu", "list"]);
    assert_eq!(done.code, 2);
    assert_eq!(lines(&done.err), ["error: there is no command `rnu`", "hint: did you mean this?", "      edeliver run"]);
    let done = Program::new().run(&["completion", "bash"]);
    assert_eq!(
        lines(&done.err),
        ["error: there is no command `completion`", "hint: did you mean this?", "      edeliver completions"]
    );
    let done = Program::new().run(&["help", "rn"]);
    assert_eq!(done.code, 2);
    assert!(done.err.starts_with("error: there is no command `rn`"), "{}", done.err);
}

#[test]
fn what_this_version_cannot_do_is_said() {
    let done = Program::new().run(&["upgrade", "production"]);
    assert_eq!(done.code, 2);
    assert_eq!(lines(&done.err)[0], "error: `upgrade` is not part of this version");
}

#[test]
fn an_unknown_option_is_refused_with_the_usage() {
    let done = Program::new().run(&["run", "list", "--frobnicate"]);
    assert_eq!((done.code, done.out.as_str()), (2, ""));
    assert!(done.err.contains("unexpected argument '--frobnicate'"), "{}", done.err);
}

#[test]
fn the_version_is_asked_for_in_the_first_place_only() {
    let program = Program::new();
    for flag in ["--version", "-v"] {
        assert_eq!(program.run(&[flag]).out, format!("edeliver {}\n", env!("CARGO_PKG_VERSION")));
    }
    assert_eq!(program.run(&["run", "list", "-v"]).code, 2);
}

#[test]
fn completions_are_printed_without_a_project() {
    for shell in ["bash", "zsh", "fish"] {
        let done = Program::new().run(&["completions", shell]);
        assert_eq!((done.code, done.err.as_str()), (0, ""), "{shell}");
        assert!(done.out.contains("run"), "{shell}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let done = Program::new().shell("\"$EDELIVER\" completions bash | head -n 1; exit ${PIPESTATUS[0]}");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let done = Program::new().shell("\"$EDELIVER\" completions bash > /dev/full");
    assert!(done.err.starts_with("warning: the result can't be written to standard output"), "{}", done.err);
}

#[test]
fn json_is_the_only_thing_on_standard_output_also_for_errors() {
    let done = Program::new().run(&["--json", "run", "list", "--project", "/nowhere/at/all"]);
    assert_eq!((done.code, done.err.as_str()), (2, ""));
    let event: serde_json::Value = serde_json::from_str(done.out.trim_end()).unwrap();
    assert_eq!((event["event"].as_str(), event["class"].as_str()), (Some("error"), Some("usage")));
}
