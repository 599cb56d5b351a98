//! Releases kept elsewhere: published by one checkout, deployed by another.

#![expect(clippy::unwrap_used, reason = "a test that can't go on fails")]

mod bad_days;
mod bucket;
mod exchange;
mod host;
#[path = "../program/mod.rs"]
mod program;
mod scene;
mod server;
#[path = "../transport/sshd.rs"]
#[expect(dead_code, reason = "a part of it is used here")]
mod sshd;
#[path = "../program/terminal.rs"]
mod terminal;
