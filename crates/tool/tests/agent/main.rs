//! The agent of hot upgrades (`crates/tool/agent`), each promise in a real node of its own. The cases are Erlang: `agent_cases.erl`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// The cases, compiled once for all tests, and the agent as it is embedded: whatever OTP this is, that is what it gets.
fn compiled() -> &'static Path {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        let sources = ["tests/agent/agent_lab.erl", "tests/agent/agent_cases.erl"].map(here);
        run(Command::new("erlc").arg("-o").arg(dir.path()).args(sources));
        std::fs::copy(here("agent/edeliver_agent.beam"), dir.path().join("edeliver_agent.beam")).expect("the agent");
        dir
    })
    .path()
}

/// The OTP that the agent is compiled by.
fn is_otp_25() -> bool {
    let ask = ["-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt()."];
    Command::new("erl").args(ask).output().expect("erl").stdout == b"25"
}

/// Three versions of an application in Elixir, compiled once.
fn compiled_elixir() -> &'static Path {
    static DIR: OnceLock<tempfile::TempDir> = OnceLock::new();
    DIR.get_or_init(|| {
        let dir = tempfile::tempdir().expect("a directory");
        run(Command::new("elixir")
            .args(["compile.exs", "lab.ex"].map(|file| here("tests/agent/elixir").join(file)))
            .arg(dir.path()));
        dir
    })
    .path()
}

fn run(command: &mut Command) {
    assert!(command.status().expect("erlang and elixir are installed").success(), "{command:?}");
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Where Elixir's own applications are.
fn elixir_libraries() -> PathBuf {
    let out = Command::new("elixir").args(["-e", "IO.write(:code.lib_dir(:elixir))"]).output().expect("elixir");
    PathBuf::from(String::from_utf8(out.stdout).expect("a path")).join("ebin")
}

fn elixir_case(name: &str) {
    case_with(name, |erl| {
        erl.env("LAB_ELIXIR", compiled_elixir()).arg("-pa").arg(elixir_libraries());
    });
}

fn case(name: &str) {
    case_with(name, |_| ());
}

fn case_with(name: &str, more: impl FnOnce(&mut Command)) {
    let root = tempfile::tempdir().expect("a directory");
    let mut erl = Command::new("timeout");
    erl.args(["90", "erl", "-noshell", "-boot", "start_sasl", "-kernel", "logger_level", "none", "-pa"]).arg(compiled());
    more(&mut erl);
    erl.args(["-s", "agent_cases", "run", "-extra", name]);
    let out = erl.env("LAB_ROOT", root.path()).env("ERL_CRASH_DUMP_BYTES", "0").current_dir(root.path()).output().expect("erl");
    let told = format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr));
    #[expect(clippy::print_stdout, reason = "figures belong into the record of the test run")]
    {
        println!("{told}");
    }
    assert!(out.status.success() && told.contains("case passed"), "{told}");
}

/// What is embedded is what the source says. To renew it: `erlc +deterministic -o crates/tool/agent crates/tool/agent/edeliver_agent.erl`, by OTP 25.
#[test]
fn the_embedded_agent_is_compiled_from_its_source() {
    let dir = tempfile::tempdir().expect("a directory");
    run(Command::new("erlc").arg("+deterministic").arg("-o").arg(dir.path()).arg(here("agent/edeliver_agent.erl")));
    // Another OTP makes another file of it; that it can be compiled there is enough.
    if !is_otp_25() {
        return;
    }
    let fresh = std::fs::read(dir.path().join("edeliver_agent.beam")).expect("a beam");
    let kept = std::fs::read(here("agent/edeliver_agent.beam")).expect("a beam");
    assert!(fresh == kept, "agent/edeliver_agent.beam is older than its source");
}

/// OTP 29 refuses modules in which OTP 25 compiled a binary pattern, and the agent is compiled once for all of them.
#[test]
fn the_embedded_agent_has_no_instruction_that_a_later_otp_refuses() {
    let dir = tempfile::tempdir().expect("a directory");
    run(Command::new("erlc").arg("-S").arg("-o").arg(dir.path()).arg(here("agent/edeliver_agent.erl")));
    let assembler = std::fs::read_to_string(dir.path().join("edeliver_agent.S")).expect("assembler");
    let patterns: Vec<_> = assembler.lines().filter(|line| line.contains("{bs_") || line.contains("{test,bs_")).collect();
    assert!(assembler.contains("{function, plain") && patterns.is_empty(), "{patterns:?}");
}

