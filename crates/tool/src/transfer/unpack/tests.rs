use std::{
    process::Command,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use edeliver_core::step::Placed;

use super::*;
use crate::store::{
    Store,
    samples::{store, unfinished},
};

fn placed(path: &str, content: &[u8]) -> Placed {
    Placed { path: path.parse().unwrap(), sha256: Digest::of(content), mode: 0o644, size: content.len() as u64 }
}

fn asked(files: &[Placed]) -> Vec<Content<'_>> {
    files.iter().map(|file| Content { path: &file.path, mode: file.mode, size: file.size, sha256: file.sha256 }).collect()
}

/// What a build host sends: by its tar, as in `build/collect.sh`.
fn sent(tar: &str, files: &[(&str, &[u8])]) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    for (path, content) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let list: String = files.iter().map(|(path, _)| format!("./{path}\n")).collect();
    std::fs::write(dir.path().join("list"), list).unwrap();
    let output = Command::new("sh").arg("-c").arg(tar).current_dir(dir.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

const GNU: &str = "tar -cf - -T - <list | gzip -1";
const PLAIN: &str = "tar -cf - -T - <list";
const BUSYBOX: &str = "tr '\\n' '\\0' <list | xargs -0 busybox tar -cf - | gzip -1";
const PAX: &str = "tar --format=pax -cf - -T - <list";

async fn unpack(store: &Store, stream: &[u8], files: &[Placed]) -> Result<(), UnpackError> {
    let result = unpack_into(&intake(store), stream, asked(files), |_| {}).await;
    assert_eq!(unfinished(store), 0, "something half is left");
    result
}

fn intake(store: &Store) -> Arc<Intake> {
    Arc::new(store.intake().unwrap())
}

fn missing(store: &Store, files: &[Placed]) -> usize {
    intake(store).missing(asked(files)).len()
}

#[tokio::test]
async fn what_build_hosts_send_comes_into_the_store() {
    let long = format!("lib/{}/{}/m.beam", "a".repeat(120), "ü".repeat(80));
    let files: [(&str, &[u8]); 4] = [("bin/demo", b"#!"), ("lib/x y/a.beam", &[1; 70_000]), (&long, b"long"), ("empty", b"")];
    for tar in [GNU, PLAIN, BUSYBOX, PAX] {
        let (store, _dir) = store();
        let wanted: Vec<_> = files.iter().map(|(path, content)| placed(path, content)).collect();
        let came = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&came);
        let stream = sent(tar, &files);
        unpack_into(&intake(&store), &stream[..], asked(&wanted), move |bytes| counter.store(bytes, Ordering::Relaxed))
            .await
            .unwrap();
        assert_eq!(missing(&store, &wanted), 0, "{tar}");
        assert_eq!(came.load(Ordering::Relaxed), 70_006);
    }
}

#[tokio::test]
async fn a_stream_cut_off_anywhere_is_an_error_and_leaves_nothing_half() {
    let wanted = [placed("a", b"first"), placed("b", &[7; 3000])];
    for tar in [GNU, PLAIN] {
        let stream = sent(tar, &[("a", b"first"), ("b", &[7; 3000])]);
        // A plain archive may end inside of the end mark; GNU fills it up with zeros.
        let end = if tar == PLAIN { 512 + 512 + 512 + 3072 + 1 } else { stream.len() };
        for length in (0..end).step_by(if tar == PLAIN { 301 } else { 5 }) {
            let (store, _dir) = store();
            let error = unpack(&store, &stream[..length], &wanted).await.unwrap_err();
            assert!(matches!(error, UnpackError::Tar(TarError::CutOff)), "{length}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_stream_that_fails_says_why() {
    let (store, _dir) = store();
    let stream = sent(GNU, &[("a", b"first")]);
    let broken = tokio_test_stream(stream[..40].to_vec());
    let error = unpack_into(&intake(&store), broken, asked(&[placed("a", b"first")]), |_| {}).await.unwrap_err();
    let UnpackError::Tar(TarError::Read(source)) = error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "the link is gone");
}

/// Gives these bytes and then fails.
fn tokio_test_stream(bytes: Vec<u8>) -> impl AsyncRead + Unpin {
    struct Failing;
    impl AsyncRead for Failing {
        fn poll_read(
            self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
            _: &mut tokio::io::ReadBuf<'_>,
        ) -> std::task::Poll<std::io::Result<()>> {
            std::task::Poll::Ready(Err(std::io::Error::other("the link is gone")))
        }
    }
    tokio::io::AsyncReadExt::chain(std::io::Cursor::new(bytes), Failing)
}

#[tokio::test]
async fn nothing_unexpected_is_taken() {
    let files: [(&str, &[u8]); 2] = [("a", b"first"), ("b", b"second")];
    let (store, _dir) = store();
    let error = unpack(&store, &sent(GNU, &files), &[placed("a", b"first")]).await.unwrap_err();
    assert!(matches!(error, UnpackError::Unexpected { path } if path.as_str() == "b"));
    assert_eq!(missing(&store, &[placed("b", b"second")]), 1);
    // The same file twice.
    let twice = sent("tar --hard-dereference -cf - a ./a", &[("a", b"first")]);
    let error = unpack(&store, &twice, &[placed("a", b"first")]).await.unwrap_err();
    assert!(matches!(error, UnpackError::Unexpected { .. }), "{error:?}");
}

#[tokio::test]
async fn links_and_directories_are_not_files() {
    for make in ["mkdir x", "ln -s /etc/passwd x", "mkfifo x", "touch y; ln y x"] {
        let (store, _dir) = store();
        let stream = sent(&format!("{make}; tar -cf - y x 2>/dev/null || tar -cf - x"), &[("list2", b"")]);
        let error = unpack(&store, &stream, &[placed("x", b""), placed("y", b"")]).await.unwrap_err();
        assert!(matches!(error, UnpackError::Unexpected { .. } | UnpackError::Tar(TarError::Kind { .. })), "{make}: {error:?}");
    }
}

#[tokio::test]
async fn content_must_be_what_was_announced() {
    let (store, _dir) = store();
    let stream = sent(GNU, &[("a", b"first")]);
    let error = unpack(&store, &stream, &[placed("a", b"other")]).await.unwrap_err();
    assert!(matches!(error, UnpackError::Digest { source: StoreError::Wrong { .. }, .. }), "{error:?}");
    let error = unpack(&store, &stream, &[placed("a", b"longer")]).await.unwrap_err();
    assert!(matches!(error, UnpackError::Size { wanted: 6, found: 5, .. }), "{error:?}");
    assert_eq!(missing(&store, &[placed("a", b"first"), placed("a", b"other")]), 2);
}

#[tokio::test]
async fn what_does_not_come_is_named() {
    let (store, _dir) = store();
    let wanted = [placed("a", b"first"), placed("c", b"x"), placed("b", b"x")];
    let error = unpack(&store, &sent(GNU, &[("a", b"first")]), &wanted).await.unwrap_err();
    assert!(matches!(error, UnpackError::Lacking { count: 2, first } if first.as_str() == "b"));
    assert_eq!(missing(&store, &wanted[..1]), 0, "what came whole stays");
}

#[tokio::test]
async fn noise_is_no_archive() {
    for stream in [&b""[..], b"tar: command not found\n", &[0x1f, 0x8b, 8, 1, 2, 3]] {
        let (store, _dir) = store();
        assert!(matches!(unpack(&store, stream, &[placed("a", b"first")]).await, Err(UnpackError::Tar(_))));
    }
}
