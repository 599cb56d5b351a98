//! The transports against real shells and a real sshd on the loopback.
#![expect(clippy::unwrap_used, reason = "a test ends where it is wrong")]

mod conformance;
mod local;
mod ssh;
mod sshd;
