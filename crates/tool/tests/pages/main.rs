//! Pages of runs, looked at in a real browser; and runs that are watched while they go on.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod browser;
#[expect(dead_code, reason = "the tests of deploys need more of it")]
#[path = "../deploys/fleet.rs"]
mod fleet;
mod looks;
mod real;
mod samples;
#[expect(dead_code, reason = "the tests of deploys need more of it")]
#[path = "../deploys/store.rs"]
mod store;
#[path = "../program/terminal.rs"]
mod terminal;
mod watched;
