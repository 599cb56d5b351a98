//! What projects of edeliver 1.x bring with them beside their config: functions of their own, in the real program.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod program;

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
