use edeliver_core::{release::Digest, step::Placed};
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::store::samples::{damage, file, store};

/// No compression makes it smaller.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    (0..size).map(|_| next()).collect()
}

fn load(store: &Store) -> Load {
    let files: Vec<Placed> = (1..4).map(|at| file(store, &format!("lib/{at}"), 0o644, &noise(at, 900_000))).collect();
    Load { files, ..Load::default() }
}

async fn all_of(mut stream: Box<dyn AsyncRead + Send + Unpin>) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.map(|_| bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hosts_get_the_bytes_that_one_would_and_it_is_packed_once() {
    let (store, _dir) = store();
    let (load, packs) = (load(&store), Packs::default());
    let alone = all_of(pack(&store, load.clone(), |_| {})).await.unwrap();
    let told = Arc::new(AtomicU64::new(0));
    let counted = || {
        let told = told.clone();
        move |done| told.store(done, Ordering::Relaxed)
    };
    let streams: Vec<_> = (0..8).map(|_| tokio::spawn(all_of(packs.stream(&store, load.clone(), counted())))).collect();
    for stream in streams {
        assert!(stream.await.unwrap().unwrap() == alone);
    }
    // Also for who comes when the store has lost it.
    load.files.iter().for_each(|file| damage(&store, &file.sha256));
    assert!(all_of(packs.stream(&store, load.clone(), counted())).await.unwrap() == alone);
    assert_eq!((packs.known().len(), told.load(Ordering::Relaxed)), (1, 2_700_000));
    let other = Load { files: load.files[1..].to_vec(), ..Load::default() };
    assert!(all_of(packs.stream(&store, other, |_| {})).await.is_err(), "it is another load, and is damaged");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_can_not_be_packed_is_an_end_for_none_and_an_error_with_its_cause_for_all() {
    let (store, _dir) = store();
    let (load, packs) = (load(&store), Packs::default());
    let last: &Digest = &load.files[2].sha256;
    damage(&store, last);
    let said = |error: io::Error| crate::error::chain(&error).join(": ");
    let alone = said(all_of(pack(&store, load.clone(), |_| {})).await.unwrap_err());
    assert!(alone.contains(&last.to_string()), "{alone}");
    for _ in 0..3 {
        assert_eq!(said(all_of(packs.stream(&store, load.clone(), |_| {})).await.unwrap_err()), alone);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_goes_away_takes_nothing_from_the_others() {
    let (store, _dir) = store();
    let (load, packs) = (load(&store), Packs::default());
    let mut gone = packs.stream(&store, load.clone(), |_| {});
    gone.read_exact(&mut [0; 1000]).await.unwrap();
    drop(gone);
    let alone = all_of(pack(&store, load.clone(), |_| {})).await.unwrap();
    assert!(all_of(packs.stream(&store, load, |_| {})).await.unwrap() == alone);
}
