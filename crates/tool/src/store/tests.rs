mod classic;
mod damage;
mod kill;

use std::io::{Read, Write};

use edeliver_core::{
    choose::StoredKind,
    release::{About, BuiltWith, Content, Entry, EntryKind, FilesError, Platform, ReleaseKind},
};

use super::*;

/// A store in a folder of its own.
struct Test {
    dir: tempfile::TempDir,
    store: Store,
}

impl Test {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path(), "hotapp");
        Self { dir, store }
    }

    fn path(&self, below: &str) -> PathBuf {
        self.dir.path().join(below)
    }
}

fn open(root: &Path, app: &str) -> Store {
    let settings = StoreSettings { path: root.to_owned(), archive: false };
    Store::open(&settings, &app.parse().unwrap()).unwrap()
}

fn manifest(app: &str, version: &str, files: &[(&str, &str)]) -> Manifest {
    let about = About {
        app: app.parse().unwrap(),
        version: version.parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: None, elixir: None },
        platform: Platform::anywhere(),
    };
    let entry = |(path, content): &(&str, &str)| Entry {
        path: path.parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: content.len() as u64, sha256: Digest::of(content.as_bytes()) },
    };
    let manifest: Result<Manifest, FilesError> = Manifest::new(about, files.iter().map(entry).collect());
    manifest.unwrap()
}

const FILES: &[(&str, &str)] =
    &[("bin/hotapp", "script"), ("lib/a-1/a.beam", "a"), ("lib/b-1/b.beam", "b"), ("releases/COOKIE", "")];

/// Puts a release with this content into the store.
fn put(store: &Store, version: &str, files: &[(&str, &str)]) -> Manifest {
    let manifest = manifest(store.app().as_str(), version, files);
    let intake = store.intake().unwrap();
    for (_, content) in files {
        intake.put(content.as_bytes()).unwrap();
    }
    intake.finish(&manifest, Existing::Refuse).unwrap();
    manifest
}

fn versions(store: &Store) -> Vec<String> {
    store.list().unwrap().stored.iter().map(|stored| stored.version.to_string()).collect()
}

fn files_below(dir: &Path) -> usize {
    let paths = entries(dir).unwrap();
    paths.iter().map(|path| if path.is_dir() { files_below(path) } else { 1 }).sum()
}

#[test]
fn a_release_comes_back_as_it_went_in() {
    let test = Test::new();
    let released = put(&test.store, "0.1.0", FILES);
    assert_eq!(test.store.manifest(&released.version).unwrap(), released);
    for file in released.contents() {
        let mut content = String::new();
        test.store.open_blob(&file.sha256).unwrap().read_to_string(&mut content).unwrap();
        assert!(FILES.contains(&(file.path.as_str(), &content)), "{} {content}", file.path);
    }
    assert_eq!(test.store.verify(&released).len(), 0);
    assert_eq!(files_below(&test.store.temp_dir()), 0);
}

#[test]
fn a_store_that_is_not_there_is_empty() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(&dir.path().join("none/yet"), "hotapp");
    assert_eq!(versions(&store), [""; 0]);
    let absent = store.manifest(&"0.1.0".parse().unwrap()).unwrap_err();
    assert_eq!(absent.to_string(), "the store has no hotapp 0.1.0");
    assert_eq!(store.collect_garbage().unwrap(), Collected::default());
    assert!(!dir.path().join("none").exists(), "and asking does not make it");
}

#[test]
fn two_releases_that_differ_in_one_module_cost_one_module() {
    let test = Test::new();
    put(&test.store, "0.1.0", FILES);
    let before = files_below(&test.store.blobs_dir());
    let next = [("lib/a-2/a.beam", "a, changed"), FILES[0], FILES[2], FILES[3]];
    let wanted = manifest("hotapp", "0.2.0", &next);
    assert_eq!(test.store.intake().unwrap().missing(wanted.contents()), [Digest::of(b"a, changed")]);
    put(&test.store, "0.2.0", &next);
    assert_eq!(files_below(&test.store.blobs_dir()), before + 1);
}

