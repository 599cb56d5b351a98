use edeliver_core::release::{About, BuiltWith, Entry, EntryKind, Platform, ReleaseKind};

use super::super::samples::{blob, store, unfinished};
use super::*;

fn manifest(app: &str, version: &str, contents: &[&[u8]]) -> Manifest {
    let about = About {
        app: app.parse().unwrap(),
        version: version.parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".to_owned(), erts: None, elixir: None },
        platform: Platform::anywhere(),
    };
    let file = |(number, content): (usize, &&[u8])| Entry {
        path: format!("lib/demo-1/priv/{number}").parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: content.len() as u64, sha256: Digest::of(content) },
    };
    Manifest::new(about, contents.iter().enumerate().map(file).collect()).unwrap()
}

#[test]
fn a_release_is_put_found_and_listed() {
    let (store, _dir) = store();
    assert!(store.versions().unwrap().is_empty());
    blob(&store, b"one");
    let wanted = manifest("demo", "1.0.0+build~1", &[b"one"]);
    store.put_manifest(&wanted).unwrap();
    assert_eq!(store.manifest(&wanted.version).unwrap(), wanted);
    assert_eq!(store.versions().unwrap(), [wanted.version]);
    assert_eq!(unfinished(&store), 0);
    let none = "2.0.0".parse().unwrap();
    assert!(matches!(store.manifest(&none), Err(StoreError::NoRelease { version }) if version == none));
}

#[test]
fn a_release_whose_content_is_not_all_there_is_refused() {
    let (store, _dir) = store();
    blob(&store, b"one");
    let error = store.put_manifest(&manifest("demo", "1.0.0", &[b"one", b"two", b"three"])).unwrap_err();
    assert!(matches!(error, StoreError::Incomplete { lacking: 2, first, .. } if first == Digest::of(b"two")));
    assert!(store.versions().unwrap().is_empty());
}

#[test]
fn manifests_of_others_and_damaged_ones_are_refused() {
    let (store, _dir) = store();
    let foreign = manifest("other", "1.0.0", &[]);
    assert!(matches!(store.put_manifest(&foreign), Err(StoreError::OtherRelease { .. })));
    let version = foreign.version.clone();
    let path = store.manifest_path(&version);
    file::make_dirs(path.parent().unwrap()).unwrap();
    std::fs::write(&path, foreign.to_json()).unwrap();
    assert!(matches!(store.manifest(&version), Err(StoreError::OtherRelease { found, .. }) if found == "other 1.0.0"));
    std::fs::write(&path, &foreign.to_json()[1..]).unwrap();
    assert!(matches!(store.manifest(&version), Err(StoreError::Manifest { .. })));
}

#[test]
fn other_files_beside_the_manifests_are_passed_over() {
    let (store, _dir) = store();
    for name in ["-x.json", "1.0.0.json~", ".json", "1.0.0"] {
        std::fs::write(store.manifests_dir().join(name), "").unwrap();
    }
    assert!(store.versions().unwrap().is_empty());
}
