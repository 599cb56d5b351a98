//! Hosts whose disk is full or can't be written.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use super::{
    faults::assert_failed,
    folder::{SHELLS, Shell, What},
    hosts::{Host, fast_dir},
    releases::Release,
};

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
