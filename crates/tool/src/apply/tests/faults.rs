//! Hosts that are not as they were when the plan was made, and deploys that were ended.

use std::{
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use edeliver_core::{event::HostResult, plan::Keep};
use tokio::io::{AsyncRead, ReadBuf};

use super::{
    super::stage,
    folder::{SHELLS, Shell, What},
    hosts::{Host, Ran},
    releases::Release,
};
use crate::transport::{Call, Input, Local, Transport, TransportError};

pub(super) fn assert_failed(ran: &Ran, exit_code: u8, cause: &str) {
    let causes = ran.causes();
    assert_eq!(ran.outcome.exit_code, exit_code, "{causes:?}");
    assert_eq!(ran.outcome.hosts[0].result, HostResult::Failed, "{causes:?}");
    assert!(causes.last().is_some_and(|last| last.contains(cause)), "{causes:?}");
    assert!(ran.summary().contains(cause), "{}", ran.summary());
}

#[tokio::test]
async fn a_plan_is_stale_once_another_release_boots() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let [first, second, third] = ["0.1.0", "0.2.0", "0.3.0"].map(Release::new);
        let plan = host.plan(&third, |_| {}).await;
        host.deploy(&first).await.assert_done();
        assert_failed(&host.apply(&plan, Some(&third)).await, 4, "boots 0.1.0 now, and nothing when the plan was made");
        let plan = host.plan(&third, |_| {}).await;
        host.deploy(&second).await.assert_done();
        let before = host.tree();
        let ran = host.apply(&plan, Some(&third)).await;
        assert_failed(&ran, 4, "boots 0.2.0 now, and 0.1.0 when the plan was made");
        assert_eq!(host.tree(), before);
        assert_eq!(*host.folder.calls.lock().unwrap().last().unwrap(), "stage", "nothing more is tried");
    }
}

#[tokio::test]
async fn a_directory_that_appeared_since_the_plan_is_not_replaced() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let release = Release::new("0.1.0");
        let plan = host.plan(&release, |_| {}).await;
        let intruder = host.root.join("lib/other-1.0/ebin");
        std::fs::create_dir_all(&intruder).unwrap();
        std::fs::write(intruder.join("other.beam"), "what somebody else put there").unwrap();
        assert_failed(&host.apply(&plan, Some(&release)).await, 4, "lib/other-1.0 is there");
        assert_eq!(host.read("lib/other-1.0/ebin/other.beam"), "what somebody else put there");
        assert!(!host.has("releases/0.1.0"));
    }
}

#[tokio::test]
async fn the_same_plan_twice_does_nothing_the_second_time() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let release = Release::new("0.1.0");
        let plan = host.plan(&release, |_| {}).await;
        host.apply(&plan, Some(&release)).await.assert_done();
        let before = host.tree();
        host.apply(&plan, Some(&release)).await.assert_done();
        assert_eq!(host.tree(), before);
    }
}

#[tokio::test]
async fn what_an_interrupted_deploy_left_is_replaced() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let mut first_try = Release::new("0.1.0");
        first_try.add("lib/demo-0.1.0/ebin/demo.beam", 0o644, "of the first try");
        let plan = host.plan(&first_try, |_| {}).await;
        host.folder.fail("stage", What::Deaf);
        assert_eq!(host.apply(&plan, Some(&first_try)).await.outcome.hosts[0].result, HostResult::Unknown);
        // As if it had been killed just before its end.
        std::fs::remove_file(host.root.join(".edeliver/manifests/0.1.0.json")).unwrap();
        std::fs::create_dir_all(host.root.join(".edeliver/staging/old/new/lib")).unwrap();
        let release = Release::new("0.1.0");
        host.deploy(&release).await.assert_done();
        host.assert_complete(&release);
        host.assert_boots(&release);
        host.assert_tidy();
    }
}

#[tokio::test]
async fn a_release_that_is_not_complete_is_not_activated() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let (first, second) = (Release::new("0.1.0"), Release::new("0.2.0"));
        host.deploy(&first).await.assert_done();
        host.deploy(&second).await.assert_done();
        let plan = host.rollback_plan().await;
        std::fs::remove_file(host.root.join(".edeliver/manifests/0.1.0.json")).unwrap();
        assert_failed(&host.apply(&plan, None).await, 4, "release 0.1.0 is not complete");
        host.assert_boots(&second);
    }
}

#[tokio::test]
async fn a_release_that_came_to_be_needed_is_not_removed() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let releases = ["0.1.0", "0.2.0", "0.3.0", "0.4.0"].map(Release::new);
        for release in &releases[..3] {
            host.deploy(release).await.assert_done();
        }
        let plan = host.plan(&releases[3], |request| request.keep = Keep::Newest(2)).await;
        // A rollback would go there now.
        let previous = host.root.join(".edeliver/previous");
        host.folder.fail("prune", What::Before(Box::new(move || std::fs::write(previous, "0.1.0\n").unwrap())));
        let ran = host.apply(&plan, Some(&releases[3])).await;
        ran.assert_done();
        assert!(ran.summary().contains("old releases could not be removed"), "{}", ran.summary());
        assert!(ran.causes().last().unwrap().contains("0.1.0 is what a rollback goes back to"));
        host.assert_complete(&releases[0]);
        host.assert_complete(&releases[1]);
    }
}

/// What never ends.
struct Endless;

impl AsyncRead for Endless {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Poll::Pending
    }
}

#[tokio::test]
async fn a_script_that_is_ended_leaves_nothing_behind() {
    let host = Host::new(Shell::Dash);
    let args = [host.root.to_str().unwrap(), "demo", "-", "run", "0.1.0", "", "gzip"];
    let call = Call { input: Input::Stream(Box::new(Endless)), ..Call::new(stage::STAGE, args, Duration::from_secs(2)) };
    let ended = Local::new().run(call).await;
    assert!(matches!(ended, Err(TransportError::Timeout { .. })), "{ended:?}");
    let there = host.tree().into_keys().collect::<Vec<_>>();
    assert_eq!(there, Vec::<String>::new());
    host.assert_tidy();
}
