//! Slowing a cable down: latency, loss, rate.

use std::io::Write;

use super::Hub;
use super::cable::{Cable, port};
use crate::error::During;
use crate::{HostName, LabError, Link, tool};

impl Hub {
    /// Gives a running host another link; its TCP connections live on.
    pub(super) fn change_link(&mut self, name: &HostName, link: Link) -> Result<(), LabError> {
        let pid = self.init_of(name)?;
        if self.find(name)?.spec.link == link {
            return Ok(());
        }
        self.find_mut(name)?.spec.link = link;
        if link.is_slow() && !self.has_netem() && matches!(self.cable(name)?, Cable::Veth { .. }) {
            self.exchange(name, pid)?;
        }
        self.shape(name)
    }

    /// Applies latency, loss and rate to both ends of the cable.
    pub(super) fn shape(&mut self, name: &HostName) -> Result<(), LabError> {
        let link = self.find(name)?.spec.link;
        let pid = self.init_of(name)?;
        let was_shaped = match self.cable(name)? {
            Cable::Relay { control, shaped } => {
                writeln!(control, "{}", serde_json::to_string(&link).expect("a link is plain data"))
                    .during(|| format!("slow {name} down"))?;
                std::mem::replace(shaped, link.rate_mbit > 0.0)
            }
            Cable::Veth { shaped } => std::mem::replace(shaped, link != Link::default()),
        };
        let by_kernel = matches!(self.cable(name)?, Cable::Veth { .. });
        let near = qdiscs(&port(name), link, by_kernel, was_shaped);
        if near.is_empty() {
            return Ok(());
        }
        let far = qdiscs("eth0", link, by_kernel, was_shaped);
        tool::feed(&["tc", "-batch", "-"], &near)?;
        tool::feed_inside(pid, "net", &["tc", "-batch", "-"], &far).map(drop)
    }
}

/// For `tc -batch`: what slows down frames that leave by that device. A relay does latency and loss itself.
fn qdiscs(device: &str, link: Link, by_kernel: bool, was_shaped: bool) -> String {
    let mut lines = String::new();
    if was_shaped {
        lines += &format!("qdisc del dev {device} root\n");
    }
    let mut parent = "root";
    if by_kernel && link.is_slow() {
        let (delay, loss) = (link.latency_ms / 2.0, link.loss_percent);
        lines += &format!("qdisc add dev {device} root handle 1: netem delay {delay}ms loss {loss}% limit 20000\n");
        parent = "parent 1:1";
    }
    if link.rate_mbit > 0.0 {
        let rate = link.rate_mbit;
        lines += &format!("qdisc add dev {device} {parent} tbf rate {rate}mbit burst 64k latency 200ms\n");
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLOW: Link = Link { latency_ms: 20.0, rate_mbit: 10.0, loss_percent: 1.0 };

    #[test]
    fn the_kernel_delays_before_it_throttles() {
        assert_eq!(
            qdiscs("eth0", SLOW, true, true),
            "qdisc del dev eth0 root\n\
             qdisc add dev eth0 root handle 1: netem delay 10ms loss 1% limit 20000\n\
             qdisc add dev eth0 parent 1:1 tbf rate 10mbit burst 64k latency 200ms\n"
        );
    }

    #[test]
    fn behind_a_relay_the_kernel_only_throttles() {
        assert_eq!(qdiscs("eth0", SLOW, false, false), "qdisc add dev eth0 root tbf rate 10mbit burst 64k latency 200ms\n");
        assert_eq!(qdiscs("eth0", Link::default(), false, false), "");
    }
}
