use edeliver_core::config::S3Keys;
use tempfile::TempDir;

use self::server::{KEY, SECRET, Server};
use super::{parts::PART, *};
use crate::store::samples;

#[path = "../../../tests/stores/server.rs"]
mod server;

fn settings(server: &Server, secret: &str) -> S3Store {
    S3Store {
        bucket: "releases".to_owned(),
        prefix: "of us".to_owned(),
        endpoint: Some(server.endpoint()),
        region: None,
        path_style: true,
        credentials: None,
        profile: None,
        keys: Some(S3Keys { id: KEY.to_owned(), secret: secret.to_owned() }),
        hosts_fetch: true,
    }
}

fn depot(settings: &S3Store, clock: fn() -> Timestamp) -> BucketDepot {
    let (reporter, drafts) = Reporter::new();
    std::mem::forget(drafts);
    BucketDepot { clock, ..BucketDepot::new(settings.clone(), Box::new(|_| None), Cancel::never(), &reporter) }
}

fn file(dir: &TempDir, name: &str, content: &[u8]) -> std::path::PathBuf {
    let path = dir.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn files_of_every_size_come_back_as_they_went_in_and_are_listed() {
    let server = Server::start();
    let (depot, dir) = (depot(&settings(&server, SECRET), Timestamp::now), tempfile::tempdir().unwrap());
    assert_eq!(depot.list(&["", "store/manifests/demo"]).unwrap(), []);
    assert_eq!(depot.read("none").unwrap(), None);
    let part = usize::try_from(PART).unwrap();
    for (number, size) in [0, 1, part - 1, part, part + 1, 2 * part + 7].into_iter().enumerate() {
        let content: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
        let name = format!("demo_1.0.{number}+3-a b.release.tar.gz");
        depot.upload(&file(&dir, "from", &content), &name).unwrap();
        assert!(depot.download(&name, &dir.path().join("to")).unwrap());
        assert!(std::fs::read(dir.path().join("to")).unwrap() == content, "{size} bytes");
        let listed = depot.list(&[""]).unwrap();
        assert!(listed.contains(&Item { folder: String::new(), name, size: size as u64 }), "{listed:?}");
    }
    assert!(!depot.download("none", &dir.path().join("to")).unwrap());
}

#[test]
fn a_name_is_taken_once_unless_it_is_replaced() {
    let server = Server::start();
    let depot = depot(&settings(&server, SECRET), Timestamp::now);
    depot.write("a/b.json", b"one", Existing::Refuse).unwrap();
    depot.write("a/b.json", b"one", Existing::Refuse).unwrap();
    let taken = depot.write("a/b.json", b"two", Existing::Refuse).unwrap_err();
    assert!(matches!(taken, DepotError::Taken { .. }), "{taken:?}");
    assert_eq!(depot.read("a/b.json").unwrap().unwrap(), b"one");
    depot.write("a/b.json", b"two", Existing::Replace).unwrap();
    assert_eq!(depot.read("a/b.json").unwrap().unwrap(), b"two");
}

#[test]
fn content_travels_once_and_what_is_damaged_or_lost_is_noticed() {
    let server = Server::start();
    let depot = depot(&settings(&server, SECRET), Timestamp::now);
    let ((from, _from), (to, _to)) = (samples::store(), samples::store());
    let files: Vec<_> = (0..40).map(|number| samples::file(&from, "x", 0o644, format!("content {number}").as_bytes())).collect();
    let contents: Vec<_> =
        files.iter().map(|file| Content { path: &file.path, mode: 0o644, size: file.size, sha256: file.sha256 }).collect();
    let digests: Vec<_> = files.iter().map(|file| file.sha256).collect();
    assert_eq!(depot.lacking(&digests).unwrap(), digests);
    depot.send(&contents[..30], &from).unwrap();
    assert_eq!(depot.lacking(&digests).unwrap(), digests[30..]);
    let intake = Arc::new(to.intake().unwrap());
    let lacks = depot.bring(&contents, &intake).unwrap_err();
    assert!(matches!(lacks, DepotError::Lacks { .. }), "{lacks:?}");
    assert_eq!(to.intake().unwrap().missing(contents.iter().copied()), digests[30..], "what was there has come");
    std::fs::write(server.bucket().join("of us").join(blob_path(&digests[0])), "other").unwrap();
    let damaged = depot.bring(&contents[..1], &intake).unwrap_err();
    assert!(matches!(damaged, DepotError::Damaged { .. }), "{damaged:?}");
}

#[test]
fn a_clock_that_is_an_hour_off_is_told_and_does_not_matter() {
    let server = Server::start();
    for clock in
        [|| Timestamp::now() - jiff::SignedDuration::from_hours(1), || Timestamp::now() + jiff::SignedDuration::from_hours(1)]
    {
        let (reporter, mut drafts) = Reporter::new();
        let depot = BucketDepot::new(settings(&server, SECRET), Box::new(|_| None), Cancel::never(), &reporter);
        let depot = BucketDepot { clock, ..depot };
        depot.write("clock", b"it is late", Existing::Replace).unwrap();
        assert_eq!(depot.read("clock").unwrap().unwrap(), b"it is late");
        let told = format!("{:?}", drafts.try_recv().unwrap());
        assert!(told.contains("this machine's is 60 minutes") || told.contains("this machine's is 59 minutes"), "{told}");
        assert!(drafts.try_recv().is_err(), "and that once");
    }
}

#[test]
fn wrong_keys_a_missing_bucket_and_a_server_that_is_gone_are_different_things_and_no_secret_is_in_them() {
    let mut server = Server::start();
    let error = |settings: &S3Store| {
        let error = depot(settings, Timestamp::now).list(&[]).unwrap_err();
        let words = format!("{error} {error:?}");
        for secret in [KEY, SECRET, "Signature=", "X-Amz"] {
            assert!(!words.contains(secret), "{words}");
        }
        error
    };
    let right = settings(&server, SECRET);
    let denied = error(&settings(&server, "wrong"));
    assert!(matches!(&denied, DepotError::Denied { code } if code == "SignatureDoesNotMatch"), "{denied:?}");
    let absent = error(&S3Store { bucket: "another".to_owned(), ..right.clone() });
    assert_eq!(absent.to_string(), "there is no such bucket");
    server.stop();
    let gone = error(&right);
    assert!(matches!(gone, DepotError::Unreachable { .. }), "{gone:?}");
}

#[test]
fn a_list_of_more_than_a_page_is_whole() {
    let server = Server::start();
    let folder = server.bucket().join("of us/store/manifests/demo");
    std::fs::create_dir_all(folder.join("deeper")).unwrap();
    (0..2300).for_each(|number| std::fs::write(folder.join(format!("1.0.{number}.json")), "x").unwrap());
    std::fs::write(folder.join("deeper/1.0.0.json"), "x").unwrap();
    let listed = depot(&settings(&server, SECRET), Timestamp::now).list(&["store/manifests/demo"]).unwrap();
    assert_eq!(listed.len(), 2300);
}

/// Content that ends its server when the second part of it is read.
struct Fatal<'a> {
    server: &'a mut Server,
    read: u64,
}

impl io::Read for Fatal<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read >= PART {
            self.server.stop();
        }
        let room = usize::try_from(PART - self.read % PART).unwrap();
        let count = buffer.len().min(room);
        buffer[..count].fill(7);
        self.read += count as u64;
        Ok(count)
    }
}

#[test]
fn a_server_that_goes_in_the_middle_of_a_file_leaves_nothing_of_it() {
    let mut server = Server::start();
    let depot = depot(&settings(&server, SECRET), Timestamp::now);
    let bucket = server.bucket();
    let mut content = Fatal { server: &mut server, read: 0 };
    let gone = depot.put_all("demo_1.0.0.release.tar.gz", &mut content, 3 * PART).unwrap_err();
    assert!(matches!(gone, DepotError::Unreachable { .. }), "{gone:?}");
    assert!(content.read > PART && content.read < 3 * PART, "{} bytes were read", content.read);
    assert!(!bucket.join("of us/demo_1.0.0.release.tar.gz").exists());
}
