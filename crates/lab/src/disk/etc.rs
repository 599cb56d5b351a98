//! The hosts' /etc: a part of the machine's, and accounts of their own.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::error::During;
use crate::{Base, HostSpec, LabError, files};

/// The part of the machine's /etc that hosts see; the rest (keys, units, secrets) stays out.
const SHARED: [&str; 33] = [
    "alternatives",
    "bash.bashrc",
    "debian_version",
    "default",
    "environment",
    "fish",
    "host.conf",
    "inputrc",
    "issue",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "login.defs",
    "mime.types",
    "os-release",
    "pam.conf",
    "pam.d",
    "profile",
    "profile.d",
    "protocols",
    "rpc",
    "security",
    "services",
    "shells",
    "skel",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
    "xattr.conf",
    "zsh",
];

const NSSWITCH: &str = "passwd: files\ngroup: files\nshadow: files\nhosts: files\n";

const GROUP: &str = "\
root:x:0:
daemon:x:1:
tty:x:5:
sudo:x:27:admin
staff:x:50:
sshd:x:65533:
nogroup:x:65534:
deploy:x:1000:
admin:x:1001:
";

const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sshd:x:100:65533::/run/sshd:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
deploy:x:1000:1000:deploy:/home/deploy:/bin/bash
admin:x:1001:1001:admin:/home/admin:/bin/bash
";

const SHADOW: &str = "\
root:*:19000:0:99999:7:::
daemon:*:19000:0:99999:7:::
sshd:*:19000:0:99999:7:::
nobody:*:19000:0:99999:7:::
deploy:*:19000:0:99999:7:::
admin:*:19000:0:99999:7:::
";

const SUDOERS: &str = "\
Defaults env_reset
root ALL=(ALL) ALL
admin ALL=(ALL) NOPASSWD: ALL
@includedir /etc/sudoers.d
";

/// MaxStartups and MaxSessions are OpenSSH's own defaults, written out so that no distribution can raise them: tests have
/// to show that a stock sshd never refuses edeliver. The log level makes it tell of every connection it drops.
const SSHD_CONFIG: &str = "\
Port 22
HostKey /etc/ssh/ssh_host_ed25519_key
PidFile /run/sshd.pid
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
AcceptEnv LANG LC_*
MaxStartups 10:30:100
MaxSessions 10
LogLevel VERBOSE
Subsystem sftp /usr/lib/openssh/sftp-server
";

/// The /etc underneath all hosts' own changes.
pub(super) fn furnish(etc: &Path) -> Result<(), LabError> {
    let passwd = etc.join("passwd");
    if passwd.exists() {
        return Ok(());
    }
    copy_shared(etc)?;
    files::put(&etc.join("nsswitch.conf"), NSSWITCH, 0o644)?;
    files::put(&etc.join("group"), GROUP, 0o644)?;
    files::put(&etc.join("shadow"), SHADOW, 0o640)?;
    files::put(&etc.join("sudoers"), SUDOERS, 0o440)?;
    files::make_dir(&etc.join("sudoers.d"), 0o755)?;
    files::put(&etc.join("ssh/sshd_config"), SSHD_CONFIG, 0o644)?;
    files::put(&passwd, PASSWD, 0o644)
}

fn copy_shared(etc: &Path) -> Result<(), LabError> {
    files::make_dir(etc, 0o755)?;
    let there = SHARED.into_iter().filter(|name| files::is_there(&Path::new("/etc").join(name)));
    // cp complains of what it may not read: the hosts live without.
    Command::new("cp")
        .args(["-a", "--parents", "--"])
        .args(there)
        .arg(etc)
        .current_dir("/etc")
        .stderr(Stdio::null())
        .status()
        .during(|| "copy /etc".to_owned())
        .map(drop)
}

/// What differs from host to host.
pub(super) fn personalise(base: &Path, own: &Path, spec: &HostSpec) -> Result<(), LabError> {
    let (accounts, shell): (&[&str], _) = match (spec.base, spec.shell.as_deref()) {
        (Base::Busybox, shell) => (&["root", "deploy", "admin"], shell.unwrap_or("/bin/sh")),
        (Base::Debian | Base::Systemd, Some(shell)) => (&["deploy"], shell),
        (Base::Debian | Base::Systemd, None) => (&[], ""),
    };
    if !accounts.is_empty() {
        let passwd = files::read(&base.join("passwd"))?;
        files::put(&own.join("passwd"), &with_shell(&passwd, accounts, shell), 0o644)?;
    }
    if spec.sshd.is_empty() {
        return Ok(());
    }
    let stock = files::read(&base.join("ssh/sshd_config"))?;
    files::put(&own.join("ssh/sshd_config"), &with_lines(&stock, &spec.sshd), 0o644)
}

/// Own lines in place of those with the same keyword: for most the first counts, but for MaxStartups the last.
fn with_lines(stock: &str, own: &[String]) -> String {
    let keyword = |line: &str| line.split_ascii_whitespace().next().unwrap_or_default().to_ascii_lowercase();
    let own_keywords: Vec<String> = own.iter().map(|line| keyword(line)).collect();
    let kept = stock.lines().filter(|line| !own_keywords.contains(&keyword(line)));
    own.iter().map(String::as_str).chain(kept).flat_map(|line| [line, "\n"]).collect()
}

fn with_shell(passwd: &str, accounts: &[&str], shell: &str) -> String {
    let change = |line: &str| {
        let account = line.split(':').next().unwrap_or_default();
        match line.rsplit_once(':') {
            Some((rest, _)) if accounts.contains(&account) => format!("{rest}:{shell}\n"),
            _ => format!("{line}\n"),
        }
    };
    passwd.lines().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ones_own_replaces_the_stock_one() {
        let config = with_lines(SSHD_CONFIG, &["maxstartups 200".to_owned()]);
        assert!(config.starts_with("maxstartups 200\nPort 22\n"));
        assert!(!config.contains("MaxStartups"));
        assert!(config.contains("MaxSessions 10\n"));
    }

    #[test]
    fn only_the_named_accounts_get_another_shell() {
        let passwd = with_shell(PASSWD, &["deploy"], "/usr/bin/fish");
        assert!(passwd.contains("deploy:/home/deploy:/usr/bin/fish\n"));
        assert!(passwd.contains("root:/root:/bin/bash\n"));
        assert_eq!(passwd.lines().count(), PASSWD.lines().count());
    }
}
