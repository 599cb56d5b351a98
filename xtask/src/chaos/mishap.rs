//! Faults done to hosts, and mended.

use std::error::Error;

use edeliver_lab::Fault as Lab;

use super::{
    field::{APPS, Field},
    recipe::{Fault, HOSTS, host},
};

/// Does it to the host.
///
/// # Errors
/// It can't be done: another fault was faster.
pub(super) fn strike(field: &Field, fault: Fault, name: &str) -> Result<(), Box<dyn Error>> {
    let lab = &field.lab;
    match fault {
        Fault::LinkCut => Ok(lab.cut(name)?),
        Fault::SessionsKilled => Ok(lab.fault(name, Lab::SessionsKill)?),
        Fault::SshdKilled => Ok(lab.fault(name, Lab::SshdKill)?),
        Fault::Rebooted => Ok(lab.reboot(name)?),
        Fault::HostFrozen => Ok(lab.fault(name, Lab::Freeze)?),
        Fault::DiskFull => field.as_root(name, &format!("cat /dev/zero >{APPS}/filler")),
        Fault::NodeStopped => field.as_root(name, "pkill -STOP beam.smp"),
        Fault::NodeKilled => field.as_root(name, "pkill -KILL beam.smp"),
        Fault::HealthRed => field.as_root(name, &format!("touch {APPS}/hotapp/sick")),
        Fault::OperatorKilled | Fault::CtrlC | Fault::CtrlCTwice | Fault::SecondOperator(_) => Ok(()),
    }
}

/// Mends it, if it is there.
pub(super) fn mend(field: &Field, fault: Fault, name: &str) {
    let lab = &field.lab;
    let _: Result<(), Box<dyn Error>> = match fault {
        Fault::LinkCut => lab.heal(name).map_err(Into::into),
        Fault::SshdKilled => lab.fault(name, Lab::SshdStart).map_err(Into::into),
        Fault::HostFrozen => lab.fault(name, Lab::Thaw).map_err(Into::into),
        Fault::DiskFull => field.as_root(name, &format!("rm -f {APPS}/filler")),
        Fault::NodeStopped => field.as_root(name, "pkill -CONT beam.smp"),
        Fault::HealthRed => field.as_root(name, &format!("rm -f {APPS}/hotapp/sick")),
        Fault::SessionsKilled | Fault::Rebooted | Fault::NodeKilled => Ok(()),
        Fault::OperatorKilled | Fault::CtrlC | Fault::CtrlCTwice | Fault::SecondOperator(_) => Ok(()),
    };
}

/// Whatever was done to any host. sshd is looked for, because it can't be started twice.
pub(super) fn mend_all(field: &Field) {
    for name in (0..HOSTS).map(host) {
        mend(field, Fault::HostFrozen, &name);
        for fault in [Fault::LinkCut, Fault::DiskFull, Fault::NodeStopped, Fault::HealthRed] {
            mend(field, fault, &name);
        }
        if !field.lab.host_root(&name).is_ok_and(|root| root.join("run/sshd.pid").exists()) {
            mend(field, Fault::SshdKilled, &name);
        }
    }
}
