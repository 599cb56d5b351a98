//! Nodes of real releases, found, asked, started and stopped by the fixed scripts: with dash's and with busybox's sh and tools.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod bad_days;
mod blind;
mod epmd;
mod found;
mod life;
mod link;
mod release;
mod road;
mod shells;
mod trouble;
