//! `edeliver config …` as a user sees it.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

use std::fs;

use program::{Program, lines};

const TOML: &str = r#"app = "hotapp"

[build]
host = "b"
path = "~/builds"
env = { API_TOKEN = "hunter2" }

[targets.production]
hosts = ["web1", { name = "web2", port = 2222 }]
user = "deploy"
path = "/srv"
"#;

const CLASSIC: &str = "APP=hotapp\nBUILD_HOST=b\nBUILD_AT=/b\nSTAGING_HOSTS='s1 s2'\nDELIVER_TO=/srv\n\n# a hook\npre_git_push() {\n  echo \"$APP\"\n}\n";

#[test]
fn every_value_is_shown_with_its_origin_and_without_secrets() {
    let program = Program::new();
    program.write("edeliver.toml", TOML);
    let done = program.run(&["config", "show"]);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    let row = |key: &str| -> Vec<&str> {
        let line = lines(&done.out).into_iter().find(|line| line.split_whitespace().next() == Some(key));
        line.unwrap_or_else(|| panic!("no {key} in {}", done.out)).split_whitespace().skip(1).collect()
    };
    assert_eq!(row("app"), ["hotapp", "edeliver.toml:1"]);
    assert_eq!(row("build.host").last(), Some(&"edeliver.toml:4"));
    assert_eq!(row("build.env.API_TOKEN"), ["********", "edeliver.toml:6"]);
    assert_eq!(row("build.mix_env"), ["prod", "default"]);
    assert_eq!(row("targets.production.hosts.web2"), ["deploy@web2", "port", "2222", "path", "/srv", "edeliver.toml:9"]);
    assert_eq!(row("deploy.keep_releases"), ["5", "default"]);
    assert!(!done.out.contains("hunter2") && !done.out.contains("targets.production.keep_releases"), "{}", done.out);
}

#[test]
fn the_environment_and_json_are_honoured() {
    let program = Program::new();
    program.write("edeliver.toml", TOML);
    let done = program.shell("EDELIVER_BUILD_HOST=other@there \"$EDELIVER\" config show build.host --json");
    assert_eq!(done.code, 0, "{}", done.err);
    for part in ["\"setting\":\"build.host\"", "\"value\":\"other@there path ~/builds\"", "\"from\":\"$EDELIVER_BUILD_HOST\""] {
        assert!(done.out.contains(part), "{part}: {}", done.out);
    }
}

#[test]
fn a_wrong_configuration_is_told_at_its_place_with_exit_code_3() {
    let program = Program::new();
    program.write("edeliver.toml", "[build]\nhots = \"b\"\n");
    let done = program.run(&["config", "check"]);
    assert_eq!((done.code, done.out.as_str()), (3, ""));
    assert_eq!(
        lines(&done.err),
        [
            "error: unknown key `hots` in `build`",
            "        --> edeliver.toml:2:1",
            "         |",
            "       2 | hots = \"b\"",
            "         | ^^^^ did you mean `host`?"
        ]
    );
}

#[test]
fn a_valid_configuration_is_summed_up() {
    let program = Program::new();
    program.write("edeliver.toml", TOML);
    assert_eq!(program.run(&["config", "check"]).out, "hotapp is valid: built on b, targets production (2 hosts), no hooks\n");
    let none = Program::new().run(&["config", "check"]);
    assert_eq!(none.code, 3);
    assert!(none.err.starts_with("error: there is no edeliver.toml and no .deliver/config in "), "{}", none.err);
    assert!(none.err.contains("edeliver config default > edeliver.toml"), "{}", none.err);
}

#[test]
fn the_defaults_that_are_printed_are_a_valid_configuration() {
    let program = Program::new();
    program.write("edeliver.toml", &program.run(&["config", "default"]).out);
    assert_eq!(program.run(&["config", "check"]).code, 0);
}

#[test]
fn the_environment_of_bash_does_not_change_what_a_config_means() {
    let program = Program::new();
    program.write(".deliver/config", CLASSIC);
    program.write("evil", "APP=leaked; BUILD_HOST=leaked; readonly APP; touch ran\n");
    let line = "export BASH_ENV=$PWD/evil ENV=$PWD/evil SHELLOPTS; set -f; \"$EDELIVER\" config show app";
    let done = program.shell(line);
    assert_eq!((done.code, done.err.as_str()), (0, ""));
    assert!(done.out.contains("hotapp") && done.out.contains(".deliver/config:1"), "{}", done.out);
    assert!(!program.files().contains(&"ran".to_owned()));
}

#[test]
fn a_classic_config_is_imported_and_means_the_same_then() {
    let program = Program::new();
    program.write(".deliver/config", CLASSIC);
    let values = |done: &program::Done| -> Vec<String> {
        let rows = lines(&done.out).into_iter().map(|line| line.split_whitespace().take(2).collect::<Vec<_>>().join(" "));
        rows.filter(|row| !row.starts_with("targets.local") && !row.starts_with("hooks")).collect()
    };
    let before = values(&program.run(&["config", "show", "--all"]));
    let done = program.run(&["config", "import"]);
    assert_eq!((done.code, done.out.as_str()), (0, "wrote edeliver.toml and .deliver/hooks.sh\n"), "{}", done.err);
    let after = program.run(&["config", "show", "--all"]);
    assert_eq!(values(&after), before);
    assert_eq!(lines(&after.err)[0], "warning: .deliver/config is not read, because there is an edeliver.toml");
    let hooks = fs::read_to_string(program.project().join(".deliver/hooks.sh")).unwrap();
    assert!(hooks.ends_with("\n# a hook\npre_git_push() {\n  echo \"$APP\"\n}\n"), "{hooks}");
    let again = program.run(&["config", "import"]);
    assert_eq!((again.code, lines(&again.err)[0]), (3, "error: edeliver.toml exists already"));
}

#[test]
fn without_bash_the_toml_form_works_and_the_classic_one_says_what_it_needs() {
    let program = Program::new();
    program.write("edeliver.toml", TOML);
    assert_eq!(program.shell("PATH=/nowhere \"$EDELIVER\" config check").code, 0);
    let program = Program::new();
    program.write(".deliver/config", CLASSIC);
    let done = program.shell("PATH=/nowhere \"$EDELIVER\" config check");
    assert_eq!(done.code, 3);
    assert_eq!(
        lines(&done.err)[..2],
        ["error: can't read .deliver/config, which is a bash script", "caused by: bash can't be started"]
    );
    assert!(done.err.contains("hint: install bash"), "{}", done.err);
}
