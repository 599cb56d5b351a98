//! The program on real hosts: ssh, git, mix, rebar3, nodes, and bad days. Each test has hosts of its own out of Linux namespaces.
//!
//! Without the right to make such hosts every test here counts as ignored, and says why once.

#![expect(clippy::zombie_processes, reason = "a test that fails leaves its process to the lab, which ends it")]

mod bad_days;
mod bucket;
mod calls;
mod ci;
mod classic;
mod commands;
mod company;
mod fetching;
mod fleet_days;
mod fleets;
mod killed;
mod leases;
mod logins;
mod main_job;
mod scene;
#[path = "../stores/server.rs"]
#[expect(dead_code, clippy::unwrap_used, reason = "a part of it is used here, in a process of its own")]
mod server;
mod shells;
mod stores;
mod systemd;
mod upgrades;
mod world;

use std::process::ExitCode;

use edeliver_lab::Lab;
use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name, and what it does.
type Test = (&'static str, fn() -> Result<(), Failed>);

#[expect(clippy::print_stderr, reason = "the reason belongs beside the test runner's own words")]
fn main() -> ExitCode {
    if bucket::serves() {
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let possible = Lab::possible();
    if let Err(why) = &possible {
        eprintln!("lab tests are skipped: {why}");
    }
    let tests = [
        main_job::TESTS,
        bad_days::TESTS,
        bucket::TESTS,
        calls::TESTS,
        ci::TESTS,
        classic::TESTS,
        commands::TESTS,
        company::TESTS,
        fetching::TESTS,
        fleet_days::TESTS,
        fleets::TESTS,
        killed::TESTS,
        leases::TESTS,
        logins::TESTS,
        shells::TESTS,
        stores::TESTS,
        upgrades::TESTS,
    ]
    .concat();
    let trials = tests.into_iter().map(|(name, test)| Trial::test(name, test).with_ignored_flag(possible.is_err()));
    let with_systemd = Lab::systemd_possible();
    if let (Ok(()), Err(why)) = (&possible, &with_systemd) {
        eprintln!("tests with systemd are skipped: {why}");
    }
    let more = systemd::TESTS.iter().map(|(name, test)| Trial::test(*name, test).with_ignored_flag(with_systemd.is_err()));
    libtest_mimic::run(&arguments, trials.chain(more).collect()).exit_code()
}
