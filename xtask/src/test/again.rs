//! A failed test of live nodes and hosts is asked once more, alone.
//!
//! Twice as many of those tests as there are processors run at once, each with VMs and sshds of its own, and their machine may have other
//! work. What fails there and holds when it is alone is told as **flaky**, by name, and has to be mended; it is no reason to refuse what
//! was changed. What is decided without a clock (unit tests, the command line, files) is never asked twice.

use std::{
    error::Error,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

use crate::cargo;

/// Test programs of package `edeliver` whose tests are about other processes' time.
const LIVE: [&str; 10] =
    ["agent", "deploys", "disks", "lab", "migrations", "nodes", "pages", "transport", "transport_lab", "upgrades"];

/// More failures than this are no accident.
const AT_MOST: usize = 3;

/// Runs `cargo test` with these arguments; failures of live tests get a second chance.
///
/// # Errors
/// What failed for good.
pub(super) fn run(args: &[&str]) -> Result<(), Box<dyn Error>> {
    let (success, said) = tee(cargo::cargo(args))?;
    if success {
        return Ok(());
    }
    let failed = Failed::read(&said);
    let refused = || format!("`cargo {}` failed", args.join(" "));
    if !failed.may_be_accidents() {
        return Err(refused().into());
    }
    println!("\nonce more, one by one: {}", failed.tests.join(", "));
    for test in &failed.tests {
        alone(test, &failed.programs).map_err(|why| format!("{}; {why}", refused()))?;
    }
    println!("\nFLAKY, to be mended: {} failed among others and passed alone", failed.tests.join(", "));
    Ok(())
}

fn alone(test: &str, programs: &[String]) -> Result<(), Box<dyn Error>> {
    // Of the whole workspace, as before: alone, the package has other features and would be compiled anew.
    let mut args = vec!["test", "--workspace"];
    args.extend(programs.iter().flat_map(|program| ["--test", program]));
    args.extend(["--", "--exact", test, "--test-threads=1"]);
    let (success, said) = tee(cargo::cargo(&args))?;
    let passed = said.lines().any(|line| verdict(line) == Some((test, "ok")));
    if success && passed { Ok(()) } else { Err(format!("{test} fails alone too").into()) }
}

/// What a run of cargo says of its failures.
#[derive(Debug, PartialEq)]
struct Failed {
    tests: Vec<String>,
    /// The live test programs among those that failed.
    programs: Vec<String>,
    /// Programs that failed and are not live, or ended without saying which test it was.
    others: usize,
}

impl Failed {
    fn read(said: &str) -> Self {
        let lines = || said.lines().map(str::trim);
        let target = |line: &str| Some(line.strip_prefix("`-p ")?.strip_suffix('`')?.to_owned());
        let targets: Vec<String> = lines().filter_map(target).collect();
        let live = |target: &String| target.strip_prefix("edeliver --test ").filter(|name| LIVE.contains(name)).map(str::to_owned);
        let programs: Vec<String> = targets.iter().filter_map(live).collect();
        let told = lines().filter(|line| line.starts_with("test result: FAILED")).count();
        let failed = |line| verdict(line).filter(|(_, word)| *word == "FAILED").map(|(test, _)| test.to_owned());
        Self { tests: lines().filter_map(failed).collect(), others: targets.len() - told.min(programs.len()), programs }
    }
    fn may_be_accidents(&self) -> bool {
        self.others == 0 && !self.programs.is_empty() && (1..=AT_MOST).contains(&self.tests.len())
    }
}

/// The test and the word of a line such as `test a_name ... ok`.
fn verdict(line: &str) -> Option<(&str, &str)> {
    let (test, word) = line.trim().strip_prefix("test ")?.rsplit_once(" ... ")?;
    Some((test.trim_end(), word))
}

/// Runs it with its output shown, and gives that too: whether it succeeded, and what it said.
fn tee(mut command: Command) -> Result<(bool, String), Box<dyn Error>> {
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().map_err(|e| format!("cargo can't be started: {e}"))?;
    let (out, err) = (child.stdout.take(), child.stderr.take());
    let words = thread::spawn(move || shown(err, std::io::stderr()));
    let mut said = shown(out, std::io::stdout());
    said.push_str(&words.join().unwrap_or_default());
    Ok((child.wait()?.success(), said))
}

fn shown(from: Option<impl Read>, mut to: impl Write) -> String {
    let mut said = String::new();
    let Some(from) = from else { return said };
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        // Nobody may listen any more; the tests go on.
        let _ = writeln!(to, "{line}");
        said.extend([&line, "\n"]);
    }
    said
}

#[cfg(test)]
mod tests {
    use super::Failed;

    const LAB: &str = "test a_host_reboots ... ok\ntest a_link_is_cut      ... FAILED\ntest result: FAILED. 1 passed; 1 failed\n\
                       error: 1 target failed:\n    `-p edeliver --test lab`\n";

    #[test]
    fn a_test_of_live_hosts_may_have_failed_by_accident() {
        let failed = Failed::read(LAB);
        assert_eq!((&failed.tests[..], &failed.programs[..]), (&["a_link_is_cut".to_owned()][..], &["lab".to_owned()][..]));
        assert!(failed.may_be_accidents());
    }
    #[test]
    fn other_failures_are_none() {
        let unit = "test plan::waves ... FAILED\ntest result: FAILED. 1 failed\n    `-p edeliver-core --lib`\n";
        let died = "test result: ok. 4 passed\n    `-p edeliver --test nodes`\n";
        let unbuilt = "error[E0425]: cannot find value `x` in this scope\n";
        for said in [unit.to_owned(), died.to_owned(), unbuilt.to_owned(), format!("{LAB}{unit}"), format!("{LAB}{died}")] {
            assert!(!Failed::read(&said).may_be_accidents(), "{said}");
        }
    }
    #[test]
    fn many_are_none_either() {
        let many: String = (0..4).map(|n| format!("test t{n} ... FAILED\n")).collect();
        assert!(!Failed::read(&format!("{LAB}{many}")).may_be_accidents());
    }
}
