//! Staged and activated in one call.

use edeliver_core::event::{EventKind, HostResult};

use super::{
    fleet::{calls, interrupted, ran, restart_plan, results, serving, without_hooks},
    folder::{SHELLS, Shell, What},
    hosts::{Host, Ran},
    releases::Release,
};

const BOTH: &str = "stage and activate";

/// A host far away that 0.1.0 boots on.
async fn far(shell: Shell) -> Host {
    let host = Host::new(shell).far();
    host.deploy(&Release::new("0.1.0")).await.assert_done();
    host.folder.calls.lock().unwrap().clear();
    host
}

/// What was told of steps, in order.
fn told(ran: &Ran) -> Vec<String> {
    let words = ran.events.iter().filter_map(|event| match event {
        EventKind::StepStarted { index, .. } => Some(format!("started {index}")),
        EventKind::StepFinished { index, .. } => Some(format!("finished {index}")),
        EventKind::StepFailed { index, .. } => Some(format!("failed {index}")),
        _ => None,
    });
    words.collect()
}

#[tokio::test]
async fn a_small_change_takes_one_call_and_is_told_as_two_steps() {
    for shell in SHELLS {
        let (host, second) = (far(shell).await, Release::new("0.2.0"));
        let ran = host.deploy(&second).await;
        ran.assert_done();
        assert_eq!(calls(&host), [BOTH]);
        assert_eq!(told(&ran), ["started 0", "finished 0", "started 1", "finished 1"]);
        host.assert_complete(&second);
        host.assert_boots(&second);
        host.assert_tidy();
    }
}

#[tokio::test]
async fn what_fails_after_staging_is_told_of_the_activation() {
    let (host, second) = (far(Shell::Dash).await, Release::new("0.2.0"));
    let plan = host.plan(&second, |_| {}).await;
    let start = host.root.join("bin/demo");
    host.folder.fail(
        BOTH,
        What::Before(Box::new(move || {
            std::fs::remove_file(&start).unwrap();
            std::fs::create_dir(&start).unwrap();
        })),
    );
    let ran = host.apply(&plan, Some(&second)).await;
    assert_eq!(told(&ran)[..4], ["started 0", "finished 0", "started 1", "failed 1"]);
    assert_eq!(ran.outcome.hosts[0].result, HostResult::Failed);
    assert!(
        ran.summary().starts_with("0.2.0 was not activated: ") && ran.summary().contains("bin/demo is a directory"),
        "{}",
        ran.summary()
    );
    host.assert_complete(&second);
}

#[tokio::test]
async fn who_does_not_hear_the_end_of_both_knows_neither() {
    let (host, second) = (far(Shell::Dash).await, Release::new("0.2.0"));
    host.folder.fail(BOTH, What::Deaf);
    let ran = host.deploy(&second).await;
    assert_eq!(ran.outcome.hosts[0].result, HostResult::Unknown);
    assert!(ran.summary().starts_with("nobody knows whether 0.2.0 was staged, or boots: "), "{}", ran.summary());
    host.assert_boots(&second);
    host.deploy(&second).await.assert_done();
    host.assert_boots(&second);
}

#[tokio::test]
async fn what_was_changed_by_hand_is_sent_in_a_second_call_of_both() {
    for (path, text) in [("lib/demo-0.1.0/ebin/demo_same.beam", "changed by hand"), (".edeliver/manifests/0.1.0.json", "{}")] {
        let (host, second) = (far(Shell::Dash).await, Release::new("0.2.0"));
        let plan = host.plan(&second, |_| {}).await;
        std::fs::write(host.root.join(path), text).unwrap();
        host.apply(&plan, Some(&second)).await.assert_done();
        assert_eq!(calls(&host), [BOTH, BOTH], "{path}");
        host.assert_complete(&second);
        host.assert_boots(&second);
    }
}

#[tokio::test]
async fn an_interruption_lets_both_finish_and_begins_nothing_after_them() {
    let host = serving("a").await.far();
    let plan = without_hooks(restart_plan(&[&host]).await);
    let ran = interrupted(&host, &plan, BOTH, 1).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Failed)], 130));
    assert_eq!(ran.summary(), "interrupted; 0.2.0 boots next, 0.1.0 runs until then");
    assert_eq!(calls(&host), [BOTH]);
    host.assert_boots(&Release::new("0.2.0"));
}

#[tokio::test]
async fn what_travels_for_a_while_and_what_waits_for_others_is_activated_by_itself() {
    let host = far(Shell::Dash).await;
    let mut large = Release::new("0.2.0");
    let noise: String = (0..1_200_000u32).map(|n| char::from(b'a' + (n.wrapping_mul(2_654_435_761) >> 27) as u8 % 26)).collect();
    large.add("lib/demo-0.2.0/priv/picture", 0o644, &noise);
    host.deploy(&large).await.assert_done();
    assert_eq!(calls(&host), ["stage", "activate"]);

    let hosts = [serving("a").await.far(), serving("b").await.far()];
    let all = [&hosts[0], &hosts[1]];
    let plan = without_hooks(restart_plan(&all).await);
    ran(&all, &plan).await.assert_done();
    for host in &hosts {
        assert_eq!(calls(host)[..2], ["stage", "activate"]);
    }
}
