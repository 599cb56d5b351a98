//! What a client sees when something breaks.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use edeliver_lab::{Fault, HostState, Lab};
use libtest_mimic::Failed;

use super::{Test, assert_contains, failure, on, prod};

pub(crate) const TESTS: &[Test] = &[
    ("a_full_disk_is_enospc_and_can_be_taken_off", full_disk),
    ("a_readonly_tree_refuses_writes", readonly),
    ("a_noexec_tree_refuses_programs", noexec),
    ("a_killed_sshd_refuses_connections_until_started", sshd_killed),
    ("a_stopped_sshd_connects_and_says_nothing", sshd_stopped),
    ("killed_sessions_end_and_the_listener_stays", sessions_killed),
    ("another_host_key_is_not_accepted", host_key),
    ("a_frozen_host_hangs_and_thaws", frozen),
    ("a_stopped_host_is_silent_and_keeps_its_disk", stopped),
    ("a_reboot_keeps_the_disk_and_empties_run", reboot),
    ("a_host_can_reboot_itself", reboots_itself),
];

fn path(text: &str) -> PathBuf {
    PathBuf::from(text)
}

fn full_disk() -> Result<(), Failed> {
    let lab = prod(1)?;
    on(&lab, "root@prod1", "install -d -o deploy /opt/app")?;
    lab.fault("prod1", Fault::Disk { path: path("/opt/app"), size: "1m".to_owned() })?;
    let (_, said) = failure(&lab, &[], "prod1", "head -c 2000000 /dev/zero >/opt/app/big")?;
    assert_contains(&said, "No space left on device")?;
    lab.fault("prod1", Fault::Undo { path: path("/opt/app") })?;
    on(&lab, "prod1", "head -c 2000000 /dev/zero >/opt/app/big").map(drop)
}

fn readonly() -> Result<(), Failed> {
    let lab = prod(1)?;
    lab.fault("prod1", Fault::Readonly { path: path("/") })?;
    for file in ["/home/deploy/a", "/tmp/a", "/var/tmp/a"] {
        let (_, said) = failure(&lab, &[], "prod1", &format!("touch {file}"))?;
        assert_contains(&said, "Read-only file system")?;
    }
    lab.fault("prod1", Fault::Undo { path: path("/") })?;
    on(&lab, "prod1", "touch /home/deploy/a /tmp/a").map(drop)
}

fn noexec() -> Result<(), Failed> {
    let lab = prod(1)?;
    on(&lab, "prod1", "cp /bin/true /tmp/true && /tmp/true")?;
    lab.fault("prod1", Fault::Noexec { path: path("/tmp") })?;
    let (code, said) = failure(&lab, &[], "prod1", "/tmp/true")?;
    assert_eq!(code, 126);
    assert_contains(&said, "Permission denied")
}

fn sshd_killed() -> Result<(), Failed> {
    let lab = prod(1)?;
    lab.fault("prod1", Fault::SshdKill)?;
    let (code, said) = failure(&lab, &[], "prod1", "true")?;
    assert_eq!(code, 255);
    assert_contains(&said, "Connection refused")?;
    lab.fault("prod1", Fault::SshdStart)?;
    on(&lab, "prod1", "true").map(drop)
}

fn sshd_stopped() -> Result<(), Failed> {
    let lab = prod(1)?;
    lab.fault("prod1", Fault::SshdStop)?;
    let (_, said) = failure(&lab, &["-o", "ConnectTimeout=1"], "prod1", "true")?;
    assert_contains(&said, "banner exchange")?;
    lab.fault("prod1", Fault::SshdCont)?;
    on(&lab, "prod1", "true").map(drop)
}

fn sessions_killed() -> Result<(), Failed> {
    let lab = prod(1)?;
    let mut session = lab.ssh("prod1").arg("sleep 100").stderr(Stdio::null()).spawn()?;
    wait_until(|| Ok(lab.netstat()?["prod1"].logins == 1))?;
    lab.fault("prod1", Fault::SessionsKill)?;
    assert_eq!(session.wait()?.code(), Some(255));
    on(&lab, "prod1", "true").map(drop)
}

fn host_key() -> Result<(), Failed> {
    let lab = prod(2)?;
    lab.fault("prod1", Fault::Hostkey)?;
    wait_until(|| Ok(failure(&lab, &[], "prod1", "true").is_ok_and(|(_, said)| said.contains("verification failed"))))?;
    // A later host does not make the new key trusted.
    lab.add("prod3", Default::default())?;
    let (code, said) = failure(&lab, &[], "prod1", "true")?;
    assert_eq!(code, 255);
    assert_contains(&said, "Host key verification failed")?;
    on(&lab, "prod2", "true").map(drop)
}

fn frozen() -> Result<(), Failed> {
    let lab = prod(1)?;
    lab.fault("prod1", Fault::Freeze)?;
    assert_eq!(state(&lab)?, HostState::Frozen);
    let (_, said) = failure(&lab, &["-o", "ConnectTimeout=1"], "prod1", "true")?;
    assert_contains(&said, "banner exchange")?;
    lab.fault("prod1", Fault::Thaw)?;
    on(&lab, "prod1", "true").map(drop)
}

fn stopped() -> Result<(), Failed> {
    let lab = prod(1)?;
    on(&lab, "prod1", "echo kept >/home/deploy/file")?;
    lab.stop("prod1")?;
    assert_eq!(state(&lab)?, HostState::Stopped);
    let (_, said) = failure(&lab, &["-o", "ConnectTimeout=1"], "prod1", "true")?;
    assert_contains(&said, "timed out")?;
    assert!(lab.stop("prod1").is_err());
    lab.start("prod1")?;
    assert_eq!(on(&lab, "prod1", "cat /home/deploy/file")?, "kept");
    Ok(())
}

fn reboot() -> Result<(), Failed> {
    let lab = prod(1)?;
    let rc = "printf '#!/bin/sh\\necho started >>/var/log/starts\\n' >/etc/rc.local; chmod +x /etc/rc.local; touch /run/gone";
    on(&lab, "root@prod1", rc)?;
    lab.reboot("prod1")?;
    assert_eq!(on(&lab, "prod1", "cat /var/log/starts; ls /run/gone 2>/dev/null; true")?, "started");
    Ok(())
}

fn reboots_itself() -> Result<(), Failed> {
    let lab = prod(1)?;
    let before = lab.status()?.hosts[0].pid;
    // reboot(2) itself: there is no init to ask.
    let call = "import ctypes; ctypes.CDLL(None).reboot(0x01234567)";
    let perl = "require 'syscall.ph'; syscall(&SYS_reboot, 0xfee1dead, 672274793, 0x1234567, 0)";
    let busybox = "busybox reboot -f";
    let line = format!("{busybox} || python3 -c '{call}' || perl -e \"{perl}\"");
    let _ = lab.exec("prod1", &["sh", "-c", &line])?;
    wait_until(|| Ok(lab.status()?.hosts[0].pid.is_some_and(|pid| Some(pid) != before)))?;
    wait_until(|| Ok(on(&lab, "prod1", "true").is_ok()))
}

fn state(lab: &Lab) -> Result<HostState, Failed> {
    Ok(lab.status()?.hosts[0].state)
}

pub(crate) fn wait_until(mut there: impl FnMut() -> Result<bool, Failed>) -> Result<(), Failed> {
    let end = Instant::now() + Duration::from_secs(10);
    while Instant::now() < end {
        if there()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Err("not within 10 s".into())
}
