//! Waves of a rollout.

use edeliver_core::{name::HostName, strategy};

use crate::ui::{
    style::{STRONG, WARN, paint},
    words,
};

pub(super) fn begins(number: usize, of: usize, hosts: &[HostName]) -> String {
    format!("{} {}", paint(STRONG, format_args!("wave {number} of {of}:")), strategy::some(hosts))
}

/// Only where there is something to say: of each host one was told already.
pub(super) fn ended(number: usize, of: usize, failed: usize) -> Vec<String> {
    let told = || paint(WARN, format_args!("wave {number} of {of}: {} failed", words::count(failed, "host")));
    (failed > 0).then(told).into_iter().collect()
}
