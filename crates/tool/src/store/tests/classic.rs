//! Releases that are there as classic archives.

use super::*;

const RELEASE: &[(&str, &str)] = &[
    ("bin/hotapp", "#!/bin/sh\n"),
    ("lib/hotapp-0.1.0/ebin/hotapp.app", "app"),
    ("releases/0.1.0/env.sh", ""),
    ("releases/0.1.0/hotapp.rel", "rel"),
    ("releases/start_erl.data", "13.1.5 0.1.0"),
];

/// A store with an archive of this name and nothing else, and the release that is in it.
fn store_with_archive(name: &str) -> (Test, Manifest) {
    let other = Test::new();
    let released = put(&other.store, "0.1.0", RELEASE);
    let archive = other.store.export_archive(&released).unwrap();
    let test = Test::new();
    fs::create_dir(test.store.archives_dir()).unwrap();
    fs::copy(archive, test.store.archives_dir().join(name)).unwrap();
    (test, released)
}

#[test]
fn a_release_that_is_there_as_an_archive_only_can_be_had_all_the_same() {
    let (test, released) = store_with_archive("hotapp_0.1.0.release.tar.gz");
    let [archived] = &test.store.list().unwrap().stored[..] else { panic!("one release") };
    assert_eq!(archived.id, None);
    let imported = test.store.release(archived).unwrap();
    assert_eq!(imported.files, released.files);
    assert_eq!(test.store.verify(&imported).len(), 0);

    let [known] = &test.store.list().unwrap().stored[..] else { panic!("one release in two forms") };
    assert_eq!((known.id, &known.archive), (Some(imported.id()), &archived.archive));
    fs::write(test.store.archives_dir().join("hotapp_0.1.0.release.tar.gz"), "not needed any more").unwrap();
    assert_eq!(test.store.release(known).unwrap(), imported);
}

#[test]
fn an_archive_under_another_name_is_not_taken_for_it() {
    let (test, _) = store_with_archive("hotapp_0.9.0.release.tar.gz");
    let error = test.store.release(&test.store.list().unwrap().stored[0]).unwrap_err();
    assert!(error.to_string().ends_with("hotapp_0.9.0.release.tar.gz is that of hotapp 0.1.0"), "{error}");
}

#[test]
fn an_archive_that_is_none_is_told_by_name() {
    let (test, _) = store_with_archive("hotapp_0.1.0.release.tar.gz");
    fs::write(test.store.archives_dir().join("hotapp_0.1.0.release.tar.gz"), "something else").unwrap();
    let error = test.store.release(&test.store.list().unwrap().stored[0]).unwrap_err();
    assert!(matches!(error, StoreError::Archive { .. }), "{error:?}");
    assert!(error.to_string().ends_with("hotapp_0.1.0.release.tar.gz can't be used"), "{error}");
}
