//! Hidden verb `__relay`: a process between two TAP devices that carries frames from one to the other, late.
//!
//! For kernels without netem. The packets stay real: handshakes, retransmissions and netsplits are the kernel's own,
//! which a proxy of TCP connections could not give. One process for each slow host, so that they do not wait for each
//! other.

mod tap;

use std::collections::VecDeque;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::error::During;
use crate::{LabError, Link};

/// Said on standard output when both devices are there.
pub(crate) const READY: &str = "ready";

/// As many frames wait in each direction at most; a full queue loses what comes, as a router's does.
const QUEUE: usize = 20_000;
/// Frames read from a device before the other one gets its turn.
const BATCH: usize = 64;
/// The largest frame with offloading: 64 KiB and headers.
const FRAME: usize = 70_000;

/// One way through the relay.
struct Way {
    from: File,
    waiting: VecDeque<(Instant, Vec<u8>)>,
}

struct Relay {
    /// From the bridge, and from the host.
    ways: [Way; 2],
    link: Link,
    chance: Chance,
    buffer: Vec<u8>,
}

/// Runs until a device or the one who gives orders on standard input is gone.
pub(crate) fn relay(near: &str, far: &str) -> Result<(), LabError> {
    let mut stdout = std::io::stdout();
    let devices = tap::open(near).and_then(|near| Ok([near, tap::open(far)?]));
    let say = match &devices {
        Ok(_) => READY.to_owned(),
        Err(error) => format!("/dev/net/tun: {error}"),
    };
    writeln!(stdout, "{say}").and_then(|()| stdout.flush()).during(|| "speak to the hub".to_owned())?;
    let devices = devices.during(|| "make TAP devices".to_owned())?;
    let ways = devices.map(|from| Way { from, waiting: VecDeque::new() });
    Relay { ways, link: Link::default(), chance: Chance::new(), buffer: vec![0; FRAME] }.carry()
}

impl Relay {
    fn carry(mut self) -> Result<(), LabError> {
        let mut orders = Orders::default();
        loop {
            let [near, far, spoken] = self.sleep()?;
            if spoken {
                match orders.hear() {
                    Some(link) => self.link = link,
                    None => return Ok(()),
                }
            }
            for way in [near.then_some(0), far.then_some(1)].into_iter().flatten() {
                if self.take_in(way).is_err() {
                    return Ok(());
                }
            }
            self.hand_out();
        }
    }

    /// Until a frame comes or one is due, or there are orders.
    fn sleep(&self) -> Result<[bool; 3], LabError> {
        let stdin = std::io::stdin();
        let [near, far] = &self.ways;
        let fds = [near.from.as_fd(), far.from.as_fd(), stdin.as_fd()];
        let mut watched = fds.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        let due = self.ways.iter().filter_map(|way| way.waiting.front()).map(|(due, _)| *due).min();
        let limit = due.map(time_until);
        match poll(&mut watched, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(watched.map(|fd| !fd.revents().is_empty())),
            Err(error) => Err(error).during(|| "wait for frames".to_owned()),
        }
    }

    /// # Errors
    /// When the device is gone, which it is with its host.
    fn take_in(&mut self, way: usize) -> std::io::Result<()> {
        let delay = Duration::from_secs_f64(self.link.latency_ms.max(0.0) / 2000.0);
        let Way { from, waiting } = &mut self.ways[way];
        for _ in 0..BATCH {
            let length = match from.read(&mut self.buffer) {
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            if waiting.len() < QUEUE && !self.chance.strikes(self.link.loss_percent) {
                waiting.push_back((Instant::now() + delay, self.buffer[..length].to_vec()));
            }
        }
        Ok(())
    }

    /// In the order in which they came, so a delay that was just lowered overtakes nobody.
    fn hand_out(&mut self) {
        let now = Instant::now();
        let [near, far] = &mut self.ways;
        for (waiting, to) in [(&mut near.waiting, &mut far.from), (&mut far.waiting, &mut near.from)] {
            while waiting.front().is_some_and(|(due, _)| *due <= now) {
                let (_, frame) = waiting.pop_front().expect("there is a front");
                // A device that is full or gone: a lost packet.
                let _ = to.write(&frame);
            }
        }
    }
}

fn time_until(due: Instant) -> Timespec {
    let left = due.saturating_duration_since(Instant::now());
    Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() }
}

/// Links as lines of JSON on standard input.
#[derive(Default)]
struct Orders(Vec<u8>);

impl Orders {
    /// The latest; none if there will be no more.
    fn hear(&mut self) -> Option<Link> {
        let mut latest = None;
        while latest.is_none() {
            let mut some = [0; 4096];
            // Not through std's buffered stdin: poll cannot see what has been read ahead.
            let length = rustix::io::read(std::io::stdin(), &mut some).ok().filter(|length| *length > 0)?;
            self.0.extend_from_slice(&some[..length]);
            while let Some(end) = self.0.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.0.drain(..=end).collect();
                latest = serde_json::from_slice(&line).ok().or(latest);
            }
        }
        latest
    }
}

/// xorshift64: lost frames need no better dice.
struct Chance(u64);

impl Chance {
    fn new() -> Self {
        Self(u64::from(std::process::id()) << 32 | 0x9e37_79b9)
    }

    fn strikes(&mut self, percent: f64) -> bool {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        let [a, b, c, d, ..] = self.0.to_be_bytes();
        f64::from(u32::from_be_bytes([a, b, c, d])) / f64::from(u32::MAX) * 100.0 < percent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn about_as_many_frames_are_lost_as_was_asked() {
        let mut chance = Chance::new();
        let lost = (0..10_000).filter(|_| chance.strikes(5.0)).count();
        assert!((400..600).contains(&lost), "{lost} of 10000 at 5 %");
        assert_eq!((0..1000).filter(|_| chance.strikes(0.0)).count(), 0);
    }
}
