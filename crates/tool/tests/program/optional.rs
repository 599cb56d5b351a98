//! Tests with something that is not in the project: they count as ignored, and it is said why once, until a variable names it.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

/// Runs them, after `begin`, if there is such a variable; `missing` says what it does not name.
#[expect(clippy::print_stderr, reason = "the reason belongs beside the test runner's own words")]
pub(crate) fn run(variable: &str, missing: &str, tests: &[(&'static str, fn())], begin: fn()) -> ExitCode {
    let ignored = std::env::var_os(variable).is_none();
    if ignored {
        eprintln!("these tests are skipped: {variable} names no {missing}");
    }
    let arguments = Arguments::from_args();
    if !ignored && !arguments.list {
        begin();
    }
    let run = |test: fn()| {
        move || -> Result<(), Failed> {
            test();
            Ok(())
        }
    };
    let trials = tests.iter().map(|(name, test)| Trial::test(*name, run(*test)).with_ignored_flag(ignored));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
