//! What projects of edeliver 1.x bring with them beside their config: functions of their own, in the real program.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod container;
#[path = "../program/mod.rs"]
mod program;
mod relx;
mod tools;
mod umbrella;

use std::fs;

use program::{Done, Program};

/// A project whose only host is this machine, with these functions.
fn project(functions: &str) -> Program {
    let program = Program::new();
    let apps = program.project().parent().unwrap().join("apps");
    fs::create_dir_all(&apps).unwrap();
    let config =
        format!("APP=shop\nSTAGING_HOSTS=localhost\nDELIVER_TO={:?}\nSTAGING_USER=\n{functions}\n", apps.to_str().unwrap());
    program.write(".deliver/config", &config);
    program
}

#[track_caller]
fn run(program: &Program, line: &str, code: i32) -> Done {
    let done = program.run(&line.split(' ').collect::<Vec<_>>());
    assert_eq!(done.code, code, "{line}\n{}{}", done.err, done.out);
    done
}

#[test]
fn a_project_does_node_commands_in_its_own_way() {
    let program = project(
        r#"
execute_custom_node_command() {
  [ "$1" = restart ] || [ "$1" = version ] || return 1
  __remote "echo \"$1 $APP in $NODE_ENVIRONMENT\""
}
"#,
    );
    for action in ["restart", "version"] {
        let done = run(&program, &format!("{action} staging -V"), 0);
        assert!(done.err.contains(&format!("{action} shop in staging")), "{}", done.err);
    }
    // What it declines is done as ever.
    let stopped = run(&program, "stop staging", 0);
    assert!(stopped.out.contains("no node runs"), "{}{}", stopped.out, stopped.err);
    let runs = run(&program, "run list", 0).out;
    assert!(runs.contains("restart shop on staging") && !runs.contains("version"), "{runs}");
    assert!(run(&program, "restart staging --plan", 4).err.contains("may do something else"), "a plan calls nothing");
}

#[test]
fn a_project_prints_what_runs_on_each_host_for_a_node_command() {
    let program = project(
        r#"
get_start_node_command() { echo "cd '$2' && echo started by $1 >marker && [[ -n x ]] && echo here"; }
get_stop_node_command() { echo "echo in vain; exit 7"; }
get_ping_node_command() { :; }
"#,
    );
    let apps = program.project().parent().unwrap().join("apps");
    let done = run(&program, "start staging", 0);
    assert!(done.out.contains("here"), "{}{}", done.out, done.err);
    assert_eq!(fs::read_to_string(apps.join("marker")).unwrap(), "started by start\n");
    let failed = run(&program, "stop staging", 8);
    assert!(format!("{}{}", failed.out, failed.err).contains("exit status 7"), "{}{}", failed.out, failed.err);
    let nothing = run(&program, "ping staging", 3);
    assert!(nothing.err.contains("get_ping_node_command gave nothing to run, with status 0"), "{}", nothing.err);
}

const STRATEGY: &str = r#"
require_node_config
help() { echo "edeliver backup [WORD]  keeps a copy"; }
run() {
  status "backing $APP up with $COMMAND of $ARGS on $NODES"
  __remote "echo backed up >'$DELIVER_TO/backup'"
  [ "$ARGS" != "to nowhere" ] || error "there is no such place"
}
"#;

#[test]
fn a_project_brings_commands_along() {
    let program = project("helper() { :; }");
    program.write(".deliver/strategies/erlang-backup", STRATEGY);
    program.write(".deliver/help", "print_custom_commands_help() { echo '  edeliver backup'; }\n");
    let apps = program.project().parent().unwrap().join("apps");
    let done = run(&program, "backup staging --to=disk --plain", 0);
    let said = format!("backing shop up with backup of staging --to=disk on localhost:{}", apps.display());
    assert!(done.err.contains(&said), "{}", done.err);
    assert_eq!(fs::read_to_string(apps.join("backup")).unwrap(), "backed up\n");
    assert!(run(&program, "run list", 0).out.contains("backup of shop"));
    let failed = run(&program, "backup to nowhere", 8);
    assert!(failed.err.contains("there is no such place"), "{}", failed.err);

    assert_eq!(run(&program, "help backup", 0).out, "edeliver backup [WORD]  keeps a copy\n");
    let help = run(&program, "help", 0).out;
    assert!(help.contains("Commands:") && help.ends_with("  edeliver backup\n"), "{help}");
    // Only the whole name is one: the original took the first file that had the word somewhere in its path.
    for word in ["back", "erlang-backup", "../strategies/erlang-backup"] {
        assert!(run(&program, word, 2).err.contains("there is no command"), "{word}");
    }
}

/// The classic archive of a release that never runs.
fn archive(program: &Program, version: &str) {
    let lines = format!(
        "mkdir -p r/bin r/lib/shop-{version}/ebin r/releases/{version} .deliver/releases && echo x >r/bin/shop && \
         echo '{{application,shop,[{{vsn,\"{version}\"}}]}}.' >r/lib/shop-{version}/ebin/shop.app && \
         echo '{{release,{{\"shop\",\"{version}\"}},{{erts,\"13.1\"}},[{{shop,\"{version}\"}}]}}.' >r/releases/{version}/shop.rel && \
         touch r/releases/{version}/env.sh r/releases/{version}/vm.args && echo secret >r/releases/COOKIE && \
         echo '13.1 {version}' >r/releases/start_erl.data && \
         tar -C r -czf .deliver/releases/shop_{version}.release.tar.gz . && rm -r r"
    );
    let done = program.shell(&lines);
    assert_eq!(done.code, 0, "{}", done.err);
}

