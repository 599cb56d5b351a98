use std::{
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Stdio},
    sync::atomic::{AtomicU64, Ordering},
};

use proptest::prelude::*;
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::store::samples::{damage, file, store};

/// The whole stream, or the error that ended it.
fn packed(store: &Store, load: &Load) -> io::Result<Vec<u8>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (store, load) = (store.clone(), load.clone());
    runtime.block_on(async move {
        let mut bytes = Vec::new();
        pack(&store, load, |_| {}).read_to_end(&mut bytes).await?;
        Ok(bytes)
    })
}

/// Unpacks as a host does.
fn untar(tar: &[&str], stream: &[u8], dir: &Path) {
    let mut command = Command::new(tar[0]);
    command.args(&tar[1..]).args(["-xzf", "-"]).current_dir(dir);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, stream).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn unpacked(store: &Store, load: &Load, tar: &[&str]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    untar(tar, &packed(store, load).unwrap(), dir.path());
    for file in &load.files {
        let path = dir.path().join(file.path.as_str());
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(Digest::of(&bytes), file.sha256, "{}", file.path);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, file.mode, "{}", file.path);
    }
    for link in &load.links {
        assert_eq!(std::fs::read_link(dir.path().join(link.path.as_str())).unwrap(), Path::new(&link.target));
    }
    for empty in &load.empty_dirs {
        assert_eq!(std::fs::read_dir(dir.path().join(empty.as_str())).unwrap().count(), 0);
    }
    dir
}

const TARS: [&[&str]; 2] = [&["tar"], &["busybox", "tar"]];

fn path(text: &str) -> RelPath {
    text.parse().unwrap()
}

#[test]
fn the_tars_of_hosts_unpack_it() {
    let (store, _dir) = store();
    let long = format!("lib/{}/{}/m.beam", "a".repeat(120), "ü".repeat(80));
    let hundred = format!("lib/{}", "b".repeat(96));
    let files = vec![
        file(&store, "bin/demo", 0o755, b"#!/bin/sh\n"),
        file(&store, "lib/demo-0.1.0/ebin/Elixir.Demo.beam", 0o644, &[9; 200_000]),
        file(&store, "lib/demo-0.1.0/priv/a name with 'quotes\" $(x) and * blanks", 0o644, b""),
        file(&store, "-rf", 0o644, &[1; 512]),
        file(&store, &long, 0o755, &[2; 513]),
        file(&store, &hundred, 0o644, &[3; 511]),
    ];
    let links = vec![
        Linked { path: path("lib/demo-0.1.0/priv/link"), target: "../ebin/./Elixir.Demo.beam".to_owned() },
        Linked { path: path("lib/long"), target: format!("{}/x", "c".repeat(150)) },
    ];
    let load = Load { files, links, empty_dirs: vec![path("lib/demo-0.1.0/priv/empty")], ..Load::default() };
    TARS.iter().for_each(|tar| drop(unpacked(&store, &load, tar)));
}

#[test]
fn nothing_at_all_is_an_archive_too() {
    let (store, _dir) = store();
    TARS.iter().for_each(|tar| drop(unpacked(&store, &Load::default(), tar)));
}

#[test]
fn rewritten_content_comes_from_memory() {
    let (store, _dir) = store();
    let bytes: Arc<[u8]> = b"rewritten".as_slice().into();
    let sha256 = Digest::of(&bytes);
    let files = vec![Placed { path: path("releases/1/start.boot"), sha256, mode: 0o644, size: 9 }];
    let load = Load { files, extra: HashMap::from([(sha256, bytes)]), ..Load::default() };
    unpacked(&store, &load, TARS[0]);
}

#[test]
fn the_same_load_gives_the_same_bytes() {
    let (store, _dir) = store();
    let load = Load { files: vec![file(&store, "a/b", 0o644, b"content")], ..Load::default() };
    assert_eq!(packed(&store, &load).unwrap(), packed(&store, &load).unwrap());
}

/// All that is said about an error.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(|error| format!("{error}: ")).collect()
}

/// The error that ends the stream, which must not look like a complete archive.
fn refused(store: &Store, load: &Load) -> String {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (mut bytes, mut stream) = (Vec::new(), Vec::new());
    let error = runtime.block_on(async {
        let mut from = pack(store, load.clone(), |_| {});
        let error = from.read_to_end(&mut bytes).await.unwrap_err();
        stream.append(&mut bytes);
        assert!(from.read_to_end(&mut bytes).await.is_err(), "an error is no end, later neither");
        error
    });
    let complete = flate2::read::GzDecoder::new(&stream[..]).read_to_end(&mut Vec::new());
    assert!(complete.is_err(), "the stream looks complete");
    chain(&error)
}

#[test]
fn damaged_content_ends_the_stream_with_its_name() {
    let (store, _dir) = store();
    let bad = file(&store, "lib/x/b.beam", 0o644, &[5; 1000]);
    let files = vec![file(&store, "lib/x/a.beam", 0o644, b"good"), bad.clone(), file(&store, "lib/x/c.beam", 0o644, b"more")];
    damage(&store, &bad.sha256);
    let said = refused(&store, &Load { files, ..Load::default() });
    assert!(said.contains("lib/x/b.beam") && said.contains(&bad.sha256.to_string()) && said.contains("damaged"), "{said}");
}

