//! The cable between a host and the bridge: plugging, cutting, slowing down.
//!
//! A veth pair as a rule. Where frames have to wait or get lost and the kernel has no netem, two TAP devices with a relay
//! process between them (`crate::relay`).

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, Stdio};

use super::Hub;
use crate::error::During;
use crate::name::{HUB, NOBODY, PREFIX, mac};
use crate::{HostName, LabError, Link, tool};

/// What a running host hangs on.
pub(super) enum Cable {
    /// A veth pair.
    Veth {
        /// Whether there is a qdisc on its ends that has to go before another comes.
        shaped: bool,
    },
    /// Two TAP devices and a relay, which hears on this pipe how slow it shall be.
    Relay { control: ChildStdin, shaped: bool },
}

/// The end of the cable that lies in the bridge.
fn port(name: &HostName) -> String {
    format!("v-{name}")
}

/// Whether the bridge forwards frames of that host: a new port needs a moment.
pub(super) fn forwards(name: &HostName) -> bool {
    let path = format!("/sys/class/net/{}/brport/state", port(name));
    fs::read_to_string(path).is_ok_and(|state| state.trim() == "3")
}

/// For `ip -batch`, in the host: the address on its end. The hub's hardware address is set for good, so a hub that is cut
/// off is silence, as behind a router, and not "no route to host" after three seconds.
pub(crate) fn inner_end(address: Ipv4Addr) -> String {
    let hub_mac = mac(HUB);
    format!(
        "link set lo up\n\
         link set eth0 addrgenmode none\n\
         addr add {address}/{PREFIX} dev eth0\n\
         link set eth0 up\n\
         route add default via {HUB}\n\
         neigh add {HUB} lladdr {hub_mac} dev eth0 nud permanent\n"
    )
}

/// Takes the cable off, if there is one; its other end goes with it.
pub(super) fn unplug(name: &HostName) {
    let _ = tool::run(&["ip", "link", "del", &port(name)]);
}

impl Hub {
    /// Plugs a cable of the kind that is needed into the bridge and into the network namespace of `pid`.
    pub(super) fn plug(&mut self, name: &HostName, pid: i32) -> Result<Cable, LabError> {
        let (address, link) = (self.find(name)?.address, self.find(name)?.spec.link);
        unplug(name);
        let cable =
            if link.is_slow() && !self.has_netem() { relay_cable(name, address, pid)? } else { veth_cable(name, address, pid)? };
        let (port, mac) = (port(name), mac(address));
        let script = format!(
            "link set {port} addrgenmode none\n\
             link set {port} master br0 up\n\
             neigh replace {address} lladdr {mac} dev br0 nud permanent\n"
        );
        tool::feed(&["ip", "-batch", "-"], &script)?;
        Ok(cable)
    }

    /// Asks the kernel by trying.
    fn has_netem(&mut self) -> bool {
        *self.netem.get_or_insert_with(|| {
            let tried = tool::run(&["tc", "qdisc", "replace", "dev", "br0", "root", "netem", "delay", "1ms"]);
            let _ = tool::run(&["tc", "qdisc", "del", "dev", "br0", "root"]);
            tried.is_ok()
        })
    }

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

    /// Another kind of cable under a running host.
    fn exchange(&mut self, name: &HostName, pid: i32) -> Result<(), LabError> {
        let cable = self.plug(name, pid)?;
        let host = self.find_mut(name)?;
        let (address, cut) = (host.address, host.cut);
        if let Some(running) = &mut host.running {
            running.cable = cable;
        }
        tool::feed_inside(pid, "net", &["ip", "-batch", "-"], &inner_end(address))?;
        if cut {
            set_port(name, PortState::Disabled)?;
        }
        let pairs: Vec<_> = self.splits.iter().filter(|pair| pair.contains(name)).cloned().collect();
        pairs.iter().try_for_each(|[a, b]| self.hide_from_each_other(a, b))
    }

