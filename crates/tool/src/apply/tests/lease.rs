//! Runs that lose their lease.

use std::sync::Arc;

use edeliver_core::{
    event::HostResult,
    lease::{Answer, Claim, Held, Holder},
};

use super::{
    super::Means,
    folder::{Shell, What},
    hosts::{Host, Ran, apply_with},
    releases::Release,
};
use crate::{
    cancel::Cancel,
    lease::{Board, now},
};

fn board(host: &Host) -> Arc<Board> {
    Arc::new(Board::new(Claim::new("m".parse().unwrap(), vec![host.name.clone()])))
}
fn somebody() -> Answer {
    let (who, what) = ("bob@desk".to_owned(), "deploy".to_owned());
    Answer::Held(Holder { token: "b".parse().unwrap(), held: Held::ByRun, who, what, age: None, left: None, settled: true })
}
async fn deploy(host: &Host, release: &Release, lease: Arc<Board>) -> Ran {
    let plan = host.plan(release, |_| {}).await;
    let sites = [(host.name.clone(), host.site())].into();
    let means = Means { sites, contents: Some(host.contents(release)), lease: Some(lease), ..Means::default() };
    apply_with(&plan, means, Cancel::never()).await
}

#[tokio::test]
async fn nothing_is_begun_on_a_host_that_somebody_else_has() {
    let (host, release) = (Host::new(Shell::Dash), Release::new("0.1.0"));
    let lease = board(&host);
    lease.hear(&host.name, now(), somebody());
    let ran = deploy(&host, &release, lease).await;
    assert_eq!((ran.outcome.exit_code, ran.outcome.hosts[0].result), (5, HostResult::Skipped), "{}", ran.summary());
    assert!(ran.summary().contains("bob@desk has taken it over; nothing was begun"), "{}", ran.summary());
    assert!(!host.root.exists());
}

#[tokio::test]
async fn a_run_whose_host_is_taken_over_in_the_middle_stops_before_its_next_change() {
    let (host, old, new) = (Host::new(Shell::Dash), Release::new("0.1.0"), Release::new("0.2.0"));
    host.deploy(&old).await.assert_done();
    let lease = board(&host);
    lease.hear(&host.name, now(), Answer::Ours);
    let (board, name) = (lease.clone(), host.name.clone());
    host.folder.fail("stage", What::Before(Box::new(move || board.hear(&name, now(), somebody()))));
    let ran = deploy(&host, &new, lease).await;
    assert_eq!((ran.outcome.exit_code, ran.outcome.hosts[0].result), (9, HostResult::Failed), "{}", ran.summary());
    assert!(ran.summary().contains("the lease is lost"), "{}", ran.summary());
    host.assert_boots(&old);
}

#[tokio::test]
async fn a_run_that_is_sure_goes_on_to_its_end() {
    let (host, release) = (Host::new(Shell::Dash), Release::new("0.1.0"));
    let lease = board(&host);
    lease.hear(&host.name, now(), Answer::Ours);
    deploy(&host, &release, lease).await.assert_done();
}
