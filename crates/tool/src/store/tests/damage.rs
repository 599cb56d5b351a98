//! Files of the store that are not as they were written, and places that can't be written.

use super::*;

/// Changes one bit in the middle of a file.
fn flip(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_flipped_bit_in_content_is_noticed_when_it_is_read() {
    let test = Test::new();
    let released = put(&test.store, "0.1.0", FILES);
    let blob = test.store.blob_path(Digest::of(b"script"));
    flip(&blob);
    let mut reader = test.store.open_blob(&Digest::of(b"script")).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err().downcast::<StoreError>().unwrap();
    assert_eq!(error.to_string(), format!("{} was changed or damaged: bin/hotapp of hotapp 0.1.0", blob.display()));
    let damaged = test.store.verify(&released);
    assert_eq!(damaged.iter().map(|damage| damage.path.as_str()).collect::<Vec<_>>(), ["bin/hotapp"]);
}

#[test]
fn lost_content_is_told_with_the_releases_that_need_it() {
    let test = Test::new();
    put(&test.store, "0.1.0", FILES);
    put(&test.store, "0.2.0", &FILES[..2]);
    fs::remove_file(test.store.blob_path(Digest::of(b"a"))).unwrap();
    let error = test.store.open_blob(&Digest::of(b"a")).unwrap_err();
    let digest = Digest::of(b"a");
    assert_eq!(error.to_string(), format!("the store lacks the content {digest}: lib/a-1/a.beam of hotapp 0.1.0, and 1 more"));
}

#[test]
fn putting_the_release_again_repairs_it() {
    let test = Test::new();
    let released = put(&test.store, "0.1.0", FILES);
    flip(&test.store.blob_path(Digest::of(b"script")));
    fs::write(test.store.blob_path(Digest::of(b"a")), "longer than it was").unwrap();
    fs::remove_file(test.store.blob_path(Digest::of(b"b"))).unwrap();
    let missing = test.store.intake().unwrap().missing(released.contents());
    assert_eq!(missing, [&b"script"[..], b"a", b"b"].map(Digest::of));
    put(&test.store, "0.1.0", FILES);
    assert_eq!(test.store.verify(&released).len(), 0);
}

#[test]
fn a_flipped_bit_in_a_manifest_is_noticed() {
    let test = Test::new();
    let released = put(&test.store, "0.1.0", FILES);
    put(&test.store, "0.2.0", FILES);
    let path = test.store.manifest_path(&released.version);
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(&path, bytes).unwrap();
        let error = test.store.manifest(&released.version).unwrap_err();
        assert!(matches!(error, StoreError::ManifestDamaged { .. }), "byte {at}: {error:?}");
    }
    let listing = test.store.list().unwrap();
    assert_eq!((listing.stored.len(), listing.odd.len()), (1, 1), "the others can be used still");
    let refused = test.store.collect_garbage().unwrap_err();
    assert!(matches!(refused, StoreError::ManifestDamaged { .. }), "nobody knows what it names: {refused:?}");
    put(&test.store, "0.1.0", FILES);
    assert_eq!(test.store.manifest(&released.version).unwrap(), released, "putting it again repairs it");
}

#[test]
fn a_manifest_under_another_name_is_not_taken_for_it() {
    let test = Test::new();
    let released = put(&test.store, "0.1.0", FILES);
    let other: Version = "0.2.0".parse().unwrap();
    fs::copy(test.store.manifest_path(&released.version), test.store.manifest_path(&other)).unwrap();
    let error = test.store.manifest(&other).unwrap_err();
    assert!(error.to_string().ends_with("0.2.0.json is that of hotapp 0.1.0"), "{error}");
}

#[test]
fn half_a_manifest_is_none() {
    let test = Test::new();
    let released = put(&test.store, "0.1.0", FILES);
    let path = test.store.manifest_path(&released.version);
    let whole = fs::read(&path).unwrap();
    for length in [0, 10, 80, whole.len() / 2, whole.len() - 1] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(test.store.manifest(&released.version).is_err(), "{length} bytes");
    }
}

#[test]
fn a_place_that_can_not_be_written_is_told_as_such() {
    // Not even root makes folders there.
    let store = open(Path::new("/sys/edeliver-store"), "hotapp");
    let error = store.intake().unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    assert_eq!(error.to_string(), "the store can't be written: /sys/edeliver-store/store");
}

#[test]
fn a_file_in_the_place_of_the_store_is_told_as_such() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = StoreSettings { path: file.path().to_owned(), archive: false };
    let error = Store::open(&settings, &"hotapp".parse().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), format!("can't read {}", file.path().display()));
}
