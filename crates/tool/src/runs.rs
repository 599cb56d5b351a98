//! Journals of runs: written while a run goes on, listed and shown later.

mod journal;
mod masked;

use edeliver_core::name::RunId;

pub use journal::Journal;
pub use masked::masked;

/// The identity of a run that begins now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Its id: date and time (UTC), and four hex digits so that two runs of one second differ.
    pub run: RunId,
    /// Seconds since 1970.
    pub unix: u64,
}

impl Begun {
    /// A new run's identity.
    pub fn now() -> Self {
        let now = jiff::Timestamp::now();
        let salt = u32::try_from(now.subsec_nanosecond()).unwrap_or(0) ^ std::process::id();
        let id = format!("{}-{:04x}", now.strftime("%Y%m%d-%H%M%S"), salt & 0xffff);
        let run = id.parse().expect("digits, dashes and hex digits are a run id");
        Self { run, unix: u64::try_from(now.as_second()).unwrap_or(0) }
    }
}
