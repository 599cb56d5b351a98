//! In which order hosts are changed, and what keeps the next ones from it.

use std::time::{Duration, Instant};

use edeliver_core::{
    config::OnFailure,
    event::{EventKind, HostResult},
    facts::TakenBack,
    name::RunId,
    plan::{Plan, Verdict},
    step::Step,
    strategy::Rollout,
};

use super::{
    fleet::{calls, ran, releases, restart_plan, results, serving, without_hooks},
    folder::{SHELLS, What},
    hosts::{Host, Ran, apply_on, only},
    releases::Release,
};
use crate::cancel::{self, Cancel};

async fn hosts<const N: usize>(names: [&str; N]) -> Vec<Host> {
    let mut hosts = Vec::new();
    for name in names {
        hosts.push(serving(name).await);
    }
    hosts
}

/// The second release on all of them, in these waves.
async fn plan(hosts: &[Host], waves: &[usize], rollout: Rollout) -> Plan {
    let all: Vec<&Host> = hosts.iter().collect();
    let mut plan = without_hooks(restart_plan(&all).await);
    let mut names = hosts.iter().map(|host| host.name.clone());
    let waves = waves.iter().map(|size| names.by_ref().take(*size).collect()).collect();
    plan.rollout = Rollout { waves, ..rollout };
    plan
}

async fn run(hosts: &[Host], plan: &Plan) -> Ran {
    ran(&hosts.iter().collect::<Vec<_>>(), plan).await
}

const CHANGED: [&str; 4] = ["stage", "activate", "node stop", "node start"];

#[tokio::test]
async fn what_fails_before_the_first_change_has_changed_nothing_anywhere() {
    let hosts = hosts(["a", "b", "c"]).await;
    let plan = plan(&hosts, &[3], Rollout::default()).await;
    hosts[1].folder.fail("stage", What::Gone);
    let ran = run(&hosts, &plan).await;
    let expected = [("a", HostResult::Skipped), ("b", HostResult::Failed), ("c", HostResult::Skipped)];
    assert_eq!((results(&ran), ran.outcome.exit_code), (expected.to_vec(), 9));
    assert_eq!(ran.summary(), "nothing was changed: b failed; 0.1.0 serving as before");
    for host in &hosts {
        assert_eq!(calls(host), ["stage"]);
        host.assert_boots(&releases().0);
    }
    let again = run(&hosts, &plan).await;
    assert_eq!(again.outcome.exit_code, 0, "the same once more ends what was begun: {:?}", again.outcome);
}

#[tokio::test]
async fn a_wave_begins_when_the_one_before_is_at_its_end_and_went_well() {
    let hosts = hosts(["a", "b", "c"]).await;
    let plan = plan(&hosts, &[1, 1, 1], Rollout::default()).await;
    hosts[1].folder.fail("node stop", What::Gone);
    let ran = run(&hosts, &plan).await;
    let expected = [("a", HostResult::Done), ("b", HostResult::Failed), ("c", HostResult::Skipped)];
    assert_eq!((results(&ran), ran.outcome.exit_code), (expected.to_vec(), 8));
    assert_eq!((calls(&hosts[0]), calls(&hosts[2])), (CHANGED.to_vec(), vec!["stage"]));
    let waves = ran.events.iter().filter_map(|event| match event {
        EventKind::WaveStarted { number, of, hosts } => Some(format!("{number}/{of} {}", hosts[0])),
        EventKind::WaveFinished { number, failed, .. } => Some(format!("{number}: {failed} failed")),
        _ => None,
    });
    assert_eq!(waves.collect::<Vec<_>>(), ["1/3 a", "1: 0 failed", "2/3 b", "2: 1 failed"]);
}

#[tokio::test]
async fn as_many_may_fail_as_is_said() {
    for (max_failures, on_failure, last) in [
        (0, OnFailure::Stop, HostResult::Skipped),
        (1, OnFailure::Stop, HostResult::Done),
        (0, OnFailure::Continue, HostResult::Done),
    ] {
        let hosts = hosts(["a", "b"]).await;
        let plan = plan(&hosts, &[1, 1], Rollout { max_failures, on_failure, ..Rollout::default() }).await;
        hosts[0].folder.fail("activate", What::Gone);
        assert_eq!(results(&run(&hosts, &plan).await)[1], ("b", last), "{max_failures} {on_failure:?}");
    }
}

