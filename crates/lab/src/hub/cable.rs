//! The cable between a host and the bridge.
//!
//! A veth pair as a rule. Where frames have to wait or get lost and the kernel has no netem, two TAP devices with a relay
//! process between them (`crate::relay`).

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, ChildStdin, Stdio};

use super::{Hub, cut};
use crate::error::During;
use crate::name::{HUB, PREFIX, mac};
use crate::{HostName, LabError, tool};

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
pub(super) fn port(name: &HostName) -> String {
    format!("v-{name}")
}

/// Whether the bridge forwards frames of that host: a new port needs a moment.
pub(super) fn forwards(name: &HostName) -> bool {
    let path = format!("/sys/class/net/{}/brport/state", port(name));
    fs::read_to_string(path).is_ok_and(|state| state.trim() == "3")
}

/// For `ip -batch`, in the host: the address on its end. The hub's hardware address is set for good, so a hub that is cut
/// off is silence, as behind a router, and not "no route to host" after three seconds.
pub(crate) fn inner_end(address: Ipv4Addr, hidden: &[Ipv4Addr]) -> String {
    let hub_mac = mac(HUB);
    let own = format!(
        "link set lo up\n\
         link set eth0 addrgenmode none\n\
         addr add {address}/{PREFIX} dev eth0\n\
         link set eth0 up\n\
         route add default via {HUB}\n\
         neigh add {HUB} lladdr {hub_mac} dev eth0 nud permanent\n"
    );
    hidden.iter().map(|address| cut::hide(*address)).fold(own, |script, line| script + &line)
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
        // A port of the bridge forwards as soon as its other end comes up; so a host that is cut off is left out of it.
        let place = if self.find(name)?.cut { "nomaster" } else { "master br0" };
        let script = format!(
            "link set {port} addrgenmode none\n\
             link set {port} {place} up\n\
             neigh replace {address} lladdr {mac} dev br0 nud permanent\n"
        );
        tool::feed(&["ip", "-batch", "-"], &script)?;
        Ok(cable)
    }

    /// Asks the kernel by trying.
    pub(super) fn has_netem(&mut self) -> bool {
        *self.netem.get_or_insert_with(|| {
            let tried = tool::run(&["tc", "qdisc", "replace", "dev", "br0", "root", "netem", "delay", "1ms"]);
            let _ = tool::run(&["tc", "qdisc", "del", "dev", "br0", "root"]);
            tried.is_ok()
        })
    }

    /// Another kind of cable under a running host.
    pub(super) fn exchange(&mut self, name: &HostName, pid: i32) -> Result<(), LabError> {
        let cable = self.plug(name, pid)?;
        let hidden = self.hidden_from(name);
        let host = self.find_mut(name)?;
        if let Some(running) = &mut host.running {
            running.cable = cable;
        }
        let script = inner_end(host.address, &hidden);
        tool::feed_inside(pid, "net", &["ip", "-batch", "-"], &script).map(drop)
    }

    pub(super) fn cable(&mut self, name: &HostName) -> Result<&mut Cable, LabError> {
        let running = self.find_mut(name)?.running.as_mut();
        running.map(|running| &mut running.cable).ok_or_else(|| LabError::Stopped(name.to_string()))
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
