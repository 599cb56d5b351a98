//! The transport where a loopback is not enough: in a network that can be cut, at a terminal, and in a program that is killed.
//!
//! A test starts this program once more, in a role: inside the lab's network, or with a terminal. What the role prints is what
//! the test looks at. Without the right to make lab hosts, those tests count as ignored.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test ends where it is wrong, and a role says what it sees")]

#[expect(dead_code, reason = "the loopback tests use more of it")]
#[path = "../transport/conformance.rs"]
mod conformance;
mod hosts;
mod player;
mod roles;
#[expect(dead_code, reason = "the loopback tests use more of it")]
#[path = "../transport/sshd.rs"]
mod sshd;
mod terminal;

use std::process::ExitCode;

use edeliver_lab::Lab;
use libtest_mimic::{Arguments, Failed, Trial};

/// A test: its name, and what it does.
type Test = (&'static str, fn() -> Result<(), Failed>);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == roles::WORD) {
        return roles::play(&words[1..]);
    }
    let impossible = Lab::possible().err();
    if let Some(why) = &impossible {
        println!("tests on lab hosts are skipped: {why}");
    }
    let trial = |ignored: bool| move |(name, test): &Test| Trial::test(*name, *test).with_ignored_flag(ignored);
    let trials = terminal::TESTS.iter().map(trial(false)).chain(hosts::TESTS.iter().map(trial(impossible.is_some())));
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit_code()
}