#[tokio::test]
async fn no_more_hosts_are_changed_at_a_time_than_may_be_and_none_after_a_failure() {
    let hosts = hosts(["a", "b", "c", "d"]).await;
    let plan = plan(&hosts, &[4], Rollout { at_once: Some(1), ..Rollout::default() }).await;
    hosts[2].folder.fail("activate", What::Gone);
    let ran = run(&hosts, &plan).await;
    use HostResult::{Done, Failed, Skipped};
    assert_eq!(results(&ran), [("a", Done), ("b", Done), ("c", Failed), ("d", Skipped)]);
    assert_eq!(calls(&hosts[3]), ["stage"], "put there with the others, and left so");
}

#[tokio::test]
async fn an_interruption_between_waves_leaves_those_that_are_not_begun() {
    let hosts = hosts(["a", "b"]).await;
    let plan = plan(&hosts, &[1, 1], Rollout::default()).await;
    let (interrupter, cancel) = cancel::pair();
    hosts[0].folder.fail("node start", What::Before(Box::new(move || _ = interrupter.interrupt())));
    let ran = apply_on(&hosts.iter().collect::<Vec<_>>(), &plan, Some(hosts[0].contents(&releases().1)), cancel).await;
    assert_eq!((results(&ran), ran.outcome.exit_code), (vec![("a", HostResult::Done), ("b", HostResult::Failed)], 130));
    assert_eq!(ran.outcome.hosts[1].summary, "interrupted; 0.1.0 serving as before");
    hosts[1].assert_boots(&releases().0);
}

#[tokio::test]
async fn a_release_that_was_taken_back_is_not_deployed_again_unless_somebody_wants_it() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let (first, second) = releases();
        host.deploy(&first).await.assert_done();
        let run: RunId = "20261126-183000-0c11".parse().unwrap();
        let it = TakenBack { version: second.manifest().version, manifest: second.manifest().id(), run };
        let mut plan = host.plan(&second, |_| {}).await;
        plan.hosts[0].steps = vec![Step::Remember(it.clone())];
        host.apply(&plan, None).await.assert_done();
        assert_eq!(host.seen().await.taken_back, [it]);
        let plan = host.plan(&second, |_| {}).await;
        assert!(matches!(only(&plan).verdict, Verdict::Blocked { .. }), "{plan:?}");
        assert_eq!(only(&plan).reasons, ["0.2.0 was taken back in run 20261126-183000-0c11"]);
        let wanted = host.plan(&second, |request| request.force = true).await;
        host.apply(&wanted, Some(&second)).await.assert_done();
        assert_eq!(host.seen().await.taken_back, [], "it boots, so that is over");
        host.assert_tidy();
    }
}

/// Bytes that nothing makes shorter.
fn noise(length: usize) -> Vec<u8> {
    let next = |state: &mut u64| {
        *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        Some(state.to_be_bytes()[0])
    };
    let mut state = 7;
    std::iter::from_fn(|| next(&mut state)).take(length).collect()
}

#[tokio::test]
async fn all_hosts_together_are_sent_no_more_than_the_bandwidth() {
    let mut release = Release::new("0.1.0");
    release.files.insert("lib/demo-0.1.0/priv/noise".to_owned(), (0o644, noise(300_000)));
    let mut hosts = [Host::new(SHELLS[0]), Host::new(SHELLS[0])];
    hosts[1].name = "b".parse().unwrap();
    let mut plan = hosts[0].plan(&release, |_| {}).await;
    plan.hosts.extend(hosts[1].plan(&release, |_| {}).await.hosts);
    let waves = vec![hosts.iter().map(|host| host.name.clone()).collect()];
    plan.rollout = Rollout { waves, bandwidth: "300KB/s".parse().ok(), ..Rollout::default() };
    let began = Instant::now();
    let ran = apply_on(&[&hosts[0], &hosts[1]], &plan, Some(hosts[0].contents(&release)), Cancel::never()).await;
    ran.assert_done();
    hosts.iter().for_each(|host| host.assert_complete(&release));
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(1500), "600 KB at 300 KB/s take two seconds: {took:?}");
}