#[test]
fn content_that_is_missing_or_of_another_size_ends_the_stream() {
    let (store, _dir) = store();
    let mut file = file(&store, "lib/x/b.beam", 0o644, &[5; 1000]);
    for size in [0, 999, 1001, 1 << 40] {
        file.size = size;
        let said = refused(&store, &Load { files: vec![file.clone()], ..Load::default() });
        assert!(said.contains("lib/x/b.beam") && said.contains("bytes instead of"), "{said}");
    }
    file.sha256 = Digest::of(b"nowhere");
    let said = refused(&store, &Load { files: vec![file.clone()], ..Load::default() });
    assert!(said.contains("lib/x/b.beam") && said.contains("lacks"), "{said}");
}

/// Bytes that don't compress.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    std::iter::repeat_with(&mut next).take(count).collect()
}

#[tokio::test]
async fn it_waits_for_the_reader_and_ends_when_the_reader_goes() {
    let (store, _dir) = store();
    let files = vec![file(&store, "big", 0o644, &noise(8 << 20))];
    let (packed, ended) = (Arc::new(AtomicU64::new(0)), Arc::new(()));
    let (counter, alive) = (Arc::clone(&packed), Arc::clone(&ended));
    let mut stream = pack(&store, Load { files, ..Load::default() }, move |bytes| {
        let _ = &alive;
        counter.store(bytes, Ordering::Relaxed);
    });
    stream.read_exact(&mut [0; 1024]).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    let ahead = packed.load(Ordering::Relaxed);
    assert!(ahead < 1 << 20, "{ahead} bytes were packed without anybody reading");
    drop(stream);
    while Arc::strong_count(&ended) > 1 {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn progress_ends_at_the_sum_of_all_files() {
    let (store, _dir) = store();
    let files = vec![file(&store, "a", 0o644, &[1; 100_000]), file(&store, "b", 0o644, b"12345")];
    let load = Load { files, ..Load::default() };
    let packed = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&packed);
    let mut stream = pack(&store, load, move |bytes| counter.store(bytes, Ordering::Relaxed));
    stream.read_to_end(&mut Vec::new()).await.unwrap();
    assert_eq!(packed.load(Ordering::Relaxed), 100_005);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_paths_and_modes_arrive(
        names in prop::collection::btree_set("[a-zA-Z0-9 ~+$'\"*ü_.-]{1,90}(/[a-z .-]{1,60}){0,2}", 1..12),
        modes in prop::collection::vec(prop::sample::select(vec![0o644_u32, 0o755]), 12),
        sizes in prop::collection::vec(0_usize..3000, 12),
    ) {
        let (store, _dir) = store();
        let usable = |name: &String| name.parse::<RelPath>().is_ok() && name.split('/').all(|part| part.len() < 256);
        let mut files: Vec<Placed> = Vec::new();
        for (at, name) in names.iter().filter(|name| usable(name)).enumerate() {
            // No file lies below another.
            if !files.iter().any(|other| name.starts_with(&format!("{}/", other.path))) {
                files.push(file(&store, name, modes[at], &noise(sizes[at])));
            }
        }
        let load = Load { files, ..Load::default() };
        TARS.iter().for_each(|tar| drop(unpacked(&store, &load, tar)));
    }
}

#[test]
fn what_is_much_like_something_there_travels_as_the_difference() {
    let (store, _dir) = store();
    let half: String = (0..5_000u32).map(|n| Digest::of(&n.to_be_bytes()).to_string()).collect();
    let base: Arc<[u8]> = format!("{half}0.1.0{half}").into_bytes().into();
    let files = vec![file(&store, "lib/demo/large.beam", 0o644, format!("{half}0.2.0{half}").as_bytes())];
    let sent = |base: &Arc<[u8]>| {
        let load = Load { files: files.clone(), packing: Packing::Zstd(base.clone()), ..Load::default() };
        packed(&store, &load).unwrap()
    };
    let (alone, difference) = (sent(&Arc::from([])), sent(&base));
    assert!(difference.len() < 1_000 && alone.len() > 100_000, "{} and {} bytes", difference.len(), alone.len());
    for (stream, base) in [(&alone, None), (&difference, Some(&base))] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("base"), base.map_or(&[][..], |base| &base[..])).unwrap();
        std::fs::write(dir.path().join("stream"), stream).unwrap();
        let patch = if base.is_some() { "--patch-from=base" } else { "" };
        let unpack = format!("zstd -dcq --long=27 {patch} <stream | tar -xf -");
        let done = Command::new("sh").args(["-c", &unpack]).current_dir(dir.path()).status().unwrap();
        assert!(done.success());
        let content = std::fs::read(dir.path().join("lib/demo/large.beam")).unwrap();
        assert_eq!(Digest::of(&content), files[0].sha256);
    }
}
