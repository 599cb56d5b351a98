//! Nodes that are not as they should be: each state is told apart from the others.

use std::{fs, process::Command, time::Instant};

use edeliver::{
    node::{self, NodeError},
    transport::Local,
};
use edeliver_core::facts::NodeState;
use rustix::process::Signal;

use crate::{
    epmd::epmd,
    release::{Kind, Running, signal, unique},
    shells,
};

#[tokio::test]
async fn a_release_that_crashes_at_start_is_told_at_once_with_its_own_words() {
    for shell in shells::both() {
        let mut running = Running::new(Kind::Mix);
        running.set("TROUBLE", "crash");
        let began = Instant::now();
        let failed = running.start_within(&shell.host, 60).await.unwrap_err();
        assert!(began.elapsed().as_secs() < 20, "it waited for a dead node");
        assert!(matches!(failed, NodeError::Died { .. }), "{}: {failed}", shell.name);
        assert!(failed.log().iter().any(|line| line.contains("crashed as asked")), "{}: {:#?}", shell.name, failed.log());
        assert_eq!(running.state(&shell.host).await.state, NodeState::Down);
    }
}

#[tokio::test]
async fn a_node_that_is_slow_to_start_is_starting_and_can_be_stopped() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    running.set("TROUBLE", "30000");
    let failed = running.start_within(&host, 2).await.unwrap_err();
    assert!(matches!(failed, NodeError::NotUp { state: NodeState::Starting, .. }), "{failed}");
    assert_eq!(running.state(&host).await.state, NodeState::Starting);
    running.stop(&host).await;
    assert_eq!(running.state(&host).await.state, NodeState::Down);
}

#[tokio::test]
async fn a_start_waits_for_a_node_that_is_starting() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    running.set("TROUBLE", "4000");
    let failed = running.start_within(&host, 1).await.unwrap_err();
    assert!(matches!(failed, NodeError::NotUp { .. }), "{failed}");
    assert_eq!(running.start(&host).await.unwrap().state, NodeState::Running);
}

/// A start script's shell has the words of the virtual machine that it will become, and so have, for a moment, shells that it starts.
#[tokio::test]
async fn a_process_that_passes_on_the_way_of_a_start_is_not_taken_for_the_end_of_the_node() {
    for shell in shells::both() {
        let running = Running::new(Kind::Mix);
        let script = running.root().join("bin/hotapp");
        let (first, rest) =
            fs::read_to_string(&script).unwrap().split_once('\n').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        let boot = running.root().join("releases/0.1.0/start");
        let passing = format!("sh -c 'sleep 0.5; :' passing -boot '{}'\nsleep 0.5\n", boot.display());
        fs::write(&script, [&first, "\n", &passing, &rest].concat()).unwrap();
        let started = running.start(&shell.host).await;
        assert_eq!(started.unwrap().state, NodeState::Running, "{}", shell.name);
    }
}

#[tokio::test]
async fn a_stopped_process_is_hung_and_ends_by_sigkill() {
    for shell in shells::both() {
        let running = Running::new(Kind::Mix);
        let node = running.start(&shell.host).await.unwrap();
        signal(&node, Signal::STOP);
        assert_eq!(running.state(&shell.host).await.state, NodeState::Hung, "{}", shell.name);
        let told = running.stop(&shell.host).await.join("\n");
        assert!(told.contains("SIGTERM") && told.contains("SIGKILL"), "{told}");
        assert_eq!(running.state(&shell.host).await.state, NodeState::Down);
    }
}

#[tokio::test]
async fn a_node_that_has_changed_its_cookie_is_told_and_can_still_be_stopped() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    let node = running.start(&host).await.unwrap();
    call(&running, "hotapp-sample-cookie", "erlang set_cookie [other]");
    let state = running.state(&host).await;
    assert_eq!((state.state, state.pid), (NodeState::WrongCookie, node.pid));
    assert!(running.stop(&host).await.join("\n").contains("wrong-cookie"));
    assert_eq!(running.state(&host).await.state, NodeState::Down);
}

fn call(running: &Running, cookie: &str, apply: &str) {
    let erl_call = glob(&running.root(), "erts-").join("bin/erl_call");
    let node = running.variable("RELEASE_NODE");
    let status = Command::new(erl_call).args(["-c", cookie, "-sname", node, "-a", apply]).output().unwrap();
    assert!(status.status.success(), "{status:?}");
}

/// The entry of a directory whose name starts so.
fn glob(dir: &std::path::Path, start: &str) -> std::path::PathBuf {
    let mut entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap());
    entries.find(|entry| entry.file_name().to_string_lossy().starts_with(start)).unwrap().path()
}

#[tokio::test]
async fn a_node_without_distribution_counts_as_up_once_it_has_lived_a_while() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    running.set("RELEASE_DISTRIBUTION", "none");
    let node = running.start(&host).await.unwrap();
    assert_eq!((node.state, node.name), (NodeState::NoDistribution, None));
    let told = running.stop(&host).await.join("\n");
    assert!(told.contains("SIGTERM") && !told.contains("SIGKILL"), "{told}");
}