#[test]
fn what_is_not_finished_leaves_nothing() {
    let test = Test::new();
    let intake = test.store.intake().unwrap();
    intake.put(b"script").unwrap();
    intake.writer(None).unwrap().write_all(b"half of").unwrap();
    drop(intake);
    assert_eq!((files_below(&test.store.blobs_dir()), files_below(&test.store.temp_dir())), (0, 0));
    assert_eq!(versions(&test.store), [""; 0]);
}

#[test]
fn content_that_is_not_what_was_announced_is_refused() {
    let test = Test::new();
    let intake = test.store.intake().unwrap();
    let mut writer = intake.writer(Some(Digest::of(b"a"))).unwrap();
    writer.write_all(b"b").unwrap();
    assert!(matches!(writer.finish().unwrap_err(), StoreError::Wrong { found, .. } if found == Digest::of(b"b")));
    intake.commit().unwrap();
    assert_eq!(files_below(&test.store.blobs_dir()), 0);
}

#[test]
fn a_release_without_all_its_content_is_none() {
    let test = Test::new();
    let intake = test.store.intake().unwrap();
    intake.put(b"script").unwrap();
    let refused = intake.finish(&manifest("hotapp", "0.1.0", FILES), Existing::Refuse).unwrap_err();
    assert_eq!(refused.to_string(), "hotapp 0.1.0 is not complete: 3 of its files are missing, the first is lib/a-1/a.beam");
    assert_eq!(versions(&test.store), [""; 0]);
}

#[test]
fn another_build_of_a_version_replaces_it_only_when_told_so() {
    let test = Test::new();
    let first = put(&test.store, "0.1.0", FILES);
    put(&test.store, "0.1.0", FILES);

    let rebuilt = manifest("hotapp", "0.1.0", &FILES[..2]);
    let finish = |existing| test.store.intake().unwrap().finish(&rebuilt, existing);
    assert_eq!(finish(Existing::Refuse).unwrap_err().to_string(), "the store has another build of hotapp 0.1.0");
    assert_eq!(test.store.manifest(&first.version).unwrap(), first);
    finish(Existing::Replace).unwrap();
    assert_eq!(test.store.manifest(&first.version).unwrap(), rebuilt);
}

#[test]
fn a_release_of_another_application_is_not_taken() {
    let test = Test::new();
    let intake = test.store.intake().unwrap();
    let refused = intake.finish(&manifest("other", "0.1.0", &[]), Existing::Refuse).unwrap_err();
    assert!(matches!(refused, StoreError::Misnamed { .. }), "{refused:?}");
}

#[test]
fn both_forms_of_a_release_are_listed_once_and_foreign_files_not_at_all() {
    let test = Test::new();
    for version in ["9.0.0", "10.0.0"] {
        put(&test.store, version, FILES);
    }
    put(&open(test.dir.path(), "hotapp_two"), "7.0.0", FILES);
    fs::create_dir(test.store.archives_dir()).unwrap();
    let archives =
        ["hotapp_9.0.0.release.tar.gz", "hotapp_8.0.0.upgrade.tar.gz", "hotapp_two_1.0.0.release.tar.gz", ".new-x", "README"];
    for name in archives {
        fs::write(test.store.archives_dir().join(name), "12").unwrap();
    }
    fs::create_dir(test.store.archives_dir().join("hotapp_1.0.0.release.tar.gz")).unwrap();
    fs::write(test.path("store/manifests/hotapp/notes.txt"), "").unwrap();
    fs::write(test.path("store/manifests/README"), "").unwrap();

    let listing = test.store.list().unwrap();
    let shown = listing
        .stored
        .iter()
        .map(|stored| (stored.version.as_str(), stored.kind, stored.id.is_some(), stored.archive.as_deref(), stored.size));
    let upgrade = ("8.0.0", StoredKind::Upgrade, false, Some("hotapp_8.0.0.upgrade.tar.gz"), Some(2));
    let both = ("9.0.0", StoredKind::Release, true, Some("hotapp_9.0.0.release.tar.gz"), Some(8));
    let manifest_only = ("10.0.0", StoredKind::Release, true, None, Some(8));
    assert_eq!(shown.collect::<Vec<_>>(), [upgrade, both, manifest_only]);
    assert!(listing.odd.is_empty());
}

