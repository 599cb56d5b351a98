//! On lab hosts: networks that break, hosts of other kinds.

use std::{
    fs,
    time::{Duration, Instant},
};

use edeliver_lab::{Base, Fault, HostSpec, Lab, LabSpec};
use libtest_mimic::Failed;

use crate::{Test, conformance::processes, player::Player, terminal::eventually};

pub(crate) const TESTS: &[Test] = &[
    ("hosts_of_every_kind_keep_the_promises", every_kind),
    ("a_cut_link_is_lost_within_seconds", cut_link),
    ("a_frozen_host_is_lost_within_seconds", frozen_host),
    ("a_killed_session_is_a_lost_link", killed_session),
    ("a_host_without_power_is_unreachable", no_power),
    ("a_refused_connection_is_unreachable", refused),
    ("an_sshd_that_hangs_is_unreachable", hanging_sshd),
    ("a_reinstalled_host_has_a_changed_key", changed_key),
    ("an_unknown_user_is_a_refused_login", unknown_user),
    ("logins_without_a_shell_are_told", no_shell),
    ("ten_hosts_are_opened_at_once", ten_hosts),
    ("ten_hosts_behind_one_jump_host_are_opened_at_once", jump_host),
];

const SOON: Duration = Duration::from_secs(30);
/// After this a link that is silent must have been noticed.
const NOTICED: Duration = Duration::from_secs(20);

fn with_shell(shell: &str) -> HostSpec {
    HostSpec { shell: Some(shell.to_owned()), ..HostSpec::default() }
}

fn one() -> Result<Lab, Failed> {
    Ok(Lab::up(LabSpec::empty().host("prod1", HostSpec::default()))?)
}

/// This program in the lab's network, with the lab's ssh configuration.
fn play(lab: &Lab, role: &str, words: &[&str]) -> Player {
    play_with(lab, &lab.ssh_config(), role, words)
}

fn play_with(lab: &Lab, config: &std::path::Path, role: &str, words: &[&str]) -> Player {
    let command = lab.command(std::env::current_exe().unwrap());
    Player::start(command, &[&[role, config.to_str().unwrap()], words].concat())
}

/// How opening the host went.
fn opened(lab: &Lab, host: &str) -> (String, Duration) {
    let start = Instant::now();
    let line = play(lab, "run", &[host, "20", "true"]).says("opened:", SOON);
    (line, start.elapsed())
}

fn every_kind() -> Result<(), Failed> {
    let shells = ["bash", "dash", "zsh", "fish"].map(|shell| (shell, with_shell(&format!("/usr/bin/{shell}"))));
    let busybox = ("busybox", HostSpec { base: Base::Busybox, ..HostSpec::default() });
    let lab = shells.into_iter().chain([busybox]).fold(LabSpec::empty(), |spec, (name, host)| spec.host(name, host));
    let lab = Lab::up(lab)?;
    let mut players = ["bash", "dash", "zsh", "fish", "busybox"].map(|host| play(&lab, "conformance", &[host]));
    players.iter_mut().for_each(|player| drop(player.says("done", Duration::from_secs(180))));
    Ok(())
}

/// Starts a script that ends by itself only after minutes, and gives what breaks it the word.
fn broken_by(seconds: &str, breaks: impl FnOnce(&Lab) -> Result<(), edeliver_lab::LabError>) -> Result<Lab, Failed> {
    let lab = one()?;
    let script = format!("echo go; sleep {seconds}");
    let mut player = play(&lab, "run", &["prod1", "300", &script]);
    player.says("line: go", SOON);
    breaks(&lab)?;
    let line = player.says("ended:", NOTICED);
    assert_eq!(line, "ended: Err(LinkLost { script: \"test\" })");
    player.says("done", Duration::from_secs(5));
    Ok(lab)
}

fn cut_link() -> Result<(), Failed> {
    let lab = broken_by("9381.25", |lab| lab.cut("prod1"))?;
    assert_eq!(processes("9381.25").len(), 1, "the host can't know yet");
    lab.heal("prod1")?;
    eventually("the host has noticed", Duration::from_secs(30), || processes("9381.25").is_empty());
    Ok(())
}