#[tokio::test]
async fn a_name_that_another_node_has_is_a_failed_start_and_not_that_other_node() {
    let (taken, mut late, host) = (Running::new(Kind::Mix), Running::new(Kind::Mix), Local::new());
    taken.start(&host).await.unwrap();
    late.set("RELEASE_NODE", taken.variable("RELEASE_NODE"));
    let failed = late.start_within(&host, 20).await.unwrap_err();
    assert!(matches!(failed, NodeError::Died { .. }), "{failed}");
    assert!(failed.log().iter().any(|line| line.contains("in use")), "{:#?}", failed.log());
    assert_eq!(taken.state(&host).await.state, NodeState::Running);
}

#[tokio::test]
async fn helper_vms_of_the_release_are_not_its_node() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    let script = running.root().join("bin/hotapp");
    let mut helper = Command::new(script).args(["eval", "Process.sleep(60000)"]).spawn().unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(helper.try_wait().unwrap().is_none(), "the helper VM runs");
    assert_eq!(running.state(&host).await.state, NodeState::Down);
    helper.kill().unwrap();
    helper.wait().unwrap();
}

#[tokio::test]
async fn a_broken_shell_start_up_file_is_told() {
    for broken in ["if then", "exit 0"] {
        let (mut running, host) = (Running::new(Kind::Mix), Local::new());
        let profile = running.dir().join("profile");
        fs::write(&profile, broken).unwrap();
        running.environment.profile = profile.to_str().unwrap().to_owned();
        let failed = running.start(&host).await.unwrap_err();
        assert!(matches!(failed, NodeError::Profile { .. }), "{broken}: {failed}");
        assert_eq!(running.state(&host).await.state, NodeState::Down);
    }
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    running.environment.profile = "~/no such file".to_owned();
    running.start(&host).await.expect("a missing one is fine");
}

#[tokio::test]
async fn a_root_without_a_release_has_no_start_script() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    fs::remove_file(running.root().join("bin/hotapp")).unwrap();
    let failed = running.start(&host).await.unwrap_err();
    assert!(matches!(failed, NodeError::NoScript { .. }), "{failed}");
}

#[tokio::test]
async fn a_release_that_does_not_boot_next_is_not_started() {
    let (running, host) = (Running::new(Kind::Mix), Local::new());
    fs::write(running.root().join("releases/start_erl.data"), "13.1.5 0.9.9\n").unwrap();
    let failed = running.start(&host).await.unwrap_err();
    assert!(matches!(failed, NodeError::NotPermanent { .. }), "{failed}");
}

#[tokio::test]
async fn a_node_is_found_after_its_epmd_was_restarted_and_under_another_epmd_port() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    let port = running.with_an_epmd_of_its_own();
    let node = running.start(&host).await.unwrap();
    assert_eq!(running.state(&host).await, node);
    epmd(port, &["-kill"]);
    assert_eq!(running.state(&host).await.state, NodeState::Running, "found by its sockets");
}

#[tokio::test]
async fn several_nodes_of_one_root_are_all_told_and_the_configured_one_is_chosen() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    let one = running.start(&host).await.unwrap();
    let second = unique();
    let script = running.root().join("bin/hotapp");
    let status = Command::new(script).arg("daemon").env("RELEASE_NODE", &second).env("RELEASE_TMP", running.dir()).status();
    assert!(status.unwrap().success());
    let deadline = Instant::now();
    while running.state(&host).await.others.is_empty() {
        assert!(deadline.elapsed().as_secs() < 20, "the second node does not appear");
    }
    running.place.node = Some(second.parse().unwrap());
    let chosen = running.state(&host).await;
    assert_eq!(chosen.others, [one.pid.unwrap()]);
    assert!(chosen.pid.is_some() && chosen.pid != one.pid);
}

#[tokio::test]
async fn heart_does_not_bring_back_a_node_that_was_killed_on_purpose() {
    let (mut running, host) = (Running::new(Kind::Mix), Local::new());
    let revived = running.dir().join("revived");
    running.set("ERL_FLAGS", "-heart");
    running.set("HEART_COMMAND", &format!("touch '{}'", revived.display()));
    let node = running.start(&host).await.unwrap();
    signal(&node, Signal::STOP);
    assert!(running.stop(&host).await.join("\n").contains("SIGKILL"));
    tokio::time::sleep(std::time::Duration::from_secs(2)).await;
    assert!(!revived.exists());
}

#[tokio::test]
async fn a_node_of_another_user_is_seen_and_not_ended() {
    let running = Running::new(Kind::Mix);
    if !rustix::process::getuid().is_root() {
        eprintln!("skipped: only root can be two users");
        return;
    }
    let nobody = shells::user(running.dir());
    let node = running.start(&Local::new()).await.unwrap();
    assert_eq!(running.state(&nobody).await, node, "asked with the cookie of its command line");
    let mut told = Vec::new();
    let tell = &mut |line: &str| told.push(line.to_owned());
    let timeout = std::time::Duration::from_secs(1);
    signal(&node, Signal::STOP); // so that it can't be asked to stop
    let refused = node::stop(&nobody, &running.place, None, timeout, tell).await.unwrap_err();
    assert!(matches!(refused, NodeError::NotOurs { .. }), "{refused}: {told:?}");
}
