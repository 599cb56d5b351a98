//! What lies between us and a host.

use std::{fmt, str::FromStr};

use edeliver_lab::Link;

/// A round trip time, and perhaps a speed limit; as words `40` and `40/100`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cable {
    /// Added round trip, milliseconds.
    pub(super) latency_ms: f64,
    /// Megabit per second in each direction, for each host; 0: no limit.
    pub(super) rate_mbit: f64,
}

impl Cable {
    /// Whether there is a delay, and nothing else.
    pub(super) fn is_far(self) -> bool {
        self.latency_ms > 0.0 && self.rate_mbit == 0.0
    }
    /// With so many times the delay.
    pub(super) fn slower(self, times: u32) -> Self {
        Self { latency_ms: self.latency_ms * f64::from(times), ..self }
    }
    pub(super) fn link(self) -> Link {
        Link { latency_ms: self.latency_ms, rate_mbit: self.rate_mbit, ..Link::default() }
    }
}

impl FromStr for Cable {
    type Err = std::num::ParseFloatError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (latency, rate) = text.split_once('/').unwrap_or((text, "0"));
        Ok(Self { latency_ms: latency.parse()?, rate_mbit: rate.parse()? })
    }
}

impl fmt::Display for Cable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms", self.latency_ms)?;
        if self.rate_mbit > 0.0 { write!(f, ", {} Mbit/s", self.rate_mbit) } else { Ok(()) }
    }
}
