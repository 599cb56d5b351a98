//! Hosts whose processes can't be looked at: FreeBSD, macOS, or a `/proc` that hides them.

use std::sync::Arc;

use edeliver::{
    node::{
        self, NodeError, find,
        link::{self, Mfa, Way},
    },
    transport::{Local, Transport},
};
use edeliver_core::facts::NodeState;
use edeliver_erl::Term;
use rustix::process::Signal;

use crate::{
    link::PATIENCE,
    release::{Kind, Running, first, lasting, signal},
    shells,
};

/// A release of each kind on a host of which nothing is mounted at `/proc`; none where we may not make such a host.
fn blind() -> Option<[(Running, Arc<dyn Transport>); 2]> {
    if !rustix::process::getuid().is_root() {
        #[expect(clippy::print_stderr, reason = "a test that does not run says so")]
        {
            eprintln!("skipped: only root can hide /proc");
        }
        return None;
    }
    Some([Kind::Mix, Kind::Relx].map(|kind| {
        let mut running = Running::new(kind);
        running.place.node = Some(running.variable("RELEASE_NODE").parse().unwrap());
        let host: Arc<dyn Transport> = Arc::new(shells::without_proc(running.dir()));
        (running, host)
    }))
}

#[tokio::test]
async fn without_proc_a_node_is_found_by_epmd_and_the_releases_files() {
    for (running, blind) in blind().into_iter().flatten() {
        assert!(find::find(&*blind, &running.place).await.unwrap().is_none(), "nothing is registered");
        let node = running.start(&Local::new()).await.unwrap();
        let found = find::find(&*blind, &running.place).await.unwrap().expect("epmd knows it");
        assert_eq!((found.pid, &found.booted), (None, &node.booted));
        let mut link = link::open(&blind, &running.place, PATIENCE).await.unwrap();
        let pid = link.call(&Mfa::literal("os", "getpid", []), PATIENCE, &mut |_| {}).await.unwrap();
        assert_eq!((link.way(), pid), (Way::Distribution, Term::string(&node.pid.unwrap().to_string())));
    }
}

#[tokio::test]
async fn without_proc_a_node_is_started_asked_and_stopped() {
    for (running, blind) in blind().into_iter().flatten() {
        assert_eq!(running.state(&*blind).await.state, NodeState::Down);
        let node = running.start(&*blind).await.unwrap();
        let seen = running.state(&Local::new()).await;
        assert_eq!((node.state, node.pid, &node.name), (NodeState::Running, seen.pid, &seen.name));
        let answer = node::state(&*blind, &running.place).await.unwrap();
        assert_eq!((lasting(&answer.node), answer.incarnation.is_some()), (lasting(&node), true));
        assert_eq!(running.start(&*blind).await.unwrap().pid, node.pid, "it is left running");
        assert_eq!(running.stop(&*blind).await, Vec::<String>::new(), "an orderly stop needs no word");
        assert_eq!(running.state(&Local::new()).await.state, NodeState::Down);
        assert_eq!(running.stop(&*blind).await, ["no node is running"]);
    }
}

#[tokio::test]
async fn without_proc_the_version_that_runs_is_the_nodes_word_and_not_what_boots_next() {
    for (running, blind) in blind().into_iter().flatten() {
        running.start(&*blind).await.unwrap();
        running.pretend_next("0.2.0");
        let answer = node::state(&*blind, &running.place).await.unwrap();
        assert_eq!((answer.node.booted, answer.permanent), (Some(first()), "0.2.0".parse().ok()));
    }
}

#[tokio::test]
async fn without_proc_a_node_that_does_not_answer_is_told_and_left_to_its_host() {
    for (running, blind) in blind().into_iter().flatten().take(1) {
        let node = running.start(&*blind).await.unwrap();
        signal(&node, Signal::STOP);
        assert_eq!(running.state(&*blind).await.state, NodeState::Hung);
        let failed = node::stop(&*blind, &running.place, None, PATIENCE, &mut |_| {}).await.unwrap_err();
        assert!(matches!(failed, NodeError::Unseen { .. }), "{failed}");
    }
}
