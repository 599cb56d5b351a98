//! Cutting hosts off: from all others, or from one. A cut belongs to the network: it outlives reboots and other cables.

use std::net::Ipv4Addr;

use super::Hub;
use super::cable::port;
use crate::name::NOBODY;
use crate::{HostName, LabError, tool};

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

/// From here on no frame passes the cable, a farewell of dying processes included.
pub(super) fn silence(name: &HostName) -> Result<(), LabError> {
    set_port(name, PortState::Disabled)
}

/// Back into the bridge, if the host was started while it was cut off.
fn rejoin(name: &HostName) -> Result<(), LabError> {
    tool::run(&["ip", "link", "set", &port(name), "master", "br0"])?;
    set_port(name, PortState::Forwarding)
}

impl Hub {
    /// No packet reaches or leaves the host; the links stay up, so nobody is told.
    pub(super) fn cut(&mut self, name: &HostName) -> Result<(), LabError> {
        self.init_of(name)?;
        silence(name)?;
        self.find_mut(name)?.cut = true;
        Ok(())
    }

    /// Two hosts lose each other; all others still reach both.
    pub(super) fn split(&mut self, a: &HostName, b: &HostName) -> Result<(), LabError> {
        let addresses = [self.find(a)?.address, self.find(b)?.address];
        for (here, there) in [(a, addresses[1]), (b, addresses[0])] {
            self.change_neighbour(here, &hide(there))?;
        }
        self.splits.insert([a.clone(), b.clone()]);
        Ok(())
    }

    /// Undoes `cut`: the host's own, and its splits (all, or the one from `peer`).
    pub(super) fn heal(&mut self, name: &HostName, peer: Option<&HostName>) -> Result<(), LabError> {
        let host = self.find_mut(name)?;
        if peer.is_none() && std::mem::take(&mut host.cut) && host.running.is_some() {
            rejoin(name)?;
        }
        let concerned = |pair: &[HostName; 2]| pair.contains(name) && peer.is_none_or(|peer| pair.contains(peer));
        let pairs: Vec<_> = self.splits.iter().filter(|pair| concerned(pair)).cloned().collect();
        for [a, b] in &pairs {
            for (here, there) in [(a, b), (b, a)] {
                let address = self.find(there)?.address;
                self.change_neighbour(here, &format!("neigh del {address} dev eth0\n"))?;
            }
        }
        self.splits.retain(|pair| !pairs.contains(pair));
        Ok(())
    }

    /// Addresses that a host shall not reach.
    pub(super) fn hidden_from(&self, name: &HostName) -> Vec<Ipv4Addr> {
        let pairs = self.splits.iter().filter(|pair| pair.contains(name));
        let others = pairs.flatten().filter(|host| *host != name);
        others.filter_map(|host| Some(self.hosts.get(host)?.address)).collect()
    }

    /// In the host, if it runs; one that does not learns it when it starts.
    fn change_neighbour(&self, name: &HostName, script: &str) -> Result<(), LabError> {
        match &self.find(name)?.running {
            Some(running) => tool::feed_inside(running.pid, "net", &["ip", "-batch", "-"], script).map(drop),
            None => Ok(()),
        }
    }
}

/// For `ip -batch`, in a host: what is sent to that address goes to nobody.
pub(super) fn hide(address: Ipv4Addr) -> String {
    format!("neigh replace {address} lladdr {NOBODY} dev eth0 nud permanent\n")
}
