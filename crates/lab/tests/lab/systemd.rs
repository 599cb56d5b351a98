//! Hosts with systemd as PID 1.

use std::time::{Duration, Instant};

use edeliver_lab::{Base, HostSpec, Lab, LabSpec};
use libtest_mimic::Failed;

use crate::{Test, on};

pub(crate) const TESTS: &[Test] = &[("systemd::runs_units_of_the_system_and_of_users_and_leaves_nothing", units)];

const UNIT: &str = "[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=0\n[Install]\nWantedBy=default.target\n";

fn units() -> Result<(), Failed> {
    let lab = Lab::up(LabSpec::empty().host("prod1", HostSpec { base: Base::Systemd, ..HostSpec::default() }))?;
    let state = lab.state().to_owned();
    system_unit(&lab)?;
    user_unit(&lab)?;
    lab.reboot("prod1")?;
    eventually(&lab, "root@prod1", "systemctl is-active one.service", "active")?;
    eventually(&lab, "prod1", "systemctl --user is-active two.service", "active")?;
    drop(lab);
    let name: String = state.display().to_string().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    for place in ["/sys/fs/cgroup", "/sys/fs/cgroup/systemd"] {
        assert!(!std::path::Path::new(place).join(format!("edeliver-lab{name}")).exists(), "{place} has leftovers");
    }
    Ok(())
}

fn system_unit(lab: &Lab) -> Result<(), Failed> {
    eventually(lab, "root@prod1", "systemctl is-system-running", "running")?;
    on(lab, "root@prod1", &format!("printf '{UNIT}' >/etc/systemd/system/one.service && systemctl -q enable --now one.service"))?;
    on(lab, "root@prod1", "systemctl kill -s KILL one.service")?;
    eventually(lab, "root@prod1", "systemctl show -P NRestarts one.service", "1")?;
    // An ordinary user may look, and change nothing.
    assert_eq!(on(lab, "prod1", "systemctl --no-ask-password stop one.service 2>/dev/null || echo refused")?, "refused");
    Ok(())
}

fn user_unit(lab: &Lab) -> Result<(), Failed> {
    on(lab, "root@prod1", "loginctl enable-linger deploy")?;
    on(lab, "prod1", &format!("mkdir -p .config/systemd/user && printf '{UNIT}' >.config/systemd/user/two.service"))?;
    on(lab, "prod1", "systemctl --user daemon-reload && systemctl --user -q enable --now two.service")?;
    eventually(lab, "prod1", "systemctl --user is-active two.service", "active")
}

/// Waits until the command line prints this, for at most 30 s.
fn eventually(lab: &Lab, host: &str, line: &str, wanted: &str) -> Result<(), Failed> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let said = on(lab, host, &format!("{line} 2>&1; true"))?;
        match said == wanted {
            true => return Ok(()),
            false if Instant::now() > end => return Err(format!("{line} on {host}: {said}, not {wanted}").into()),
            false => std::thread::sleep(Duration::from_millis(200)),
        }
    }
}
