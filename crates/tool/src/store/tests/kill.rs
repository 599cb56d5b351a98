//! Writers that are killed in the middle.

use std::{
    env,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use super::*;

const STORE: &str = "EDELIVER_TEST_STORE_TO_WRITE";

/// In the child process: puts releases into the store until it is killed. In an ordinary run it does nothing.
#[test]
fn writes_until_it_is_killed() {
    let Some(root) = env::var_os(STORE) else { return };
    let store = open(Path::new(&root), "hotapp");
    for number in 0.. {
        let content: Vec<_> = (0..50).map(|file| format!("{number} {file}").repeat(500)).collect();
        let paths: Vec<_> = (0..50).map(|file| format!("lib/a-1/{file}.beam")).collect();
        let files: Vec<_> = paths.iter().zip(&content).map(|(path, content)| (path.as_str(), content.as_str())).collect();
        put(&store, &format!("{number}.0.0"), &files);
    }
}

#[test]
fn a_killed_writer_leaves_whole_releases_and_garbage_at_most() {
    let test = Test::new();
    for round in 0..8 {
        let store = open(&test.dir.path().join(round.to_string()), "hotapp");
        let mut writer = Command::new(env::current_exe().unwrap())
            .args(["--exact", "store::tests::kill::writes_until_it_is_killed"])
            .env(STORE, store.root())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        while versions(&store).is_empty() {
            assert!(writer.try_wait().unwrap().is_none(), "it still writes");
            thread::sleep(Duration::from_millis(5));
        }
        thread::sleep(Duration::from_millis(17 * round));
        writer.kill().unwrap();
        writer.wait().unwrap();
        check(&store);
    }
}

fn check(store: &Store) {
    let listing = store.list().unwrap();
    assert!(listing.odd.is_empty(), "{:?}", listing.odd);
    let whole = listing.stored.iter().map(|stored| store.manifest(&stored.version).unwrap());
    let whole: Vec<_> = whole.inspect(|manifest| assert_eq!(store.verify(manifest).len(), 0)).collect();
    store.collect_garbage().unwrap();
    assert_eq!(files_below(&store.blobs_dir()), 50 * whole.len());
    assert_eq!(files_below(&store.temp_dir()), 0);
    put(store, "99.0.0", FILES);
}
