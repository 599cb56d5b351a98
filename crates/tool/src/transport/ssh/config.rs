//! What ssh itself makes of a host: `ssh -G`, the only resolver that knows Match, Include, tokens and canonical names.

use std::{path::PathBuf, process::Stdio};

use edeliver_core::config::settings::HostSpec;
use tokio::process::Command;

use super::super::{Limits, TransportError};

/// A host as ssh's command line names it, and what ssh's configuration says about it.
#[derive(Debug, Clone)]
pub(super) struct Destination {
    /// `-F`, `-p`, `-l`, `-o HostName` as far as given, then `--` and the name.
    pub(super) words: Vec<String>,
    /// The same as a user would type it.
    pub(super) shown: String,
    /// The user's own control socket, if configured.
    pub(super) control_path: Option<PathBuf>,
    pub(super) options: Vec<(String, String)>,
}

impl Destination {
    /// Asks ssh.
    ///
    /// # Errors
    /// [`TransportError::Here`] if ssh isn't installed or doesn't accept its configuration.
    pub(super) async fn resolve(spec: &HostSpec, limits: &Limits) -> Result<Self, TransportError> {
        let words = words(spec, limits);
        let mut ssh = Command::new("ssh");
        ssh.arg("-G").args(&words).env("LC_ALL", "C").stdin(Stdio::null()).kill_on_drop(true);
        let output = ssh.output().await.map_err(|source| TransportError::Here { what: "ssh can't be started", source })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            return Err(TransportError::Here {
                what: "ssh does not accept its configuration",
                source: std::io::Error::other(said),
            });
        }
        let options = parse(&String::from_utf8_lossy(&output.stdout));
        let shown =
            words.iter().filter(|word| *word != "--").map(|word| super::super::quote::word(word)).collect::<Vec<_>>().join(" ");
        let mut found = Self { words, shown, control_path: None, options };
        found.control_path = found.option("controlpath").filter(|path| *path != "none").map(PathBuf::from);
        Ok(found)
    }
    /// What ssh has said.
    #[cfg(test)]
    pub(super) fn said(output: &str) -> Self {
        Self { words: Vec::new(), shown: String::new(), control_path: None, options: parse(output) }
    }
    /// The first value of an option, its name in lower case.
    pub(super) fn option(&self, name: &str) -> Option<&str> {
        self.options.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
    /// Whether an option has one of these values; one that ssh knows nothing of is as good as any.
    pub(super) fn is(&self, name: &str, values: &[&str]) -> bool {
        self.option(name).is_none_or(|value| values.contains(&value))
    }
    /// The sshd that a login through this configuration knocks at first: the first jump host, what a proxy command leads to, or the host
    /// itself. `ssh -G` leaves a proxy command's `%h` as it stands, so hosts behind one proxy have one gateway.
    pub(super) fn gateway(&self) -> String {
        let set = |name| self.option(name).filter(|value| *value != "none" && !value.is_empty());
        if let Some(jumps) = set("proxyjump") {
            return jumps.split(',').next().unwrap_or(jumps).to_owned();
        }
        let host = || format!("{}:{}", self.option("hostname").unwrap_or_default(), self.option("port").unwrap_or_default());
        set("proxycommand").map_or_else(host, str::to_owned)
    }
    /// The user's time for this, in seconds; `None` where nobody has given one (ssh shows 0 or `none` then).
    pub(super) fn seconds(&self, name: &str) -> Option<u32> {
        self.option(name)?.parse().ok().filter(|seconds| *seconds > 0)
    }
}

fn words(spec: &HostSpec, limits: &Limits) -> Vec<String> {
    let mut words = Vec::new();
    let mut option = |flag: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([flag.to_owned(), value]);
        }
    };
    option("-F", limits.ssh_config().map(|path| path.display().to_string()));
    option("-p", spec.port.map(|port| port.to_string()));
    option("-l", spec.user.as_ref().map(ToString::to_string));
    // ssh reads `%` as the beginning of a token; an IPv6 zone has one.
    option("-o", spec.address.as_ref().map(|address| format!("HostName={}", address.as_str().replace('%', "%%"))));
    words.extend(["--".to_owned(), spec.name.to_string()]);
    words
}

fn parse(output: &str) -> Vec<(String, String)> {
    output.lines().filter_map(|line| line.split_once(' ')).map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ssh_shows_is_read_option_by_option() {
        let to =
            Destination::said("host box\nserveraliveinterval 300\nidentityfile ~/a b\nidentityfile ~/c\nconnecttimeout none\n");
        assert_eq!(
            (to.seconds("serveraliveinterval"), to.seconds("connecttimeout"), to.seconds("nothing")),
            (Some(300), None, None)
        );
        assert_eq!(to.option("identityfile"), Some("~/a b"));
    }

    #[test]
    fn a_host_is_found_at_its_address_and_known_by_its_name() {
        let spec = |address: Option<&str>| HostSpec {
            name: "web1".parse().unwrap(),
            address: address.map(|address| address.parse().unwrap()),
            transport: edeliver_core::config::TransportKind::Ssh,
            user: None,
            port: Some(2222),
            path: "/srv".parse().unwrap(),
            node: None,
            tags: Vec::new(),
        };
        let limits = Limits::new(std::path::Path::new("edeliver"), None);
        assert_eq!(words(&spec(None), &limits), ["-p", "2222", "--", "web1"]);
        let expected = ["-p", "2222", "-o", "HostName=fe80::1%%eth0", "--", "web1"];
        assert_eq!(words(&spec(Some("fe80::1%eth0")), &limits), expected);
    }

    #[test]
    fn hosts_behind_one_jump_host_have_one_gateway() {
        let gateway = |output: &str| Destination::said(output).gateway();
        assert_eq!(gateway("hostname web1\nport 22\nproxycommand none\n"), "web1:22");
        assert_eq!(gateway("hostname web1\nport 22\nproxyjump me@bastion,inner\n"), "me@bastion");
        assert_eq!(gateway("hostname web2\nport 22\nproxyjump me@bastion\n"), "me@bastion");
        assert_eq!(gateway("hostname web2\nport 22\nproxycommand nc -X 5 %h %p\n"), "nc -X 5 %h %p");
    }
}
