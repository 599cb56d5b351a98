//! What a host is.

use std::path::Path;

use edeliver_lab::{Base, HostSpec, Lab, LabSpec};
use libtest_mimic::Failed;

use super::{Test, assert_contains, on, output, prod};

pub(crate) const TESTS: &[Test] = &[
    ("hosts_answer_by_ssh_under_their_own_names", answer_by_ssh),
    ("only_the_build_host_sees_erlang_elixir_and_git", build_tools),
    ("hosts_have_processes_files_and_accounts_of_their_own", own_world),
    ("a_host_can_be_looked_into_without_ssh", looked_into),
    ("sshd_keeps_its_stock_limits_unless_told", stock_limits),
    ("a_busybox_host_has_a_plain_shell_and_little_else", busybox),
    ("a_host_can_lack_single_programs", without),
    ("deploy_can_have_fish_or_zsh", shells),
    ("a_terminal_can_be_had", terminal),
    ("ssh_works_from_outside_the_lab", from_outside),
    ("a_bad_name_is_refused", bad_name),
];

fn answer_by_ssh() -> Result<(), Failed> {
    let lab = Lab::up(LabSpec::fleet(3))?;
    for host in ["build", "staging1", "prod1", "prod2", "prod3"] {
        assert_eq!(on(&lab, host, "hostname")?, host);
    }
    assert_eq!(on(&lab, "prod1", "hostname -f")?, "prod1.lab.test");
    // Hosts know each other by name.
    assert_contains(&on(&lab, "prod1", "getent hosts prod3")?, "198.18.32.3")
}

fn build_tools() -> Result<(), Failed> {
    let lab = Lab::up(LabSpec::fleet(1))?;
    let line = "for p in erl epmd mix elixir git; do command -v $p; done; ls -d /usr/lib/erlang; true";
    for host in ["staging1", "prod1"] {
        assert_eq!(on(&lab, host, line)?, "", "{host}");
    }
    let erlang_here = Path::new("/usr/bin/erl").exists();
    assert_eq!(on(&lab, "build", "command -v erl || true")?.is_empty(), !erlang_here);
    lab.add("full", HostSpec { full: true, ..HostSpec::default() })?;
    assert_eq!(on(&lab, "full", line)?, on(&lab, "build", line)?);
    Ok(())
}

fn own_world() -> Result<(), Failed> {
    let lab = prod(2)?;
    on(&lab, "prod1", "sleep 77 >/dev/null 2>&1 & echo here >/tmp/mark; echo yes >/opt/mine 2>/dev/null || true")?;
    assert_contains(&on(&lab, "prod1", "ps -eo args")?, "sleep 77")?;
    assert!(!on(&lab, "prod2", "ps -eo args; ls /tmp")?.contains("sleep 77"));
    assert_eq!(on(&lab, "prod2", "ls /tmp")?, "");
    assert_eq!(on(&lab, "prod1", "id -un; id -u; ls /opt")?, "deploy\n1000");
    assert_eq!(on(&lab, "root@prod1", "id -un")?, "root");
    assert_eq!(on(&lab, "prod1", "ls /etc/ssh/ssh_host_* | wc -l; ls /home")?, "2\nadmin\ndeploy");
    // The machine's own files are not there.
    assert_eq!(on(&lab, "root@prod1", "ls /root")?, "");
    let switches = lab.exec("prod1", &["sh", "-c", "echo 1 >/proc/sys/kernel/sysrq"])?;
    assert!(!switches.status.success());
    Ok(())
}

fn looked_into() -> Result<(), Failed> {
    let lab = prod(1)?;
    let output = lab.exec("prod1", &["sh", "-c", "id -un; hostname; exit 3"])?;
    assert_eq!(String::from_utf8(output.stdout)?, "root\nprod1\n");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(lab.exec("prod1", &["no-such-program"])?.status.code(), Some(127));
    on(&lab, "prod1", "echo hello >/home/deploy/greeting")?;
    assert_eq!(std::fs::read_to_string(lab.host_root("prod1")?.join("home/deploy/greeting"))?, "hello\n");
    Ok(())
}

fn stock_limits() -> Result<(), Failed> {
    let roomy = HostSpec { sshd: vec!["MaxStartups 200".to_owned()], ..HostSpec::default() };
    let lab = Lab::up(LabSpec::empty().host("prod1", HostSpec::default()).host("prod2", roomy))?;
    let limits = |host| lab.exec(host, &["sh", "-c", "sshd -T | grep -E '^max(startups|sessions)' | sort"]);
    assert_eq!(String::from_utf8(limits("prod1")?.stdout)?, "maxsessions 10\nmaxstartups 10:30:100\n");
    assert_eq!(String::from_utf8(limits("prod2")?.stdout)?, "maxsessions 10\nmaxstartups 200:30:200\n");
    Ok(())
}

fn busybox() -> Result<(), Failed> {
    let tiny = HostSpec { base: Base::Busybox, ..HostSpec::default() };
    let lab = Lab::up(LabSpec::empty().host("tiny", tiny))?;
    let line = "for p in sh tar gzip bash rsync perl scp erl; do command -v $p >/dev/null && echo $p; done";
    let found = on(&lab, "tiny", &format!("{line}; true"))?;
    assert_eq!(found.replace('\n', " "), "sh tar gzip");
    assert_eq!(on(&lab, "root@tiny", "echo ok | tr o O")?, "Ok");
    Ok(())
}

fn without() -> Result<(), Failed> {
    let poor = HostSpec { without: vec!["rsync".to_owned(), "sha256sum".to_owned()], ..HostSpec::default() };
    let lab = Lab::up(LabSpec::empty().host("prod1", poor))?;
    assert_eq!(on(&lab, "prod1", "command -v rsync sha256sum; command -v tar")?, "/usr/bin/tar");
    Ok(())
}

fn shells() -> Result<(), Failed> {
    let with = |shell| HostSpec { shell: Some(format!("/usr/bin/{shell}")), ..HostSpec::default() };
    let lab = Lab::up(LabSpec::empty().host("fish", with("fish")).host("zsh", with("zsh")))?;
    for (shell, version) in [("fish", "echo $FISH_VERSION"), ("zsh", "echo $ZSH_VERSION")] {
        assert!(on(&lab, shell, version)?.starts_with(|c: char| c.is_ascii_digit()), "{shell}");
        assert_eq!(on(&lab, &format!("root@{shell}"), "echo ${FISH_VERSION}${ZSH_VERSION}")?, "");
    }
    Ok(())
}

fn terminal() -> Result<(), Failed> {
    let lab = prod(1)?;
    let mut command = lab.command("ssh");
    let output = output(command.arg("-tt").arg("-F").arg(lab.ssh_config()).args(["prod1", "tty"]))?;
    assert_contains(&String::from_utf8(output.stdout)?, "/dev/pts/")
}

fn from_outside() -> Result<(), Failed> {
    let lab = prod(1)?;
    let config = lab.state().join("ssh_config");
    let output = output(std::process::Command::new("ssh").arg("-F").arg(config).args(["admin@prod1", "hostname"]))?;
    assert_eq!(String::from_utf8(output.stdout)?, "prod1\n", "{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

fn bad_name() -> Result<(), Failed> {
    let lab = Lab::up(LabSpec::empty())?;
    assert!(lab.add("a/b", HostSpec::default()).is_err());
    assert!(lab.cut("prod9").is_err());
    assert_eq!(lab.status()?.hosts, []);
    Ok(())
}