    fn cable(&mut self, name: &HostName) -> Result<&mut Cable, LabError> {
        let running = self.find_mut(name)?.running.as_mut();
        running.map(|running| &mut running.cable).ok_or_else(|| LabError::Stopped(name.to_string()))
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

    /// No packet reaches or leaves the host; the links stay up, so nobody is told.
    pub(super) fn cut(&mut self, name: &HostName) -> Result<(), LabError> {
        self.init_of(name)?;
        set_port(name, PortState::Disabled)?;
        self.find_mut(name)?.cut = true;
        Ok(())
    }

    /// Before a power loss: no farewell passes the cable.
    pub(super) fn pull(&mut self, name: &HostName) -> Result<(), LabError> {
        set_port(name, PortState::Disabled)
    }

    /// Two hosts lose each other; all others still reach both.
    pub(super) fn split(&mut self, a: &HostName, b: &HostName) -> Result<(), LabError> {
        self.hide_from_each_other(a, b)?;
        self.splits.insert([a.clone(), b.clone()]);
        Ok(())
    }

    fn hide_from_each_other(&self, a: &HostName, b: &HostName) -> Result<(), LabError> {
        for (here, there) in [(a, b), (b, a)] {
            let address = self.find(there)?.address.to_string();
            let argv = ["ip", "neigh", "replace", &address, "lladdr", NOBODY, "dev", "eth0", "nud", "permanent"];
            tool::feed_inside(self.init_of(here)?, "net", &argv, "")?;
        }
        Ok(())
    }

    /// Undoes `cut`: the host's own, and its splits (all, or the one from `peer`).
    pub(super) fn heal(&mut self, name: &HostName, peer: Option<&HostName>) -> Result<(), LabError> {
        self.init_of(name)?;
        if peer.is_none() {
            set_port(name, PortState::Forwarding)?;
            self.find_mut(name)?.cut = false;
        }
        let concerned = |pair: &[HostName; 2]| pair.contains(name) && peer.is_none_or(|peer| pair.contains(peer));
        let pairs: Vec<_> = self.splits.iter().filter(|pair| concerned(pair)).cloned().collect();
        for [a, b] in &pairs {
            self.show_to_each_other(a, b)?;
        }
        self.splits.retain(|pair| !pairs.contains(pair));
        Ok(())
    }

    fn show_to_each_other(&self, a: &HostName, b: &HostName) -> Result<(), LabError> {
        for (here, there) in [(a, b), (b, a)] {
            let address = self.find(there)?.address.to_string();
            // A host that was rebooted meanwhile has forgotten by itself.
            if let Ok(pid) = self.init_of(here) {
                let _ = tool::feed_inside(pid, "net", &["ip", "neigh", "del", &address, "dev", "eth0"], "");
            }
        }
        Ok(())
    }
}

fn veth_cable(name: &HostName, address: Ipv4Addr, pid: i32) -> Result<Cable, LabError> {
    let script = format!("link add {} type veth peer name eth0 address {} netns {pid}\n", port(name), mac(address));
    tool::feed(&["ip", "-batch", "-"], &script)?;
    Ok(Cable::Veth { shaped: false })
}

fn relay_cable(name: &HostName, address: Ipv4Addr, pid: i32) -> Result<Cable, LabError> {
    let far = format!("w-{name}");
    let mut relay: Child = tool::again("__relay")
        .args([&port(name), &far])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .during(|| "start a relay".to_owned())?;
    let mut line = String::new();
    let stdout = relay.stdout.take().expect("stdout is a pipe");
    BufReader::new(stdout).read_line(&mut line).during(|| "hear from the relay".to_owned())?;
    if line.trim() != crate::relay::READY {
        return Err(LabError::Refused(format!("no netem in this kernel, and no relay: {}", line.trim())));
    }
    let script = format!("link set {far} address {} netns {pid} name eth0\n", mac(address));
    tool::feed(&["ip", "-batch", "-"], &script)?;
    let control = relay.stdin.take().expect("stdin is a pipe");
    Ok(Cable::Relay { control, shaped: false })
}

/// The bridge's own numbers for what a port does.
#[derive(Clone, Copy)]
enum PortState {
    Disabled = 0,
    Forwarding = 3,
}

fn set_port(name: &HostName, state: PortState) -> Result<(), LabError> {
    let number = (state as u8).to_string();
    tool::run(&["bridge", "link", "set", "dev", &port(name), "state", &number]).map(drop)
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
