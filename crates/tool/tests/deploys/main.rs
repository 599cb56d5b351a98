//! The verbs on a target, with the real program and real releases, on "hosts" that are folders of this machine.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod adopt;
mod asked;
mod bad;
mod deadman;
mod drift;
mod fleet;
mod lease;
mod notices;
mod prompts;
mod resume;
mod road;
mod store;
#[path = "../program/terminal.rs"]
mod terminal;
mod traffic;
