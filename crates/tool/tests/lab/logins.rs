//! Connections: how many, and which are refused.

use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};

use edeliver_lab::{Fault, Link};
use libtest_mimic::Failed;

use crate::{Test, scene::Scene, world::App};

pub(crate) const TESTS: &[Test] = &[
    ("a_deploy_logs_in_once_a_host", one_login),
    ("ten_hosts_behind_stock_sshds_refuse_nothing", ten_hosts),
    ("an_unknown_host_key_stops_with_its_fingerprint", unknown_key),
    ("a_changed_host_key_stops", changed_key),
    ("a_refused_key_is_told_as_such", refused_key),
    ("an_unreachable_build_host_is_told_before_anything_is_done", unreachable_build_host),
    ("a_wrong_user_is_told_as_such", wrong_user),
    ("a_host_is_asked_in_as_many_round_trips_as_ssh_takes_to_log_in", few_round_trips),
];

fn one_login() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 2);
    scene.ok("deploy release to production --version=0.1.0 --start-deploy");
    for (host, traffic) in scene.lab.netstat()? {
        let expected = usize::from(host.starts_with("prod"));
        assert_eq!(traffic.logins, expected, "{host}");
    }
    scene.ok("stop production");
    Ok(())
}

fn ten_hosts() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 10);
    scene.ok("deploy release to production --version=0.1.0");
    for (host, traffic) in scene.lab.netstat()? {
        assert_eq!((traffic.dropped, traffic.sessions_refused), (0, 0), "{host}");
    }
    Ok(())
}

/// An ssh configuration with another line in place of the one with this keyword.
fn ssh_config_with(scene: &Scene, keyword: &str, value: &str) -> std::path::PathBuf {
    let text = fs::read_to_string(scene.lab.ssh_config()).expect("the lab has written it");
    let lines = text.lines().map(|line| match line.trim_start().starts_with(keyword) {
        true => format!("  {keyword} {value}"),
        false => line.to_owned(),
    });
    let path = scene.file("ssh_config");
    fs::write(&path, lines.collect::<Vec<_>>().join("\n") + "\n").expect("the folder can be written");
    path
}

fn deploy_with(scene: &Scene, config: &std::path::Path) -> crate::scene::Ran {
    let mut command = scene.command("deploy release to production --version=0.1.0");
    command.env("EDELIVER_SSH_CONFIG", config);
    command.output().expect("edeliver can be started").into()
}

fn unknown_key() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    let empty = scene.file("known_hosts");
    fs::write(&empty, "")?;
    let config = ssh_config_with(&scene, "UserKnownHostsFile", &empty.display().to_string());
    deploy_with(&scene, &config).assert(6, &["prod1", "SHA256:", "ssh"]);
    assert_eq!(fs::read_to_string(&empty)?, "", "no key is recorded without being asked");
    assert_eq!(scene.lab.netstat()?["prod1"].logins, 0);
    Ok(())
}

fn changed_key() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.lab.fault("prod1", Fault::Hostkey)?;
    scene.run("deploy release to production --version=0.1.0").assert(6, &["prod1", "key has changed"]);
    Ok(())
}

fn refused_key() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    let key = scene.file("other_key");
    let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&key).status()?;
    assert!(made.success());
    let config = ssh_config_with(&scene, "IdentityFile", &key.display().to_string());
    deploy_with(&scene, &config).assert(6, &["prod1", "login was refused"]);
    Ok(())
}

fn wrong_user() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    let ran = scene.run("deploy release to production --version=0.1.0 --host=nobody@prod1");
    ran.assert(6, &["prod1", "login was refused"]);
    Ok(())
}

fn unreachable_build_host() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Hotapp, 1);
    scene.lab.fault("build", Fault::SshdKill)?;
    scene.run("build release --tag=v0.1.0 --force").assert(6, &["build", "refused"]);
    Ok(())
}

/// Milliseconds.
const TRIP: u32 = 600;

fn few_round_trips() -> Result<(), Failed> {
    let scene = Scene::fleet(App::Relapp, 1);
    scene.lab.shape("prod1", Link { latency_ms: f64::from(TRIP), ..Link::default() })?;
    let (mut ours, mut sshs) = (Duration::MAX, Duration::MAX);
    // In turn, and each at its best: what else this machine does must not decide.
    for _ in 0..2 {
        ours = timed(|| scene.ok("releases production")).min(ours);
        sshs = timed(|| scene.on("prod1", "true")).min(sshs);
    }
    // Our script comes a round trip after the session; ssh would wait for one more while it logs in.
    let half = Duration::from_millis(u64::from(TRIP) / 2);
    assert!(ours < sshs + half, "edeliver releases: {ours:?}, ssh prod1 true: {sshs:?}");
    Ok(())
}

fn timed<T>(what: impl FnOnce() -> T) -> Duration {
    let began = Instant::now();
    what();
    began.elapsed()
}
