use std::io::{Read as _, Write as _};

use super::super::samples::{blob, damage, store, unfinished};
use super::*;

fn read(store: &Store, digest: &Digest) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    store.open_blob(digest).unwrap().read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[test]
fn content_is_found_by_its_digest() {
    let (store, _dir) = store();
    let (here, not) = (Digest::of(b"here"), Digest::of(b"not"));
    assert_eq!(store.missing(&[here, not, here]).unwrap(), [here, not]);
    assert_eq!(blob(&store, b"here"), here);
    assert_eq!(blob(&store, b"here"), here, "storing it again does no harm");
    assert_eq!(store.missing(&[here, not]).unwrap(), [not]);
    assert_eq!(read(&store, &here).unwrap(), b"here");
    assert!(matches!(store.open_blob(&not), Err(StoreError::NoBlob { digest }) if digest == not));
    let path = store.root().join("store/blobs").join(&here.to_string()[..2]).join(here.to_string());
    assert_eq!(std::fs::read(path).unwrap(), b"here");
    assert_eq!(unfinished(&store), 0);
}

#[test]
fn empty_content_is_content() {
    let (store, _dir) = store();
    let digest = blob(&store, b"");
    assert_eq!(read(&store, &digest).unwrap(), b"");
}

#[test]
fn content_that_is_not_what_was_announced_is_not_stored() {
    let (store, _dir) = store();
    let wanted = Digest::of(b"announced");
    let mut writer = store.blob_writer(wanted).unwrap();
    writer.write_all(b"something else").unwrap();
    let found = Digest::of(b"something else");
    let error = writer.commit().unwrap_err();
    assert!(matches!(error, StoreError::OtherContent { wanted: w, found: f } if (w, f) == (wanted, found)));
    assert_eq!(store.missing(&[wanted, found]).unwrap(), [wanted, found]);
    assert_eq!(unfinished(&store), 0);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let (store, _dir) = store();
    let digest = Digest::of(b"all of it");
    let mut writer = store.blob_writer(digest).unwrap();
    writer.write_all(b"all of").unwrap();
    assert_eq!(unfinished(&store), 1);
    drop(writer);
    assert_eq!(unfinished(&store), 0);
    assert_eq!(store.missing(&[digest]).unwrap(), [digest]);
}

#[test]
fn a_flipped_bit_is_noticed_at_the_end_and_at_every_read_after_it() {
    let (store, _dir) = store();
    let digest = blob(&store, &[7; 300_000]);
    damage(&store, &digest);
    let mut reader = store.open_blob(&digest).unwrap();
    let error = reader.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains(&digest.to_string()), "{error}");
    assert!(reader.read(&mut [0; 10]).is_err());
}

#[test]
fn content_cut_short_is_noticed() {
    let (store, _dir) = store();
    let digest = blob(&store, b"twelve bytes");
    std::fs::write(store.blob_path(&digest), b"twelve").unwrap();
    assert!(read(&store, &digest).is_err());
}

#[test]
fn storing_it_again_repairs_it() {
    let (store, _dir) = store();
    let digest = blob(&store, b"twelve bytes");
    damage(&store, &digest);
    blob(&store, b"twelve bytes");
    assert_eq!(read(&store, &digest).unwrap(), b"twelve bytes");
}

/// Content written to its end.
fn written(intake: &Intake<'_>, content: &[u8]) -> BlobWriter {
    let mut writer = intake.blob_writer(Digest::of(content)).unwrap();
    writer.write_all(content).unwrap();
    writer
}

#[test]
fn a_lot_of_content_comes_in_together() {
    let (store, _dir) = store();
    let contents: Vec<String> = (0..1500).map(|number| number.to_string()).collect();
    let digests: Vec<Digest> = contents.iter().map(|content| Digest::of(content.as_bytes())).collect();
    let mut intake = store.intake();
    for content in &contents {
        let writer = written(&intake, content.as_bytes());
        assert_eq!(intake.commit(writer).unwrap(), content.len() as u64);
    }
    assert_eq!(store.missing(&digests).unwrap().len(), 1500, "nothing is in its place before it is on disk");
    intake.finish().unwrap();
    assert!(store.missing(&digests).unwrap().is_empty());
    assert_eq!(read(&store, &digests[1499]).unwrap(), b"1499");
    assert_eq!(unfinished(&store), 0);
}

#[test]
fn what_is_not_brought_to_its_end_leaves_nothing() {
    let (store, _dir) = store();
    let mut intake = store.intake();
    let writer = written(&intake, b"one");
    intake.commit(writer).unwrap();
    let mut other = intake.blob_writer(Digest::of(b"two")).unwrap();
    other.write_all(b"three").unwrap();
    assert!(matches!(intake.commit(other), Err(StoreError::OtherContent { .. })));
    drop(intake);
    assert_eq!(store.missing(&[Digest::of(b"one")]).unwrap().len(), 1);
    assert_eq!(unfinished(&store), 0);
}
