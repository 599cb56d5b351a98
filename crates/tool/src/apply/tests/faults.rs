//! Hosts that are full, locked, changed, or not as they were.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    process::Command,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use edeliver_core::{
    event::{EventKind, HostResult},
    plan::Keep,
    release::Digest,
    step::Step,
};

use tokio::io::{AsyncRead, ReadBuf};

use super::{
    super::stage,
    folder::{Folder, SHELLS, Shell, What},
    hosts::{Host, Ran, fast_dir, only},
    releases::Release,
};
use crate::transport::{Call, Input, Local, Transport, TransportError};

fn assert_failed(ran: &Ran, exit_code: u8, cause: &str) {
    let causes = ran.causes();
    assert_eq!(ran.outcome.exit_code, exit_code, "{causes:?}");
    assert_eq!(ran.outcome.hosts[0].result, HostResult::Failed, "{causes:?}");
    assert!(causes.last().is_some_and(|last| last.contains(cause)), "{causes:?}");
    assert!(ran.summary().contains(cause), "{}", ran.summary());
}

/// A file system of its own, in memory.
struct Disk {
    at: PathBuf,
}

impl Disk {
    /// `None` without the right to mount.
    fn mount(dir: &Path, size: &str) -> Option<Self> {
        let at = dir.join("disk");
        std::fs::create_dir(&at).unwrap();
        let options = format!("size={size}");
        let done = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(&at).output().unwrap();
        done.status.success().then_some(Self { at })
    }
    fn remount(at: &Path, option: &str) {
        assert!(Command::new("mount").args(["-o", &format!("remount,{option}")]).arg(at).status().unwrap().success());
    }
    fn fill(at: &Path) {
        let zeros = Command::new("dd").args(["if=/dev/zero", "bs=4k"]).arg(format!("of={}/filler", at.display())).output().unwrap();
        assert!(!zeros.status.success());
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.at).status();
    }
}

/// A host with a release on a disk of its own.
async fn on_disk(shell: Shell) -> Option<(Disk, Host, Release)> {
    let dir = fast_dir();
    let disk = Disk::mount(dir.path(), "20m")?;
    let host = Host::at(shell, dir, &disk.at.join("deliver to"));
    let mut first = Release::new("0.1.0");
    first.add("lib/demo-0.1.0/priv/big", 0o644, &"0123456789".repeat(30_000));
    host.deploy(&first).await.assert_done();
    Some((disk, host, first))
}

fn incompressible(seed: u64) -> String {
    let mut state = seed;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'!' + u8::try_from((state >> 33) % 90).unwrap())
    };
    (0..400_000).map(|_| letter()).collect()
}

#[tokio::test]
async fn a_disk_that_is_full_is_told_as_such_and_nothing_is_left_of_the_attempt() {
    for shell in SHELLS {
        // What travels does not fit, then what is copied.
        for copied in [false, true] {
            let Some((disk, host, first)) = on_disk(shell).await else { return };
            let mut second = Release::new("0.2.0");
            let big = if copied { "0123456789".repeat(30_000) } else { incompressible(1) };
            second.add("lib/demo-0.2.0/priv/big", 0o644, &big);
            let plan = host.plan(&second, |_| {}).await;
            let before = host.tree();
            let at = disk.at.clone();
            host.folder.fail(
                "stage",
                What::Before(Box::new(move || {
                    Disk::fill(&at);
                    // Room for the lists, and for a part of the rest.
                    Disk::remount(&at, "size=20600k");
                })),
            );
            let ran = host.apply(&plan, Some(&second)).await;
            assert_failed(&ran, 9, "No space left on device");
            assert_eq!(ran.causes()[0], "there is no room on the host");
            assert_eq!(host.tree(), before);
            host.assert_boots(&first);
            host.assert_tidy();
            std::fs::remove_file(disk.at.join("filler")).unwrap();
            host.deploy(&second).await.assert_done();
            host.assert_complete(&second);
        }
    }
}

#[tokio::test]
async fn a_disk_that_is_full_at_activation_changes_nothing() {
    for shell in SHELLS {
        let Some((disk, host, first)) = on_disk(shell).await else { return };
        let mut second = Release::new("0.2.0");
        second.add("bin/big", 0o755, &incompressible(2));
        let plan = host.plan(&second, |_| {}).await;
        let at = disk.at.clone();
        host.folder.fail("activate", What::Before(Box::new(move || Disk::fill(&at))));
        let ran = host.apply(&plan, Some(&second)).await;
        assert_failed(&ran, 9, "No space left on device");
        host.assert_boots(&first);
        host.assert_tidy();
        std::fs::remove_file(disk.at.join("filler")).unwrap();
        host.deploy(&second).await.assert_done();
        host.assert_boots(&second);
    }
}