#[test]
fn a_release_and_a_configuration_are_checked() {
    let program = project("");
    archive(&program, "0.1.0");
    let whole = run(&program, "check release", 0);
    assert!(whole.out.starts_with("shop 0.1.0 is whole: 7 files, "), "{}", whole.out);
    let changed = program.shell("f=$(grep -rl secret .deliver/store/blobs) && chmod u+w $f && echo other >$f");
    assert_eq!(changed.code, 0, "{}", changed.err);
    let damaged = run(&program, "check release --version=0.1.0", 4);
    assert!(
        damaged.err.contains("1 file of shop 0.1.0 can't be used") && damaged.err.contains("releases/COOKIE"),
        "{}",
        damaged.err
    );
    assert!(run(&program, "check config", 0).out.contains("staging (1 host)"));
    program.write(".deliver/config", "APP=shop\nBUILD_HOST=b\n");
    assert!(run(&program, "check config", 3).err.contains("BUILD_AT is not set"));
    assert_eq!(run(&program, "check", 2).out, "");
}

#[test]
fn a_release_is_unpacked_changed_and_packed_again() {
    let program = project("");
    archive(&program, "0.1.0");
    let dir = program.project().join(".deliver/.tmp/shop_0.1.0.release");
    assert_eq!(run(&program, "unpack release", 0).out.trim(), dir.display().to_string());
    assert_eq!(fs::read_to_string(dir.join("releases/COOKIE")).unwrap(), "secret\n");
    fs::write(dir.join("releases/0.1.0/vm.args"), "+P 5000000\n").unwrap();
    fs::write(dir.join("bin/.hidden"), "kept too\n").unwrap();
    let asked = run(&program, "pack release --version=0.1.0", 4);
    assert!(asked.err.contains("shop 0.1.0 is in the store already") && asked.err.contains("--force"), "{}", asked.err);
    run(&program, "pack release --force", 0);
    assert!(run(&program, "check release", 0).out.contains("8 files"));
    fs::write(dir.join("releases/COOKIE"), "mine\n").unwrap();
    assert!(run(&program, "unpack release", 4).err.contains("--force"), "what somebody has changed is not lost");
    run(&program, "unpack release -F", 0);
    assert_eq!(fs::read_to_string(dir.join("releases/0.1.0/vm.args")).unwrap(), "+P 5000000\n");
    assert_eq!(fs::read_to_string(dir.join("releases/COOKIE")).unwrap(), "secret\n");

    fs::write(dir.join("releases/start_erl.data"), "13.1 9.9.9\n").unwrap();
    assert_ne!(program.run(&["pack", "release", "-F"]).code, 0);
    assert!(!run(&program, "show releases", 0).out.contains("9.9.9"), "another version is not what was asked for");
    assert!(run(&program, "pack release --version=7.7.7", 2).err.contains("edeliver unpack release --version=7.7.7"));
    assert!(run(&program, "pack upgrade", 2).err.contains("no upgrade is unpacked"));
}

#[test]
fn the_versions_of_an_erlang_project_are_counted_up_where_they_stand() {
    let program = project("");
    program.write("apps/shop/src/shop.app.src", "{application, shop, [{vsn, \"1.2.3\"}]}. % ours\n");
    program.write("apps/till/src/till.app.src", "{application, till, [{vsn, \"0.9\"}]}.\n");
    program.write("rebar.config", "{relx, [{release, {shop, \"1.2.3\"}, [shop, till]}]}.\n");
    program.write("deps/x/rebar.config", "{relx, [{release, {shop, \"8\"}, []}]}.\n");
    let git = "git -c user.name=a -c user.email=a@b -c commit.gpgsign=false";
    let committed = program.shell(&format!("git init -q && git add . && {git} commit -qm one"));
    assert_eq!(committed.code, 0, "{}", committed.err);
    assert!(run(&program, "increase versions", 2).err.contains("--from="), "there is no tag yet");
    program.shell(&format!("git tag v1 && touch apps/shop/src/new.erl && git add . && {git} commit -qm two"));

    let done = run(&program, "increase minor versions", 0);
    let rows: Vec<Vec<&str>> = done.out.lines().map(|line| line.split_whitespace().collect()).collect();
    let expected = [["file", "from", "to"], ["apps/shop/src/shop.app.src", "1.2.3", "1.2.4"], ["rebar.config", "1.2.3", "1.2.4"]];
    assert_eq!(rows, expected);
    assert!(done.err.contains("git tag 1.2.4"), "{}", done.err);
    let read = |file: &str| fs::read_to_string(program.project().join(file)).unwrap();
    assert_eq!(read("apps/shop/src/shop.app.src"), "{application, shop, [{vsn, \"1.2.4\"}]}. % ours\n");
    run(&program, "increase major", 0);
    run(&program, "increase", 0);
    assert!(read("rebar.config").contains("\"1.3.1\""), "{}", read("rebar.config"));
    run(&program, "increase versions --from=HEAD", 0);
    assert!(read("rebar.config").contains("\"2.0\"") && read("apps/shop/src/shop.app.src").contains("\"1.3.1\""));

    program.write("rebar.config", "{relx, [{release, {shop, \"rc\"}, [shop]}]}.\n");
    let refused = run(&program, "increase major versions", 2);
    assert!(refused.err.contains("rebar.config has the version \"rc\"") && read("apps/shop/src/shop.app.src").contains("1.3.1"));
    assert_eq!(run(&program, "increase minor major", 2).out, "");
}
