//! The transports against real shells and a real sshd on the loopback.

mod conformance;
mod local;
mod ssh;
mod sshd;
