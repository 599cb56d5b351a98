//! What clients need: a key that all hosts accept, their pinned keys, and ssh configurations.

use super::Hub;
use crate::{HostName, LabError, files};

impl Hub {
    /// Writes known_hosts, both ssh configurations and the hosts file anew.
    pub(super) fn write_client_files(&self) -> Result<(), LabError> {
        let known = self.hosts.keys().map(|name| self.known_host(name)).collect::<Result<String, _>>()?;
        files::put(&self.state.known_hosts(), &known, 0o600)?;
        files::put(&self.state.base().join("hosts"), &self.hosts_file(), 0o644)?;
        let direct = self.ssh_config();
        files::put(&self.state.ssh_config(), &direct, 0o600)?;
        let binary = std::env::current_exe().unwrap_or_else(|_| "edeliver-lab".into());
        // ssh gets a socket that lies in the lab: no relay, full speed.
        let proxy = format!(
            "  ProxyCommand env LAB_STATE='{}' '{}' connect %h %p\n  ProxyUseFdpass yes\n",
            self.state.path().display(),
            binary.display()
        );
        files::put(&self.state.proxied_ssh_config(), &(direct + &proxy), 0o600)
    }

    /// The key a host was made with. One it got since then is not to be trusted: that is the point of that fault.
    fn known_host(&self, name: &HostName) -> Result<String, LabError> {
        let pinned = files::read(&self.state.host(name).join("pinned.pub"))?;
        let key = pinned.split_ascii_whitespace().take(2).collect::<Vec<_>>().join(" ");
        Ok(format!("{name},{} {key}\n", self.find(name)?.address))
    }

    fn ssh_config(&self) -> String {
        let mut text = String::new();
        for (name, host) in &self.hosts {
            text += &format!("Host {name}\n  HostName {}\n  HostKeyAlias {name}\n", host.address);
        }
        text += &format!(
            "Host *\n  User deploy\n  IdentityFile {}\n  IdentitiesOnly yes\n  BatchMode yes\n  \
             StrictHostKeyChecking yes\n  UserKnownHostsFile {}\n  GlobalKnownHostsFile /dev/null\n  \
             ConnectTimeout 15\n",
            self.state.client_key().display(),
            self.state.known_hosts().display()
        );
        text
    }
}
