//! Bytes in a second as people write them: `20MB/s`, `500KB/s`, `100Mbit/s`.

use std::{fmt, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::size;

/// So many bytes in a second; never none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate(NonZeroU32);

/// Why a text is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("write it like 20MB/s, 500KB/s or 100Mbit/s: from 1KB/s to 4GB/s")]
pub struct RateError;

/// Units beside those of sizes, with what they are in bits.
const BITS: [(&str, u64); 4] = [("Kbit", 1_000), ("kbit", 1_000), ("Mbit", 1_000_000), ("Gbit", 1_000_000_000)];
/// A slower one would never end, and nobody means it.
const SLOWEST: u64 = 1_000;
const FASTEST: u64 = 4_000_000_000;

impl Rate {
    /// Bytes in a second.
    pub fn bytes(self) -> NonZeroU32 {
        self.0
    }
}

impl FromStr for Rate {
    type Err = RateError;
    fn from_str(text: &str) -> Result<Self, RateError> {
        let text = text.trim().strip_suffix("/s").ok_or(RateError)?;
        let bytes = size::bytes(text).or_else(|| Some(size::of_units(text, &BITS)? / 8)).ok_or(RateError)?;
        let bytes = Some(bytes).filter(|bytes| (SLOWEST..=FASTEST).contains(bytes)).ok_or(RateError)?;
        u32::try_from(bytes).ok().and_then(NonZeroU32::new).map(Self).ok_or(RateError)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.get();
        let units = [("GB", 1_000_000_000), ("MB", 1_000_000), ("KB", 1_000)];
        match units.iter().find(|(_, size)| bytes.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}/s", bytes / size),
            None => write!(f, "{}KB/s", bytes / 1_000),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_as_people_write_them() {
        let bytes = |text: &str| text.parse::<Rate>().ok().map(|rate| rate.bytes().get());
        let known = [("20MB/s", 20_000_000), ("500 kB/s", 500_000), ("100Mbit/s", 12_500_000), ("1MiB/s", 1_048_576)];
        known.iter().for_each(|(text, wanted)| assert_eq!(bytes(text), Some(*wanted), "{text}"));
        for bad in [
            "",
            "20",
            "20MB",
            "MB/s",
            "0MB/s",
            "1B/s",
            "-1MB/s",
            "1.5MB/s",
            "5GB/s",
            "99999999999999999999MB/s",
            "20MB/h",
            "20Mb/s",
        ] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
        let shown = ["20MB/s", "500KB/s", "100Mbit/s", "1GB/s"].map(|text| text.parse::<Rate>().unwrap().to_string());
        assert_eq!(shown, ["20MB/s", "500KB/s", "12500KB/s", "1GB/s"]);
    }
}
