//! Content that is not what it should be, on the host or here, and content that is taken for what it is.

use edeliver_core::{
    event::EventKind,
    release::Digest,
    step::{Packing, Step},
};

use super::{
    folder::{Folder, SHELLS, Shell},
    hosts::{Host, only},
    releases::Release,
};

#[tokio::test]
async fn content_that_somebody_changed_on_the_host_is_sent_after_all() {
    for shell in SHELLS {
        let host = Host::new(shell);
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        let second = Release::new("0.2.0");
        let plan = host.plan(&second, |_| {}).await;
        std::fs::write(host.root.join("lib/demo-0.1.0/priv/tool"), "changed by hand").unwrap();
        std::fs::remove_file(host.root.join("lib/demo-0.1.0/ebin/demo_same.beam")).unwrap();
        let ran = host.apply(&plan, Some(&second)).await;
        ran.assert_done();
        host.assert_complete(&second);
        let warned = ran.events.iter().any(|event| matches!(event, EventKind::Warning { text, .. } if text.starts_with("2 files")));
        assert!(warned, "{:?}", ran.events);
    }
}

#[tokio::test]
async fn a_manifest_is_mended_of_the_hosts_own_unless_somebody_changed_that() {
    for shell in SHELLS {
        let host = Host::new(shell);
        let stages = || host.folder.calls.lock().unwrap().iter().filter(|script| **script == "stage").count();
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        let (second, third) = (Release::new("0.2.0"), Release::new("0.3.0"));
        host.deploy(&second).await.assert_done();
        host.assert_complete(&second);
        assert_eq!(stages(), 2);
        let plan = host.plan(&third, |_| {}).await;
        std::fs::write(host.root.join(".edeliver/manifests/0.2.0.json"), "{}").unwrap();
        host.apply(&plan, Some(&third)).await.assert_done();
        host.assert_complete(&third);
        assert_eq!(stages(), 4, "the manifest was sent whole in a second try");
    }
}

/// A release with a module that is mostly the same in all of them, and that can't be compressed.
fn with_a_large_module(version: &str) -> Release {
    let mut release = Release::new(version);
    let half: String = (0..500u32).map(|n| Digest::of(&n.to_be_bytes()).to_string()).collect();
    release.add(&format!("lib/demo-{version}/ebin/large.beam"), 0o644, &format!("{half}{version}{half}"));
    release
}

/// What somebody makes of a file.
type Change = fn(&str) -> String;

#[tokio::test]
async fn where_the_host_has_zstd_what_changed_travels_as_a_difference() {
    let (other, byte): (Change, Change) = (|_| "changed by hand".to_owned(), |text| text.replacen('a', "b", 1));
    let changes = [None, Some(other), Some(byte)];
    for (shell, change) in changes.map(|change| (Shell::Dash, change)).into_iter().chain([(Shell::Busybox, None)]) {
        let host = Host::new(shell);
        host.deploy(&with_a_large_module("0.1.0")).await.assert_done();
        let second = with_a_large_module("0.2.0");
        let mut seen = host.seen().await;
        assert_eq!(seen.zstd, shell != Shell::Busybox);
        seen.zstd = true;
        let plan = host.plan_after(seen, &second, |_| {});
        let Step::Stage(stage) = &only(&plan).steps[0] else { panic!("{plan:?}") };
        let Packing::Zstd(bases) = &stage.packing else { panic!("{:?}", stage.packing) };
        let bases: Vec<_> = bases.iter().map(|base| base.path.as_str()).collect();
        assert_eq!(bases, ["lib/demo-0.1.0/ebin/large.beam"]);
        if let Some(change) = change {
            let before = host.read(bases[0]);
            std::fs::write(host.root.join(bases[0]), change(&before)).unwrap();
        }
        host.apply(&plan, Some(&second)).await.assert_done();
        host.assert_complete(&second);
        host.assert_tidy();
        let stages = host.folder.calls.lock().unwrap().iter().filter(|script| **script == "stage").count();
        let tries = if change.is_some() || shell == Shell::Busybox { 2 } else { 1 };
        assert_eq!(stages, 1 + tries, "{shell:?} changed: {}", change.is_some());
    }
}

#[tokio::test]
async fn content_that_is_damaged_in_the_store_is_never_placed() {
    let host = Host::new(Shell::Dash);
    let release = Release::new("0.1.0");
    let plan = host.plan(&release, |_| {}).await;
    let content = release.manifest().contents().find(|file| file.path.as_str().ends_with("demo.beam")).unwrap().sha256;
    crate::store::samples::damage(&host.store, &content);
    let ran = host.apply(&plan, Some(&release)).await;
    assert_ne!(ran.outcome.exit_code, 0);
    assert!(!host.has("lib/demo-0.1.0") && !host.has("releases"), "{:?}", host.tree().keys());
}

#[tokio::test]
async fn any_program_that_makes_digests_will_do() {
    for program in ["sha256sum", "shasum", "openssl"] {
        let mut host = Host::new(Shell::Dash);
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        let second = Release::new("0.2.0");
        let plan = host.plan(&second, |_| {}).await;
        std::fs::write(host.root.join("lib/demo-0.1.0/priv/tool"), "changed by hand").unwrap();
        host = host.through(Folder::new(Shell::Digests(program)));
        let ran = host.apply(&plan, Some(&second)).await;
        ran.assert_done();
        host.assert_complete(&second);
        assert!(ran.events.iter().any(|event| matches!(event, EventKind::Warning { .. })), "{program} noticed nothing");
    }
}
