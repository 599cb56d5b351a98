//! A failed test of live nodes and hosts is asked once more, alone.
//!
//! Several times as many of those tests as there are processors run at once, each with VMs and sshds of its own, and their machine may have
//! other work. What fails there and holds when it is alone is told as **flaky**, by name, and has to be mended; it is no reason to refuse
//! what was changed. What is decided without a clock (unit tests, the command line, files) is never asked twice.

use std::error::Error;

use super::{lanes::Ended, programs::Program};

/// Test programs whose tests are about other processes' time.
const LIVE: [&str; 10] =
    ["agent", "deploys", "disks", "lab", "migrations", "nodes", "pages", "transport", "transport_lab", "upgrades"];

/// More failures than this are no accident.
const AT_MOST: usize = 3;

/// Failures of live tests get a second chance.
///
/// # Errors
/// What failed for good.
pub(super) fn settle(ended: &[Ended]) -> Result<(), Box<dyn Error>> {
    let failed: Vec<&Ended> = ended.iter().filter(|one| !one.success).collect();
    if failed.is_empty() {
        return Ok(());
    }
    let titles: Vec<&str> = failed.iter().map(|one| one.title.as_str()).collect();
    let refused = format!("failed: {}", titles.join("; "));
    let Some(tests) = accidents(&failed) else { return Err(refused.into()) };
    let names: Vec<&str> = tests.iter().map(|(_, test)| *test).collect();
    println!("\nonce more, one by one: {}", names.join(", "));
    for (program, test) in &tests {
        alone(program, test).map_err(|why| format!("{refused}; {why}"))?;
    }
    println!("\nFLAKY, to be mended: {} failed among others and passed alone", names.join(", "));
    Ok(())
}

fn alone(program: &Program, test: &str) -> Result<(), Box<dyn Error>> {
    let output = program.command().args(["--exact", test, "--test-threads=1"]).output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{said}{}", String::from_utf8_lossy(&output.stderr));
    let passed = said.lines().any(|line| verdict(line) == Some((test, "ok")));
    if output.status.success() && passed { Ok(()) } else { Err(format!("{test} fails alone too").into()) }
}

/// The failed tests with their programs, if all may have failed because others ran beside them.
fn accidents<'a>(failed: &[&'a Ended]) -> Option<Vec<(&'a Program, &'a str)>> {
    let mut tests = Vec::new();
    for one in failed {
        let program = one.program.as_ref().filter(|program| !program.is_unit() && LIVE.contains(&program.name.as_str()))?;
        // One that ended without saying which test it was has failed for another reason.
        one.said.lines().find(|line| line.starts_with("test result: FAILED"))?;
        let names = one.said.lines().filter_map(verdict).filter(|(_, word)| *word == "FAILED").map(|(test, _)| (program, test));
        tests.extend(names);
    }
    (1..=AT_MOST).contains(&tests.len()).then_some(tests)
}

/// The test and the word of a line such as `test a_name ... ok`.
fn verdict(line: &str) -> Option<(&str, &str)> {
    let (test, word) = line.trim().strip_prefix("test ")?.rsplit_once(" ... ")?;
    Some((test.trim_end(), word))
}

#[cfg(test)]
mod tests {
    use super::{Ended, Program, accidents};

    const CUT: &str = "test a_host_reboots ... ok\ntest a_link_is_cut      ... FAILED\ntest result: FAILED. 1 passed; 1 failed\n";

    fn ended(name: &str, said: &str) -> Ended {
        Ended::failed(Program::named(name), said)
    }

    #[test]
    fn a_test_of_live_hosts_may_have_failed_by_accident() {
        let (lab, nodes) = (ended("lab", CUT), ended("nodes", &CUT.replace("a_link", "a_node")));
        let tests = accidents(&[&lab, &nodes]).expect("they may be");
        let names: Vec<_> = tests.iter().map(|(program, test)| (program.name.as_str(), *test)).collect();
        assert_eq!(names, [("lab", "a_link_is_cut"), ("nodes", "a_node_is_cut")]);
    }
    #[test]
    fn other_failures_are_none() {
        let lab = ended("lab", CUT);
        let mut unit = Program::named("lab");
        unit.kind = "lib".to_owned();
        let unit = Ended::failed(unit, CUT);
        let died = ended("nodes", "test it_goes_on ... ok\n");
        let mut lint = ended("clippy", "error");
        lint.program = None;
        for other in [&unit, &died, &lint, &ended("cli", CUT)] {
            assert_eq!(accidents(&[other]), None);
            assert_eq!(accidents(&[&lab, other]), None, "with one that may be");
        }
    }
    #[test]
    fn many_are_none_either() {
        let many: String = (0..4).map(|n| format!("test t{n} ... FAILED\n")).collect();
        assert_eq!(accidents(&[&ended("lab", &format!("{many}test result: FAILED\n"))]), None);
    }
}