#[test]
fn garbage_is_what_no_release_of_any_application_has() {
    let test = Test::new();
    let other = open(test.dir.path(), "other");
    let released = put(&test.store, "0.1.0", FILES);
    let others = put(&other, "1.0.0", &[("bin/other", "other script")]);
    let intake = test.store.intake().unwrap();
    intake.put(b"rewritten boot file").unwrap();
    intake.commit().unwrap();
    drop(intake);
    fs::write(test.store.temp_dir().join(".new-left by a crash"), "half").unwrap();
    fs::write(test.path("store/blobs/README"), "not ours").unwrap();
    fs::write(test.store.temp_dir().join("notes"), "not ours").unwrap();

    assert_eq!(test.store.collect_garbage().unwrap(), Collected { files: 2, bytes: 19 + 4 });
    assert_eq!(test.store.collect_garbage().unwrap(), Collected::default());
    assert!(test.path("store/blobs/README").exists() && test.store.temp_dir().join("notes").exists());
    assert_eq!((test.store.verify(&released).len(), other.verify(&others).len()), (0, 0));
}

#[test]
fn no_garbage_is_collected_while_somebody_writes() {
    let test = Test::new();
    let intake = test.store.intake().unwrap();
    intake.put(b"x").unwrap();
    assert!(matches!(test.store.collect_garbage().unwrap_err(), StoreError::Busy { .. }));
    drop(test.store.intake().unwrap());
    intake.commit().unwrap();
    drop(intake);
    assert_eq!(test.store.collect_garbage().unwrap().files, 1);
}

#[test]
fn many_writers_at_once_give_whole_releases() {
    let test = Test::new();
    let put = |number: usize| {
        let own = format!("only {number}");
        let files = [FILES[0], FILES[1], ("lib/own-1/own.beam", own.as_str())];
        let same = manifest("hotapp", "0.1.0", &FILES[..2]);
        put(&test.store, &format!("1.{number}.0"), &files);
        // All of them put this one too: the same release is no conflict.
        test.store.intake().unwrap().finish(&same, Existing::Refuse).unwrap();
    };
    std::thread::scope(|scope| (0..8).for_each(|number| drop(scope.spawn(move || put(number)))));
    let stored = test.store.list().unwrap().stored;
    assert_eq!(stored.len(), 9);
    for release in stored {
        assert_eq!(test.store.verify(&test.store.manifest(&release.version).unwrap()).len(), 0);
    }
    assert_eq!(files_below(&test.store.blobs_dir()), 2 + 8);
}

#[test]
fn the_platform_is_that_of_the_executables() {
    let test = Test::new();
    let intake = test.store.intake().unwrap();
    let shell = fs::read("/bin/sh").unwrap();
    let content = [&shell[..], b"#!/bin/sh\n"].map(|bytes| (intake.put(bytes).unwrap(), bytes.len() as u64));
    let [program, script] = ["erts-13/bin/beam.smp", "bin/hotapp"].map(|path| path.parse::<RelPath>().unwrap());
    let file = |path, (sha256, size)| Content { path, mode: 0o755, size, sha256 };
    let platform = intake.platform([file(&program, content[0]), file(&script, content[1])]).unwrap();
    assert_eq!((platform.os.as_str(), platform.arch.as_str()), ("linux", std::env::consts::ARCH));
    assert_eq!(intake.platform([file(&script, content[1])]).unwrap(), Platform::anywhere());
}
