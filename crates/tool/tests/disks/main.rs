//! The store on disks that are full or can't be written: real file systems, mounted in a mount namespace of their own.
//!
//! Each test runs in a child of this program, under `unshare`. Where that is not allowed they count as ignored, and say so once.

#![expect(clippy::unwrap_used, reason = "all of this is a test, also what lies outside of test functions")]

use std::{
    env, fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use edeliver::store::{Existing, Store, StoreError};
use edeliver_core::{
    config::StoreSettings,
    name::Version,
    release::{About, BuiltWith, Digest, Entry, EntryKind, Manifest, Platform, ReleaseKind},
};
use libtest_mimic::{Arguments, Failed, Trial};

/// Says to the child which test it is.
const CHILD: &str = "EDELIVER_DISK_TEST";

/// A test: its name, the options its file system is mounted with, and what it does there.
type Test = (&'static str, &'static str, fn(&Path));

const TESTS: &[Test] = &[
    ("a_full_disk_is_told_and_what_was_there_stays_whole", "size=2m", full_disk),
    ("a_disk_without_room_for_more_files_is_full_too", "size=8m,nr_inodes=60", no_inodes),
    ("a_read_only_store_can_be_read_and_not_written", "size=2m", read_only),
];

fn main() -> ExitCode {
    if let Some(name) = env::var_os(CHILD) {
        let (_, options, test) = TESTS.iter().find(|(test, ..)| name == *test).expect("the parent names a test");
        let dir = PathBuf::from(env::args_os().nth(1).expect("the parent names a folder"));
        mount(&dir, options);
        test(&dir);
        return ExitCode::SUCCESS;
    }
    let arguments = Arguments::from_args();
    let possible = unshare().arg("true").output().is_ok_and(|ran| ran.status.success());
    if !possible {
        let _ = writeln!(std::io::stderr(), "tests on disks of their own are skipped: unshare is not allowed here");
    }
    let trials = TESTS.iter().map(|(name, ..)| Trial::test(*name, || in_child(name)).with_ignored_flag(!possible)).collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A mount namespace, with the right to mount there for those who are not root.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--map-root-user", "--mount", "--"]);
    command
}

fn in_child(name: &str) -> Result<(), Failed> {
    let dir = tempfile::tempdir()?;
    let ran = unshare().arg(env::current_exe()?).arg(dir.path()).env(CHILD, name).output()?;
    if ran.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&ran.stderr).into_owned().into()) }
}

fn mount(dir: &Path, options: &str) {
    let ran = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(dir).status().unwrap();
    assert!(ran.success(), "a file system can be mounted");
}

fn store(dir: &Path) -> Store {
    Store::open(&StoreSettings { path: dir.join("store of ours"), archive: false }, &"hotapp".parse().unwrap()).unwrap()
}

/// A release of files with this content.
fn release(version: &str, contents: &[Vec<u8>]) -> Manifest {
    let about = About {
        app: "hotapp".parse().unwrap(),
        version: version.parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: None, elixir: None },
        platform: Platform::anywhere(),
    };
    let file = |(number, content): (usize, &Vec<u8>)| Entry {
        path: format!("lib/hotapp-1/priv/{number}").parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: content.len() as u64, sha256: Digest::of(content) },
    };
    Manifest::new(about, contents.iter().enumerate().map(file).collect()).unwrap()
}

fn put(store: &Store, version: &str, contents: &[Vec<u8>]) -> Result<Manifest, StoreError> {
    let release = release(version, contents);
    let intake = store.intake()?;
    for content in contents {
        intake.put(content)?;
    }
    intake.finish(&release, Existing::Refuse).map(|_| release)
}

fn files(count: u8, size: usize) -> Vec<Vec<u8>> {
    (0..count).map(|number| vec![number; size]).collect()
}

fn check_only(store: &Store, release: &Manifest) {
    let listing = store.list().unwrap();
    let versions: Vec<&Version> = listing.stored.iter().map(|stored| &stored.version).collect();
    assert_eq!((versions, listing.odd.len()), (vec![&release.version], 0));
    assert_eq!(store.manifest(&release.version).unwrap(), *release);
    assert_eq!(store.verify(release).len(), 0);
}

fn full_disk(dir: &Path) {
    let store = store(dir);
    let first = put(&store, "0.1.0", &files(3, 100_000)).unwrap();
    let error = put(&store, "0.2.0", &files(30, 300_000)).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().starts_with("there is no space left for "), "{error}");
    check_only(&store, &first);
    put(&store, "0.3.0", &files(9, 100_000)).expect("what did not fit has left its room");
}

fn no_inodes(dir: &Path) {
    let store = store(dir);
    let first = put(&store, "0.1.0", &files(3, 100)).unwrap();
    let error = put(&store, "0.2.0", &files(100, 100)).unwrap_err();
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    check_only(&store, &first);
}

fn read_only(dir: &Path) {
    let store = store(dir);
    let first = put(&store, "0.1.0", &files(3, 100)).unwrap();
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(dir).status().unwrap();
    assert!(remounted.success());
    assert!(fs::write(dir.join("x"), "").is_err());
    check_only(&store, &first);
    for error in [put(&store, "0.2.0", &files(1, 1)).unwrap_err(), store.collect_garbage().unwrap_err()] {
        assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    }
}
