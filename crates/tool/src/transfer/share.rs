//! One stream for all hosts that lack the same: it is packed once, into a file that every host's own stream is read from.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _},
    sync::watch,
    task::spawn_blocking,
};

use super::{
    pack::{Load, pack},
    pipe::{self, Teller},
};
use crate::store::Store;

/// What is read at a time.
const PIECE: usize = 256 * 1024;

/// Less content than this is packed sooner than it is shared.
const WORTH_IT: u64 = 1 << 20;

/// The loads of a run that were packed so far, or are being packed. Their files are gone with it.
#[derive(Debug, Default)]
pub struct Packs {
    known: Mutex<Vec<(Load, Arc<Pack>)>>,
}

/// A packed load, as far as it is.
#[derive(Debug)]
struct Pack {
    /// It has no name any more.
    file: File,
    so_far: watch::Receiver<SoFar>,
}

/// How far it is.
#[derive(Debug, Clone, Default)]
struct SoFar {
    packed: u64,
    /// Bytes of content that are in it.
    content: u64,
    end: Option<Result<(), Arc<io::Error>>>,
}

impl Packs {
    /// The same as [`pack`]; what another host is sent too is packed for the first of them only.
    pub fn stream(
        &self,
        store: &Store,
        load: Load,
        progress: impl FnMut(u64) + Send + 'static,
    ) -> Box<dyn AsyncRead + Send + Unpin> {
        if load.files.iter().map(|file| file.size).sum::<u64>() < WORTH_IT {
            return pack(store, load, progress);
        }
        let Some(shared) = self.shared(store, &load) else { return pack(store, load, progress) };
        let (to, outlet) = pipe::from_task();
        tokio::spawn(async move { follow(&shared, &to, progress).await });
        Box::new(outlet)
    }
    /// `None`: there is no room for a file.
    fn shared(&self, store: &Store, load: &Load) -> Option<Arc<Pack>> {
        let mut known = self.known();
        if let Some((_, pack)) = known.iter().find(|(other, _)| other == load) {
            return Some(pack.clone());
        }
        let file = store.nameless().ok()?;
        let into = file.try_clone().ok()?;
        let (tell, so_far) = watch::channel(SoFar::default());
        let pack = Arc::new(Pack { file, so_far });
        known.push((load.clone(), pack.clone()));
        drop(known);
        tokio::spawn(fill(store.clone(), load.clone(), into, tell));
        Some(pack)
    }
    fn known(&self) -> MutexGuard<'_, Vec<(Load, Arc<Pack>)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Packs into the file, as long as anybody may want it.
async fn fill(store: Store, load: Load, file: File, tell: watch::Sender<SoFar>) {
    let content = Arc::new(AtomicU64::new(0));
    let counted = content.clone();
    let mut stream = pack(&store, load, move |done| counted.store(done, Ordering::Relaxed));
    let file = Arc::new(file);
    let mut at = 0;
    let end = loop {
        let mut piece = Vec::with_capacity(PIECE);
        match stream.read_buf(&mut piece).await {
            Ok(0) => break Ok(()),
            Err(error) => break Err(error),
            Ok(count) => {
                let (file, from) = (file.clone(), at);
                let written = spawn_blocking(move || file.write_all_at(&piece, from)).await;
                if let Err(error) = written.unwrap_or_else(|error| Err(io::Error::other(error))) {
                    break Err(error);
                }
                at += count as u64;
                tell.send_modify(|so_far| (so_far.packed, so_far.content) = (at, content.load(Ordering::Relaxed)));
            }
        }
        if tell.is_closed() {
            return;
        }
    };
    tell.send_modify(|so_far| so_far.end = Some(end.map_err(Arc::new)));
}

/// Tells all of it to one host's stream.
async fn follow(pack: &Arc<Pack>, to: &Teller, mut progress: impl FnMut(u64)) {
    let (mut so_far, mut at) = (pack.so_far.clone(), 0);
    loop {
        let now = so_far.borrow_and_update().clone();
        while at < now.packed {
            let Ok(piece) = read(pack.clone(), at, now.packed).await else { return };
            at += piece.len() as u64;
            if to.piece(piece).await.is_err() {
                return;
            }
            progress(now.content * at / now.packed);
        }
        match now.end {
            Some(Ok(())) => return to.end().await,
            Some(Err(why)) => return to.fail(io::Error::new(why.kind(), why)).await,
            // Without a word of its end nobody takes what came for all of it.
            None if so_far.changed().await.is_err() => return,
            None => {}
        }
    }
}

async fn read(pack: Arc<Pack>, from: u64, to: u64) -> io::Result<Vec<u8>> {
    let length = usize::try_from(to - from).map_or(PIECE, |length| length.min(PIECE));
    let read = spawn_blocking(move || {
        let mut piece = vec![0; length];
        pack.file.read_exact_at(&mut piece, from).map(|()| piece)
    });
    read.await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests;
