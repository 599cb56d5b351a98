//! What asking many hosts costs in memory.

use std::{fs, process::Child, time::Duration};

use crate::{fleet::Fleet, store::App};

/// A running node that is a hundred hosts: what each costs this program is the same.
fn hundred() -> Fleet {
    let fleet = Fleet::new(App::Relx, 1);
    fleet.edeliver("deploy release --version=0.1.0 --start-deploy").ok();
    let config = fs::read_to_string(fleet.project().join("edeliver.toml")).unwrap();
    let host = config.lines().find_map(|line| line.strip_prefix("hosts = [")?.strip_suffix(']')).unwrap();
    let hosts: Vec<String> = (0..100).map(|number| host.replace("name = \"one\"", &format!("name = \"h{number}\""))).collect();
    fs::write(fleet.project().join("edeliver.toml"), config.replace(host, &hosts.join(", "))).unwrap();
    fleet
}

/// The most memory that a program has had until its end, in kB.
fn peak(child: &Child) -> u32 {
    let status = || fs::read_to_string(format!("/proc/{}/status", child.id())).ok();
    let kilobytes =
        |status: &str| status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")?.parse().ok());
    let mut most = 0;
    while let Some(now) = status().as_deref().and_then(kilobytes) {
        most = now;
        std::thread::sleep(Duration::from_millis(10));
    }
    most
}

#[test]
fn a_hundred_nodes_are_asked_within_sixty_megabytes() {
    let fleet = hundred();
    let mut child = fleet.start(&["status", "staging"]);
    let most = peak(&child);
    let out = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    child.wait().unwrap();
    // One node for all of them may be slow to answer some of a hundred at once.
    assert_eq!((out.lines().count(), out.contains("running")), (101, true), "{out}");
    assert!(most > 0 && most < 60_000, "{most} kB");
}