macro_rules! cases {
    ($run:ident: $($name:ident)*) => {$(
        #[test]
        fn $name() {
            $run(stringify!($name));
        }
    )*};
}

cases! { case:
    a_workers_state_is_migrated
    a_revert_takes_todays_state_along
    a_code_change_that_raises_leaves_everything_as_before
    a_code_change_that_returns_an_error_leaves_everything_as_before
    nobody_confirms_and_the_upgrade_goes_back
    ten_thousand_processes_are_suspended_for_less_than_a_quarter_of_a_second
    ten_thousand_processes_are_as_before_after_a_failure
    one_process_is_suspended_for_less_than_five_milliseconds
    a_code_change_that_takes_too_long_leaves_everything_as_before
    a_process_that_never_leaves_code_change_is_started_again_and_the_others_are_as_before
    a_busy_process_is_named_and_nothing_changes
    a_busy_process_keeps_the_configuration_away_too
    a_busy_process_is_waited_for_without_stopping_the_others
    processes_that_call_each_other_all_the_time_are_suspended
    every_kind_of_process_is_migrated_up_and_down
    every_kind_of_process_is_as_before_after_a_failure
    a_state_machine_gets_its_callback_mode_back
    a_process_that_dies_in_the_middle_is_not_missed
    processes_started_meanwhile_have_no_old_state
    processes_that_crash_meanwhile_are_restarted_with_the_new_code
    wrong_child_specifications_are_told_and_nobody_is_killed
    children_are_started_stopped_and_exchanged_up_and_down
    a_child_that_does_not_start_takes_the_upgrade_back
    a_child_that_hangs_in_init_takes_the_upgrade_back
    a_supervisor_whose_new_init_fails_is_as_before
    a_child_that_was_stopped_by_hand_stays_stopped
    modules_are_added_and_removed_and_come_back
    the_window_is_undone_with_added_and_removed_modules
    a_module_with_on_load_is_loaded_and_put_back
    an_on_load_that_fails_leaves_everything_as_before
    a_loop_in_old_code_is_told_and_killed_at_the_commit_only
    children_that_end_with_old_code_do_not_take_their_supervisor_along
    a_child_that_ended_with_old_code_and_does_not_start_again_is_told
    a_revert_with_a_loop_in_old_code_tells_whom_it_ended
    another_md5_than_the_plan_has_is_refused
    instructions_that_restart_the_node_are_refused
    an_instruction_that_raises_takes_the_upgrade_back
    an_instruction_of_the_project_has_its_time_is_heard_and_taken_back
    the_configuration_changes_is_told_and_comes_back
    a_failure_puts_the_configuration_back
    a_callback_that_fails_takes_the_upgrade_back
    providers_are_asked_before_anything_changes
    a_provider_that_fails_is_refused
    a_configuration_that_cant_be_read_is_refused
    a_release_that_cant_boot_is_refused
    configuration_sources_of_relx_are_rendered_with_the_nodes_environment
    the_hosts_own_configuration_counts_in_place_of_the_releases
    applications_join_and_leave_and_come_back
    a_new_application_that_ends_while_the_upgrade_soaks_is_told
    a_failure_after_applications_joined_and_left_brings_them_back
    an_application_that_does_not_start_takes_the_upgrade_back
    the_upgrade_goes_on_when_its_operator_is_gone
    a_second_upgrade_is_refused_while_one_soaks
    a_killed_mover_is_cleared_up_after
    a_killed_mover_is_cleared_up_after_when_the_processes_go_on_already
    what_was_restarted_before_an_upgrade_is_known
    more_time_is_given_to_who_asks
    three_upgrades_in_a_row_and_back
    release_handler_sees_the_truth
    a_commit_is_known_to_the_node
    it_works_without_sasl
}

cases! { case:
    release_handler_carries_the_same_script_out_up_and_down
    a_hook_that_fails_under_release_handler_is_remembered
}

cases! { elixir_case:
    protocols_are_reloaded_up_and_down
    children_of_an_elixir_application_are_found_up_and_down
    what_elixir_code_raises_is_told_as_elixir_tells_it
    children_of_elixir_that_are_not_looked_for_are_told
    providers_of_elixir_are_asked
}
