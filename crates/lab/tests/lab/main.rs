//! The lab's promises, kept on real kernels. Without root every test counts as ignored, with the reason beside its name.

mod fault;
mod host;
mod life;
mod network;
mod systemd;

use std::process::{Command, Output, Stdio};

use edeliver_lab::{Lab, LabSpec};
use libtest_mimic::{Arguments, Failed, Trial};

type Test = (&'static str, fn() -> Result<(), Failed>);

fn main() {
    let arguments = Arguments::from_args();
    let possible = Lab::possible();
    let tests = [host::TESTS, network::TESTS, fault::TESTS, life::TESTS].concat();
    let with_systemd = if arguments.list { possible.clone() } else { Lab::systemd_possible() };
    let trials = tests.into_iter().map(|test| trial(test, &possible));
    let trials = trials.chain(systemd::TESTS.iter().map(|test| trial(*test, &with_systemd)));
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

/// A test that counts as ignored where the machine can't hold what it needs.
fn trial((name, run): Test, possible: &Result<(), String>) -> Trial {
    match possible {
        Ok(()) => Trial::test(name, run),
        Err(why) => Trial::test(name, run).with_kind(why.clone()).with_ignored_flag(true),
    }
}

/// `prod1` to `prodN` alone.
fn prod(n: usize) -> Result<Lab, Failed> {
    let names = (1..=n).map(|k| format!("prod{k}"));
    Ok(Lab::up(names.fold(LabSpec::empty(), |lab, name| lab.host(&name, Default::default())))?)
}

fn output(command: &mut Command) -> Result<Output, Failed> {
    Ok(command.stdin(Stdio::null()).output()?)
}

/// What a command line on a host prints; it has to succeed.
fn on(lab: &Lab, host: &str, line: &str) -> Result<String, Failed> {
    let output = output(lab.ssh(host).arg(line))?;
    let text = String::from_utf8(output.stdout)?;
    if output.status.success() {
        return Ok(text.trim().to_owned());
    }
    Err(format!("{line}: {}: {text}{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}

/// How a command line fails: its status and what ssh or the command says.
fn failure(lab: &Lab, options: &[&str], host: &str, line: &str) -> Result<(i32, String), Failed> {
    let mut command = lab.command("ssh");
    let output = output(command.arg("-F").arg(lab.ssh_config()).args(options).args([host, line]))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    match output.status.code() {
        Some(0) => Err(format!("{line} on {host} was to fail").into()),
        code => Ok((code.unwrap_or(-1), said)),
    }
}

fn assert_contains(text: &str, part: &str) -> Result<(), Failed> {
    if text.contains(part) { Ok(()) } else { Err(format!("no `{part}` in: {text}").into()) }
}
