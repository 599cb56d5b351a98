//! Killed at every step: the old release stays as it was, and the next run finishes the work.

use std::{collections::BTreeMap, time::Duration};

use edeliver_core::{
    event::HostResult,
    plan::{DeployRequest, Keep},
};

use super::{
    folder::{SHELLS, Shell, What},
    hosts::{Host, only},
    releases::Release,
};

type Tree = BTreeMap<String, (u32, Vec<u8>)>;

/// The files of installed releases, which no deploy may change.
fn installed(host: &Host) -> Tree {
    let own = ["lib/", "erts-", "releases/0.", ".edeliver/top/", ".edeliver/manifests/"];
    let mut tree = host.tree();
    tree.retain(|path, _| own.iter().any(|own| path.starts_with(own)));
    tree
}

fn assert_contains(now: &Tree, before: &Tree, when: &str) {
    for (path, content) in before {
        assert_eq!(now.get(path), Some(content), "{path} {when}");
    }
}

/// Releases that nothing needs go, and may be replaced.
fn ask(request: &mut DeployRequest) {
    (request.keep, request.force) = (Keep::Newest(2), true);
}

/// Deploys `release` to copies of `host`, where `script` is killed before the first program it runs, before the second, and so on.
async fn killed_everywhere(script: &'static str, host: Host, release: &Release) {
    // Everything before that script is done once.
    let plan = host.plan(release, ask).await;
    host.folder.fail(script, What::Gone);
    host.apply(&plan, Some(release)).await;
    let plan = host.plan(release, ask).await;
    let before = installed(&host);
    for program in 1.. {
        let when = format!("when {script} was killed at program {program}");
        let host = host.copy();
        host.folder.fail(script, What::KillAt(program));
        let ran = host.apply(&plan, Some(release)).await;
        if ran.outcome.exit_code == 0 {
            assert!(program > 5, "{script} was not killed");
            return;
        }
        assert_eq!(ran.outcome.hosts[0].result, HostResult::Unknown, "{when}: {:?}", ran.causes());
        assert_nothing_lost(script, &host, &before, release, &when);
        finish(&host, release, &when).await;
        if program % 5 == 0 {
            assert_finished(&host, release, &when).await;
        }
    }
}

fn assert_nothing_lost(script: &str, host: &Host, before: &Tree, release: &Release, when: &str) {
    if script == "prune" {
        // What is kept is complete and boots, which is seen in the end.
        return host.assert_boots(release);
    }
    let mut others = before.clone();
    others.retain(|path, _| !script.starts_with("stage") || !path.contains(release.version.as_str()));
    assert_contains(&installed(host), &others, when);
}

/// Deploys the release again.
async fn finish(host: &Host, release: &Release, when: &str) {
    let plan = host.plan(release, ask).await;
    let ran = host.apply(&plan, Some(release)).await;
    assert_eq!(ran.outcome.exit_code, 0, "{when}: {:?}", ran.causes());
    host.assert_complete(release);
    host.assert_boots(release);
    if !plan.is_empty() {
        host.assert_tidy();
    }
}

async fn assert_finished(host: &Host, release: &Release, when: &str) {
    let plan = host.plan(release, ask).await;
    assert!(plan.is_empty(), "{when} there is still to do: {:?}", only(&plan));
}

async fn with(versions: &[&str]) -> Host {
    let host = Host::new(Shell::Dash);
    for version in versions {
        host.deploy(&Release::new(version)).await.assert_done();
    }
    host
}

#[tokio::test]
async fn staging_a_first_release() {
    killed_everywhere("stage", with(&[]).await, &Release::new("0.1.0")).await;
}

#[tokio::test]
async fn activating_a_first_release() {
    killed_everywhere("activate", with(&[]).await, &Release::new("0.1.0")).await;
}

#[tokio::test]
async fn staging_a_second_release() {
    killed_everywhere("stage", with(&["0.1.0"]).await, &Release::new("0.2.0")).await;
}

#[tokio::test]
async fn activating_a_second_release() {
    killed_everywhere("activate", with(&["0.1.0"]).await, &Release::new("0.2.0")).await;
}