fn frozen_host() -> Result<(), Failed> {
    let lab = broken_by("9382.25", |lab| lab.fault("prod1", Fault::Freeze))?;
    lab.fault("prod1", Fault::Thaw)?;
    eventually("the script is ended", Duration::from_secs(10), || processes("9382.25").is_empty());
    Ok(())
}

fn killed_session() -> Result<(), Failed> {
    let _lab = broken_by("9383.25", |lab| lab.fault("prod1", Fault::SessionsKill))?;
    eventually("the script is ended", Duration::from_secs(10), || processes("9383.25").is_empty());
    Ok(())
}

fn no_power() -> Result<(), Failed> {
    let lab = one()?;
    lab.stop("prod1")?;
    let (line, took) = opened(&lab, "prod1");
    assert!(line.starts_with("opened: Unreachable") && line.contains("timed out"), "{line}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    Ok(())
}

fn refused() -> Result<(), Failed> {
    let lab = one()?;
    lab.fault("prod1", Fault::SshdKill)?;
    let (line, took) = opened(&lab, "prod1");
    assert!(line.starts_with("opened: Unreachable") && line.contains("Connection refused"), "{line}");
    assert!(took < Duration::from_secs(5), "{took:?}");
    Ok(())
}

fn hanging_sshd() -> Result<(), Failed> {
    let lab = one()?;
    lab.fault("prod1", Fault::SshdStop)?;
    let (line, took) = opened(&lab, "prod1");
    assert!(line.starts_with("opened: Unreachable") && line.contains("banner exchange"), "{line}");
    assert!(took < Duration::from_secs(20), "{took:?}");
    Ok(())
}

fn changed_key() -> Result<(), Failed> {
    let lab = one()?;
    lab.fault("prod1", Fault::Hostkey)?;
    let (line, _) = opened(&lab, "prod1");
    assert!(line.starts_with("opened: ChangedHostKey") && line.contains("known_hosts:1"), "{line}");
    Ok(())
}

fn unknown_user() -> Result<(), Failed> {
    let lab = one()?;
    let (line, _) = opened(&lab, "nobody-here@prod1");
    assert!(line.starts_with("opened: Login") && line.contains("Permission denied"), "{line}");
    Ok(())
}

fn no_shell() -> Result<(), Failed> {
    let kinds = [("nologin", "/usr/sbin/nologin", "not available"), ("false", "/usr/bin/false", "without a word")];
    let spec = kinds.iter().fold(LabSpec::empty(), |spec, (name, shell, _)| spec.host(name, with_shell(shell)));
    let lab = Lab::up(spec)?;
    for (host, _, why) in kinds {
        let line = play(&lab, "run", &[host, "20", "true"]).says("ended:", SOON);
        assert!(line.starts_with("ended: Err(NoShell") && line.contains(why), "{line}");
    }
    Ok(())
}

fn names() -> Vec<String> {
    (1..=10).map(|number| format!("prod{number}")).collect()
}

fn ten_hosts() -> Result<(), Failed> {
    let lab = Lab::up(LabSpec::fleet(10))?;
    let names = names();
    let mut player = play(&lab, "open", &names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        assert_eq!(player.says(&format!("{name}:"), SOON), format!("{name}: Ok(1)"));
    }
    player.says("done", SOON);
    for name in &names {
        assert_eq!(lab.netstat()?[name.as_str()].logins, 1);
    }
    Ok(())
}

fn jump_host() -> Result<(), Failed> {
    let lab = Lab::up(LabSpec::fleet(10))?;
    let config = lab.state().join("jump_config");
    let own = fs::read_to_string(lab.ssh_config())?;
    fs::write(&config, format!("Match originalhost prod*\n  ProxyJump build\n{own}"))?;
    let names = names();
    let mut player = play_with(&lab, &config, "open", &names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        assert_eq!(player.says(&format!("{name}:"), Duration::from_secs(60)), format!("{name}: Ok(1)"));
    }
    assert_eq!(lab.netstat()?["build"].logins, 10);
    assert_eq!(lab.netstat()?["build"].dropped, 0);
    Ok(())
}
