//! How many hosts of a fleet, as people write it.

use std::{fmt, str::FromStr};

use crate::select::Selector;

/// A number of hosts (`3`), or a part of them (`10%`). Never none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Share {
    /// So many.
    Count(u32),
    /// So many of a hundred, 1 to 100.
    Percent(u32),
}

/// What is no share.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a number of hosts like 2, or a part of them like 10%, is expected")]
pub struct ShareError;

impl Share {
    /// Of so many hosts; at least one.
    pub fn of(self, hosts: usize) -> usize {
        let share = match self {
            Self::Count(count) => count as usize,
            // Rounded down, so that 50% of three are not most of them.
            Self::Percent(percent) => hosts * percent as usize / 100,
        };
        share.max(1)
    }
    /// Of so many hosts, where at least so many are wanted: 80% of three are three. Never more than there are.
    pub fn at_least(self, hosts: usize) -> usize {
        let share = match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => (hosts * percent as usize).div_ceil(100),
        };
        share.min(hosts)
    }
}

impl FromStr for Share {
    type Err = ShareError;
    fn from_str(text: &str) -> Result<Self, ShareError> {
        let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten();
        match text.strip_suffix('%') {
            Some(percent) => digits(percent).filter(|percent| (1..=100).contains(percent)).map(Self::Percent),
            None => digits(text).filter(|count| *count > 0).map(Self::Count),
        }
        .ok_or(ShareError)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

/// Who belongs to a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaveSize {
    /// The next so many hosts.
    Share(Share),
    /// All that are left.
    Rest,
    /// Those of the others that have a tag, or whose names fit.
    Of(Selector),
}

/// What says of no wave who belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "a number of hosts like 2, a part of them like 10%, a tag like @canary, a pattern of host names like eu-*, or `rest` is expected"
)]
pub struct WaveSizeError;

impl FromStr for WaveSize {
    type Err = WaveSizeError;
    fn from_str(text: &str) -> Result<Self, WaveSizeError> {
        let number_like = text.starts_with(|c: char| c.is_ascii_digit()) && text.trim_end_matches('%').parse::<u64>().is_ok();
        match text {
            "rest" => Ok(Self::Rest),
            text if text.starts_with('-') => Err(WaveSizeError),
            text if number_like => text.parse().map(Self::Share).map_err(|_| WaveSizeError),
            text => text.parse().map(Self::Of).map_err(|_| WaveSizeError),
        }
    }
}

impl fmt::Display for WaveSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Share(share) => share.fmt(f),
            Self::Rest => f.write_str("rest"),
            Self::Of(selector) => selector.fmt(f),
        }
    }
}
