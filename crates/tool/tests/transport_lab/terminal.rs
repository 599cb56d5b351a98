//! At a terminal, and in a program that is killed; against an sshd on the loopback.

use std::{
    fs,
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use libtest_mimic::Failed;

use crate::{
    Test,
    conformance::processes,
    player::{Player, press},
    sshd::{Sshd, keygen},
};

pub(crate) const TESTS: &[Test] = &[
    ("an_answer_is_not_shown_while_it_is_typed", answer_is_not_shown),
    ("ssh_asks_for_a_passphrase_at_the_terminal", passphrase),
    ("a_local_script_does_not_get_the_terminal", local_script),
    ("a_script_of_the_host_gets_our_terminal_over_the_login_there_is", terminal),
    ("a_killed_program_leaves_nothing_behind", killed),
];

const SOON: Duration = Duration::from_secs(20);

pub(crate) fn eventually(what: &str, within: Duration, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < within, "{what}: not within {within:?}");
        sleep(Duration::from_millis(50));
    }
}

fn answer_is_not_shown() -> Result<(), Failed> {
    let (mut player, mut keys) = Player::at_a_terminal(&["ask"]);
    player.says("Secret, please:", SOON);
    // The terminal of `script` itself echoes what comes before the question is asked.
    press(&mut keys, "opensesame");
    let line = player.says("answer:", SOON);
    assert_eq!(line, "answer: Some(\"opensesame\")");
    assert!(!player.seen().iter().any(|line| line.contains("opensesame")), "{:?}", player.seen());
    Ok(())
}

fn passphrase() -> Result<(), Failed> {
    let sshd = Sshd::start("");
    keygen(&sshd.path("id"), "open sesame");
    fs::copy(sshd.path("id.pub"), sshd.path("authorized_keys"))?;
    let config = sshd.path("ssh_config");
    let (mut player, mut keys) = Player::at_a_terminal(&["log-in", config.to_str().unwrap(), "box"]);
    player.says("Enter passphrase for key", SOON);
    press(&mut keys, "wrong");
    player.says("Enter passphrase for key", SOON);
    press(&mut keys, "open sesame");
    assert_eq!(player.says("opened:", SOON), "opened: Ok(1)");
    assert!(!player.seen().iter().any(|line| line.contains("sesame")), "{:?}", player.seen());
    Ok(())
}

fn local_script() -> Result<(), Failed> {
    let (mut player, _keys) = Player::at_a_terminal(&["local", "( read -r answer </dev/tty ) 2>/dev/null && exit 7; exit 8"]);
    assert_eq!(player.says("status:", SOON), "status: 8");
    Ok(())
}

fn terminal() -> Result<(), Failed> {
    let sshd = Sshd::start("");
    let script = sshd.path("on-terminal");
    fs::write(&script, "tty; read -r line; echo \"read $line\"; exit 3")?;
    let (config, script) = (sshd.path("ssh_config"), script.to_str().unwrap().to_owned());
    let (mut player, mut keys) = Player::at_a_terminal(&["terminal", config.to_str().unwrap(), "box", &script]);
    player.says("/dev/pts/", SOON);
    press(&mut keys, "hello");
    player.says("read hello", SOON);
    assert!(player.says("status:", SOON).contains("Some(3)"));
    // ssh's own failure: it must not log in a second time by itself.
    assert!(player.says("without a connection:", SOON).contains("Some(255)"));
    Ok(())
}

fn killed() -> Result<(), Failed> {
    let sshd = Sshd::start("");
    let config = sshd.path("ssh_config");
    let config = config.to_str().unwrap();
    let me = Command::new(std::env::current_exe()?);
    let mut player = Player::start(me, &["run", config, "box", "60", "trap '' TERM; echo go; sleep 9771.25 & sleep 9771.25"]);
    player.says("line: go", SOON);
    eventually("it runs", SOON, || processes("9771.25").len() >= 2);
    let masters = processes(config).len();
    assert!(masters >= 4, "the program, the keeper, its guard, ssh: {masters}");
    player.kill();
    // The socket's directory goes with its keeper.
    eventually("the connection is gone", Duration::from_secs(3), || processes(config).is_empty());
    eventually("the script is gone", Duration::from_secs(5), || processes("9771.25").is_empty());
    Ok(())
}