#[tokio::test]
async fn activating_a_second_release_of_relx() {
    let host = with(&[]).await;
    host.deploy(&Release::relx("0.1.0")).await.assert_done();
    killed_everywhere("activate", host, &Release::relx("0.2.0")).await;
}

#[tokio::test]
async fn activating_over_a_root_that_the_original_filled() {
    let host = with(&[]).await;
    Release::new("0.1.0").without_odd_names().unpack(&host.root);
    killed_everywhere("activate", host, &Release::new("0.2.0").without_odd_names()).await;
}

#[tokio::test]
async fn replacing_another_build_of_a_version_that_nothing_needs() {
    let mut other = Release::new("0.2.0");
    other.add("lib/demo-0.2.0/ebin/demo.beam", 0o644, "another build");
    killed_everywhere("stage", with(&["0.2.0", "0.3.0", "0.4.0"]).await, &other).await;
}

#[tokio::test]
async fn staging_and_activating_in_one_call() {
    killed_everywhere("stage and activate", with(&[]).await.far(), &Release::new("0.1.0")).await;
    killed_everywhere("stage and activate", with(&["0.1.0"]).await.far(), &Release::new("0.2.0")).await;
}

#[tokio::test]
async fn removing_releases() {
    killed_everywhere("prune", with(&["0.1.0", "0.2.0", "0.3.0"]).await, &Release::new("0.4.0")).await;
}

/// By chance instead of by count, so that it also happens while a program is at work.
#[tokio::test]
async fn at_any_time() {
    for shell in SHELLS {
        let first = Host::new(shell);
        first.deploy(&Release::new("0.1.0")).await.assert_done();
        let second = Release::new("0.2.0");
        let plan = first.plan(&second, |_| {}).await;
        let before = installed(&first);
        for at in 0..24 {
            let script = ["stage", "activate"][at % 2];
            let host = first.copy();
            host.folder.fail(script, What::Kill(Duration::from_millis(at as u64 * 4)));
            let ran = host.apply(&plan, Some(&second)).await;
            assert!([0, 8].contains(&ran.outcome.exit_code), "{:?}", ran.causes());
            assert_contains(&installed(&host), &before, &format!("when {script} was killed"));
            finish(&host, &second, &format!("when {script} was killed by chance")).await;
        }
    }
}

/// Every program fails once: a host is then as it was, or all is done nevertheless; the next run finishes the work.
async fn failed_everywhere(script: &'static str, host: Host, first: &Release, second: &Release) {
    host.deploy(first).await.assert_done();
    let plan = host.plan(second, ask).await;
    let before = installed(&host);
    for program in 1.. {
        let when = format!("when program {program} of {script} failed");
        let host = host.copy();
        host.folder.fail(script, What::FailAt(program));
        let ran = host.apply(&plan, Some(second)).await;
        let failed = ran.outcome.hosts[0].result == HostResult::Failed;
        assert!(failed || ran.outcome.exit_code == 0, "{when}: {:?}", ran.outcome);
        assert_contains(&installed(&host), &before, &when);
        host.assert_boots(if failed { first } else { second });
        finish(&host, second, &when).await;
        if !failed && ran.causes().is_empty() && program > 80 {
            return;
        }
    }
}

#[tokio::test]
async fn any_program_of_staging_may_fail() {
    failed_everywhere("stage", Host::new(Shell::Dash), &Release::new("0.1.0"), &Release::new("0.2.0")).await;
}

#[tokio::test]
async fn any_program_of_activating_may_fail() {
    failed_everywhere("activate", Host::new(Shell::Dash), &Release::relx("0.1.0"), &another_cookie()).await;
}

#[tokio::test]
async fn any_program_of_staging_and_activating_may_fail() {
    failed_everywhere("stage and activate", Host::new(Shell::Dash).far(), &Release::relx("0.1.0"), &another_cookie()).await;
}

fn another_cookie() -> Release {
    let mut second = Release::relx("0.2.0");
    second.add("releases/COOKIE", 0o644, "another cookie");
    second
}
