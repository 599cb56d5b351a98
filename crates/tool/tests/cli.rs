//! The real program, as a shell sees it: words, exit codes, which stream says what.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::{collections::BTreeSet, fs};

use clap::CommandFactory as _;
use program::{Done, Program, done};

/// Writes a file of the project.
fn write(program: &Program, path: &str, text: &str) {
    let path = program.project().join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What stands in the project folder, sorted.
fn files(program: &Program) -> Vec<String> {
    let entries = fs::read_dir(program.project()).unwrap();
    let mut names: Vec<String> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Runs a bash line that calls edeliver as `"$EDELIVER"`.
fn shell(program: &Program, line: &str) -> Done {
    done(program.command("bash").args(["-c", line]).env("EDELIVER", env!("CARGO_BIN_EXE_edeliver")).output().unwrap())
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[test]
fn help_is_printed_wherever_it_is_asked_for_and_nothing_else_happens() {
    let program = Program::new();
    write(&program, "edeliver.toml", "this is no configuration");
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
    assert_eq!(files(&program), ["edeliver.toml"], "asking for help left something behind");
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
    let done = shell(&Program::new(), "\"$EDELIVER\" completions bash | head -n 1; exit ${PIPESTATUS[0]}");
    assert_eq!((done.code, done.err.as_str()), (0, ""));
}

#[test]
fn a_result_that_cannot_be_written_is_told() {
    let done = shell(&Program::new(), "\"$EDELIVER\" completions bash > /dev/full");
    assert!(done.err.starts_with("warning: the result can't be written to standard output"), "{}", done.err);
}

#[test]
fn json_is_the_only_thing_on_standard_output_also_for_errors() {
    let done = Program::new().run(&["--json", "run", "list", "--project", "/nowhere/at/all"]);
    assert_eq!((done.code, done.err.as_str()), (2, ""));
    let event: serde_json::Value = serde_json::from_str(done.out.trim_end()).unwrap();
    assert_eq!((event["event"].as_str(), event["class"].as_str()), (Some("error"), Some("usage")));
}

const CONFIG: &str = "app = \"shop\"\n[targets.staging]\npath = \"/srv\"\nhosts = [\"stage\"]\n";

#[test]
fn without_a_configuration_only_its_absence_is_told() {
    let program = Program::new();
    let done = program.run(&["show", "releases", "--project", "."]);
    assert_eq!((done.code, done.out.as_str()), (0, ""), "the defaults are a configuration: {}", done.err);
    assert!(files(&program).is_empty(), "looking left something behind: {:?}", files(&program));
}

#[test]
fn a_wrong_configuration_is_told_with_its_place_and_the_remedy() {
    let program = Program::new();
    write(&program, "edeliver.toml", &CONFIG.replace("hosts", "hots"));
    let done = program.run(&["show", "releases"]);
    assert_eq!((done.code, done.out.as_str()), (3, ""));
    for part in ["error", "edeliver.toml:4:1", "hots", "hosts"] {
        assert!(done.err.contains(part), "{part:?} is missing in:\n{}", done.err);
    }
}

#[test]
fn recorded_runs_are_looked_for_in_the_store() {
    let program = Program::new();
    write(&program, "edeliver.toml", CONFIG);
    let journal = include_str!("../../core/tests/samples/journal-1.jsonl");
    write(&program, ".deliver/runs/20261123-001502-3f2a.jsonl", journal);
    let torn: String = journal.lines().take(4).map(|line| format!("{line}\n")).collect();
    write(&program, ".deliver/runs/20261124-101500-77aa.jsonl", &torn.replace("release to production", "release to staging"));
    let listed = program.run(&["run", "list"]);
    assert_eq!(
        lines(&listed.out),
        [
            "run                   when                 what                          outcome",
            "20261123-001502-3f2a  2026-11-23 00:15:02  deploy release to production  failed (8), 0 of 2 hosts done",
            "20261124-101500-77aa  2026-11-23 00:15:02  deploy release to staging     interrupted, without an end",
        ]
    );
    let shown = program.run(&["run", "show", "3f2a"]);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(shown.out.contains("web1 | failed: start 0.2.0\n"), "{}", shown.out);
    assert!(shown.out.ends_with("edeliver run show 20261123-001502-3f2a\n"), "{}", shown.out);
    assert_eq!(program.run(&["run", "show", "3f2a", "--json"]).out, journal);
    let torn = program.run(&["run", "show"]);
    assert!(torn.err.contains("the record ends here"), "{}", torn.err);
    let none = program.run(&["run", "show", "nope"]);
    assert_eq!((none.code, lines(&none.err)[0]), (2, "error: there is no record of a run `nope`"));
}

/// The lines of the README and the help texts of edeliver 1.x, and what scripts make of them.
const ORIGINAL: &[&str] = &[
    "build release",
    "build release --revision=82a5834 --branch=feature",
    "build release --tag=v1.0 --mix-env=staging --auto-version=git-revision+branch-unless-master",
    "build release --increment-version=minor --skip-git-clean --skip-mix-clean --verbose",
    "build release --set-version=1.3.0-beta.1 --plain --push --runs-as-mix-task",
    "build upgrade --from=v1.0 --to=v2.0",
    "build upgrade --with=1.0.0 --to=v2.0 --branch=feature --skip-relup-modification",
    "build upgrade --with=1.0.0 --relup-mod=MyApp.Relup",
    "build appups --from=v1.0",
    "build appup --with=1.0.0",
    "deploy release",
    "deploy release to production",
    "deploy release production --version=1.0.0 --start-deploy --clean-deploy -S -F",
    "deploy upgrade to production --version=1.0.0 -S --push",
    "deploy to production",
    "update",
    "update production --branch=feature --start-deploy",
    "update staging --to=v2.0 --clean-deploy --skip-git-clean --auto-version=date -S",
    "upgrade production",
    "upgrade production --to=v2.0 --branch=feature --start-deploy --skip-relup-mod",
    "upgrade --relup-mod=MyApp.Relup --mix-env=prod --increment-version=patch --run-migrations",
    "start production",
    "stop on staging --host=web@one",
    "restart --quiet production",
    "ping production -V",
    "version -C",
    "migrate production up",
    "migrate down --version=20160414140000",
    "show migrations on production",
    "migrations staging",
    "show releases",
    "show relup --version=1.0.0",
    "show relup .deliver/releases/myapp_1.0.0.upgrade.tar.gz",
    "edit relup --version=1.0.0",
    "build release --only=prod --quiet",
    "increase",
    "increase major versions --from=v1.0 --to=v2.0",
    "unpack release --version=1.0.0",
    "pack upgrade --version=1.0.0 --force",
    "check release --version=1.0.0",
    "check config",
    "upload release 1.0.0",
    "download upgrade 1.0.0 copy.tar.gz",
];

#[test]
fn command_lines_of_edeliver_1_are_understood() {
    for line in ORIGINAL {
        let words = ["edeliver"].into_iter().chain(line.split(' ')).map(std::ffi::OsString::from).collect();
        assert!(edeliver::cli::parse(words).is_ok(), "{line}: {}", Program::new().run(&line.split(' ').collect::<Vec<_>>()).err);
    }
}

#[test]
fn options_that_change_nothing_here_say_so() {
    let program = Program::new();
    write(&program, "edeliver.toml", CONFIG);
    let done = program.run(&["show", "releases", "--push", "--only=test"]);
    assert_eq!(done.code, 0, "{}", done.err);
    let said: Vec<_> = lines(&done.err).into_iter().filter(|line| line.starts_with("warning: --")).collect();
    assert_eq!(
        said,
        [
            "warning: --push changes nothing: releases are no docker images here",
            "warning: --only changes nothing: just the dependencies of MIX_ENV are ever fetched",
        ]
    );
}

/// A wrong value of every option that takes one: the line, and what is said about it.
const WRONG: &[(&str, &str)] = &[
    ("build release --increment-version=big", "it is patch, minor or major"),
    (
        "build release --auto-version=revison",
        "`revison` can't be appended to a version: it joins some of these with `+`: git-revision",
    ),
    ("build release --auto-version=", "it joins some of these with `+`"),
    ("build release --set-version=1/2", "it starts with a letter or digit"),
    ("build release --set-version=", "it is empty"),
    (
        "build release --set-version=1.0 --increment-version=patch",
        "'--set-version <VERSION>' cannot be used with '--increment-version",
    ),
    ("build release --branch=", "is not a git revision: it is empty"),
    ("build release --revision=-x", "it starts with a dash"),
    ("build release --tag=a --revision=b", "'--tag <TAG>' cannot be used with '--revision <REVISION>'"),
    ("build release --mix-env=", "it has letters, digits, `_`, `.` and `-`"),
    ("build release --mix-env=../x", "it has letters, digits, `_`, `.` and `-`"),
    ("build upgrade", "--with <VERSION>"),
    ("build upgrade --with=", "is not a release version: it is empty"),
    ("build upgrade --with=1 --from=v1", "'--with <VERSION>' cannot be used with '--from <REVISION>'"),
    ("build upgrade --with=1 --relup-mod=", "write it like \"MyApp.Repo\""),
    ("build upgrade --with=1 --relup-mod='a b'", "write it like \"MyApp.Repo\""),
    ("deploy release --version=a/b", "is not a release version"),
    ("deploy release --version", "a value is required for '--version <VERSION>'"),
    ("deploy release --host=", "is not a host name: it is empty"),
    ("deploy release --host=-x", "is not a host name"),
    ("deploy release --host=nowhere", "the target `staging` has no host `nowhere`"),
    ("deploy release to nowhere", "there is no target `nowhere`"),
    ("deploy release --project=/nowhere", "can't find the project folder /nowhere"),
    ("deploy release --relup-mod=X", "unexpected argument '--relup-mod'"),
    ("deploy upgrade --relup-mod=A --skip-relup-mod", "'--relup-mod <MODULE>' cannot be used with '--skip-relup-mod'"),
    ("restart --exit-code", "--plan"),
    ("migrate --version=x", "a migration has a number like 20240131120000"),
    ("migrate --repo=repo", "a module is written like MyApp.Repo"),
    ("exec --timeout=soon -- ls", "write it like 30s, 5m or 1h30m"),
    ("status --watch=never", "write it like 5 or 500ms"),
    ("logs --lines=many", "invalid value 'many' for '--lines <LINES>': it is a number like 5"),
    ("run list --last=few", "invalid value 'few' for '--last <NUMBER>': it is a number like 5"),
    ("deploy release --max-failures=-1", "invalid value '-1' for '--max-failures <N>': it is a number like 5"),
    ("deploy release --waves=0", "a tag like @canary, a pattern of host names like eu-*, or `rest` is expected"),
    ("deploy release --batch=half", "a number of hosts like 2, or a part of them like 10%, is expected"),
    ("deploy release --max-unavailable=120%", "a number of hosts like 2, or a part of them like 10%, is expected"),
    ("deploy release --min-healthy=most", "a number of hosts like 2, or a part of them like 10%, is expected"),
    ("deploy release --on-failure=cry", "[possible values: stop, rollback, continue]"),
    ("deploy release --soak=long", "write it like 30s, 5m or 1h30m"),
    ("deploy release --confirm-within=soon", "write it like 30s, 5m or 1h30m"),
    ("deploy release --lock-wait=soon", "write it like 30s, 5m or 1h30m"),
    ("deploy release --bandwidth=fast", "write it like 20MB/s, 500KB/s or 100Mbit/s"),
    ("deploy release --run-migrations=never", "before, after-first-wave"),
    ("deploy release --on=", "a tag like @web or a pattern of host names like eu-* is expected"),
    ("upgrade --to=-x", "it starts with a dash"),
    ("increase --from=-x", "it starts with a dash"),
    ("edit appups --application=/", "is not an application name"),
    ("init --app=/", "is not an application name"),
    ("init --build-host=", "is not a host name: it is empty"),
    ("init --path=", "is not a path on a host: it is empty"),
    ("init --target=web1", "write it like production=web1,web2"),
    ("migrate --direction=left", "[possible values: up, down]"),
    ("completions tcsh", "possible values: bash"),
    ("increase patch", "possible values: major, minor"),
    ("show relup x --version=1", "'[ARCHIVE]' cannot be used with '--version <VERSION>'"),
    ("show releases --version=/", "is not a release version"),
    ("check release --version=/", "is not a release version"),
    ("pack release --version=/", "is not a release version"),
];

/// Options for which any text is right: messages, and files that are made or looked for.
const ANY_TEXT: &[&str] = &["message", "output", "only"];

/// The names of all options that take a value, of this command and of those below it.
fn with_a_value(command: &clap::Command, names: &mut BTreeSet<String>) {
    let valued = command.get_arguments().filter(|option| option.get_num_args().is_some_and(|range| range.takes_values()));
    names.extend(valued.filter_map(|option| option.get_long().map(str::to_owned)));
    command.get_subcommands().for_each(|below| with_a_value(below, names));
}

#[test]
fn no_option_that_takes_a_value_is_left_out_of_the_wrong_ones() {
    let (mut command, mut names) = (edeliver::cli::Cli::command(), BTreeSet::new());
    command.build();
    with_a_value(&command, &mut names);
    let is_tried = |name: &String| WRONG.iter().any(|(line, _)| line.contains(&format!(" --{name}")));
    let left: Vec<_> = names.iter().filter(|name| !is_tried(name) && !ANY_TEXT.contains(&name.as_str())).collect();
    assert!(names.len() > 30 && left.is_empty(), "nobody tries a wrong value of {left:?}");
}

#[test]
fn a_wrong_value_of_an_option_is_told_with_what_is_right() {
    let program = Program::new();
    write(&program, "edeliver.toml", CONFIG);
    for (line, said) in WRONG {
        let done = shell(&program, &format!("\"$EDELIVER\" {line}"));
        assert_eq!((done.code, done.out.as_str()), (2, ""), "{line}: {}", done.err);
        assert_eq!(done.err.matches("error:").count(), 1, "{line}: {}", done.err);
        assert!(done.err.contains(said), "{line}: {}", done.err);
    }
    assert_eq!(files(&program), ["edeliver.toml"], "nothing was begun");
}