#[tokio::test]
async fn a_read_only_disk_is_told_as_such() {
    for shell in SHELLS {
        let Some((disk, host, first)) = on_disk(shell).await else { return };
        let second = Release::new("0.2.0");
        let plan = host.plan(&second, |_| {}).await;
        Disk::remount(&disk.at, "ro");
        assert_failed(&host.apply(&plan, Some(&second)).await, 9, "Read-only file system");
        host.assert_boots(&first);
        Disk::remount(&disk.at, "rw");
    }
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

#[tokio::test]
async fn where_the_host_has_zstd_what_changed_travels_as_a_difference() {
    for (shell, changed) in [(Shell::Dash, false), (Shell::Dash, true), (Shell::Busybox, false)] {
        let host = Host::new(shell);
        host.deploy(&with_a_large_module("0.1.0")).await.assert_done();
        let second = with_a_large_module("0.2.0");
        let mut seen = host.seen().await;
        assert_eq!(seen.zstd, shell != Shell::Busybox);
        seen.zstd = true;
        let plan = host.plan_after(seen, &second, |_| {});
        let Step::Stage(stage) = &only(&plan).steps[0] else { panic!("{plan:?}") };
        let bases: Vec<_> = stage.bases.iter().map(|base| base.path.as_str()).collect();
        assert_eq!(bases, ["lib/demo-0.1.0/ebin/large.beam"]);
        if changed {
            std::fs::write(host.root.join(bases[0]), "changed by hand").unwrap();
        }
        host.apply(&plan, Some(&second)).await.assert_done();
        host.assert_complete(&second);
        host.assert_tidy();
        let stages = host.folder.calls.lock().unwrap().iter().filter(|script| **script == "stage").count();
        let tries = if changed || shell == Shell::Busybox { 2 } else { 1 };
        assert_eq!(stages, 1 + tries, "{shell:?} changed: {changed}");
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

/// A process that lives until it is dropped.
struct Living(std::process::Child);

impl Living {
    fn new() -> Self {
        Self(Command::new("sleep").arg("60").spawn().unwrap())
    }
    /// As root.sh names it.
    fn name(&self) -> String {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        let start = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().to_owned();
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
        format!("{}-{start}-{}", self.0.id(), boot.split('-').next().unwrap())
    }
}

impl Drop for Living {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_lock_is_respected_while_its_holder_lives() {
    join_all(SHELLS.into_iter().map(|shell| async move {
        let host = Host::new(shell);
        let release = Release::new("0.1.0");
        let plan = host.plan(&release, |_| {}).await;
        let holder = Living::new();
        std::fs::create_dir_all(host.root.join(".edeliver")).unwrap();
        std::os::unix::fs::symlink(holder.name(), host.root.join(".edeliver/lock")).unwrap();
        let began = Instant::now();
        let ran = host.apply(&plan, Some(&release)).await;
        assert_failed(&ran, 5, &format!("process {} is changing", holder.0.id()));
        assert!(began.elapsed() >= Duration::from_secs(29));
        assert!(host.has(".edeliver/lock") && !host.has("releases"));
        drop(holder);
        host.deploy(&release).await.assert_done();
        host.assert_tidy();
    }))
    .await;
}

#[tokio::test]
async fn a_lock_of_a_dead_holder_is_taken_over() {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    let boot = boot.split('-').next().unwrap();
    // Gone; a process of the same number that began later; the same number and start before the machine was booted anew; nonsense.
    let dead = ["999999999-1-x".to_owned(), format!("1-999999999-{boot}"), "1-0-00000000".to_owned(), "nonsense".to_owned()];
    for shell in SHELLS {
        for holder in &dead {
            let host = Host::new(shell);
            std::fs::create_dir_all(host.root.join(".edeliver")).unwrap();
            std::os::unix::fs::symlink(holder, host.root.join(".edeliver/lock")).unwrap();
            // Somebody died while taking it over, too.
            std::os::unix::fs::symlink("999999998-1-x", host.root.join(format!(".edeliver/lock.{holder}"))).unwrap();
            host.deploy(&Release::new("0.1.0")).await.assert_done();
            host.assert_tidy();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_at_once_one_at_a_time_changes_a_host() {
    for shell in SHELLS {
        let host = Host::new(shell);
        host.deploy(&Release::new("0.1.0")).await.assert_done();
        // A dead holder, whom all of them want to bury.
        std::os::unix::fs::symlink("999999999-1-x", host.root.join(".edeliver/lock")).unwrap();
        let second = Release::new("0.2.0");
        let plan = host.plan(&second, |_| {}).await;
        let runs = (0..6).map(|_| host.apply(&plan, Some(&second)));
        let mut done = 0;
        for ran in join_all(runs).await {
            // Those that waited too long were refused; nobody saw anything half done.
            assert!([0, 5, 8, 9].contains(&ran.outcome.exit_code), "{:?}", ran.causes());
            done += usize::from(ran.outcome.exit_code == 0);
            let cause = ran.causes().last().cloned();
            assert!(cause.as_ref().is_none_or(|cause| cause.contains("is changing")), "{cause:?}");
        }
        assert!(done >= 1);
        host.assert_complete(&second);
        host.assert_boots(&second);
        host.assert_tidy();
    }
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut waiting: Vec<_> = futures.map(|future| (Box::pin(future), None)).collect();
    std::future::poll_fn(|context| {
        for (future, output) in waiting.iter_mut().filter(|(_, output)| output.is_none()) {
            if let Poll::Ready(ready) = future.as_mut().poll(context) {
                *output = Some(ready);
            }
        }
        if waiting.iter().all(|(_, output)| output.is_some()) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    waiting.into_iter().filter_map(|(_, output)| output).collect()
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
    let args = [host.root.to_str().unwrap(), "demo", "-", "run", "0.1.0", "", "", "gzip", ""];
    let call = Call { input: Input::Stream(Box::new(Endless)), ..Call::new(stage::STAGE, args, Duration::from_secs(2)) };
    let ended = Local::new().run(call).await;
    assert!(matches!(ended, Err(TransportError::Timeout { .. })), "{ended:?}");
    let there = host.tree().into_keys().collect::<Vec<_>>();
    assert_eq!(there, Vec::<String>::new());
    host.assert_tidy();
}
