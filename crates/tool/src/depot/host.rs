//! A depot in a folder on a host, reached as hosts are: one login, and a script for each thing that is done.

mod listing;

use std::{
    collections::HashMap,
    fs::File,
    future::Future,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    path::Path,
    sync::Arc,
    time::Duration,
};

use edeliver_core::{
    config::{HostSpec, HostStore, RemoteStore},
    event::EventKind,
    release::{Content, Digest, RelPath},
    step::Placed,
};
use tokio::{runtime::Handle, sync::OnceCell};

use super::{Depot, DepotError, Item, Links, blob_name};
use crate::{
    cancel::{Cancel, Level},
    report::Reporter,
    store::{Existing, Intake, Store},
    transfer::{Load, pack, unpack_into},
    transport::{self, Call, Input, Limits, Output, Reply, Script, Transport},
};

macro_rules! script {
    ($name:literal, $file:literal) => {
        Script { name: $name, text: concat!(include_str!("host/place.sh"), include_str!($file)) }
    };
}

const LIST: Script = script!("looking into the store", "host/list.sh");
const READ: Script = script!("reading from the store", "host/read.sh");
const LACKING: Script = script!("comparing with the store", "host/lacking.sh");
const BRING: Script = script!("fetching from the store", "host/bring.sh");
const TAKE: Script = script!("publishing to the store", "host/take.sh");
const WRITE: Script = script!("writing to the store", "host/write.sh");

/// For what is a matter of moments on a host that is not too busy.
const ASKING: Duration = Duration::from_secs(120);
/// For what depends on the link. A link that is lost is noticed in 30 s.
const MOVING: Duration = Duration::from_secs(3600);

/// So much content is sent at a time, in bytes: what has arrived need not be sent again when the rest does not.
const PORTION: u64 = 32 << 20;
/// So much may wait in the middle while the link brings more and the store writes.
const BUFFER: usize = 256 * 1024;

/// `read.sh`: there is no such file.
const ABSENT: i32 = 44;
/// `write.sh`: another file has that name.
const TAKEN: i32 = 46;
/// `bring.sh`: content is not there.
const LACKS: i32 = 47;

/// A folder on a host. Nothing is asked before it has to be.
pub struct HostDepot {
    store: HostStore,
    limits: Limits,
    cancel: Cancel,
    reporter: Reporter,
    runtime: Handle,
    transport: OnceCell<Arc<dyn Transport>>,
}

impl std::fmt::Debug for HostDepot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostDepot").field("store", &self.store).finish_non_exhaustive()
    }
}

impl HostDepot {
    /// The folder of these settings. To be called inside of a tokio runtime.
    pub fn new(store: HostStore, limits: Limits, cancel: Cancel, reporter: &Reporter) -> Self {
        let reporter = reporter.for_host(&store.host.name);
        Self { store, limits, cancel, reporter, runtime: Handle::current(), transport: OnceCell::new() }
    }
    fn spec(&self) -> &HostSpec {
        &self.store.host
    }
    /// Waits for this work, which an interruption ends.
    fn wait<T>(&self, work: impl Future<Output = Result<T, DepotError>>) -> Result<T, DepotError> {
        let work = async {
            tokio::select! {
                done = work => done,
                () = self.cancel.reached(Level::Finish) => Err(transport::TransportError::Interrupted.into()),
            }
        };
        tokio::task::block_in_place(|| self.runtime.block_on(work))
    }
    async fn transport(&self) -> Result<&Arc<dyn Transport>, DepotError> {
        Ok(self.transport.get_or_try_init(|| transport::open(self.spec(), &self.limits)).await?)
    }
    fn call(&self, script: Script, more: impl IntoIterator<Item = String>, patience: Duration) -> Call<'static> {
        let root = self.spec().path.as_str().to_owned();
        Call::new(script, [root].into_iter().chain(more), patience)
    }
    async fn run(&self, call: Call<'_>) -> Result<Reply, DepotError> {
        Ok(self.transport().await?.run(call).await?)
    }
    /// The output of a script that must succeed.
    fn answer(&self, call: Call<'_>) -> Result<String, DepotError> {
        Ok(good(self.wait(self.run(call))?)?.text())
    }
    fn put(&self, path: &str, digest: &Digest, existing: Existing, input: Input) -> Result<(), DepotError> {
        let how = if existing == Existing::Replace { "replace" } else { "new" };
        let args = [path.to_owned(), how.to_owned(), digest.to_string(), own_name()];
        let reply = self.wait(self.run(Call { input, ..self.call(WRITE, args, MOVING) }))?;
        match reply.status {
            TAKEN => Err(DepotError::Taken { path: path.to_owned() }),
            _ => good(reply).map(drop),
        }
    }
    fn take(&self, files: Vec<Placed>, from: &Store) -> Result<(), DepotError> {
        let total = files.iter().map(|file| file.size).sum();
        let args = [own_name(), files.len().to_string()];
        let load = Load { files, ..Load::default() };
        let call = self.wait(async {
            let input = Input::Stream(pack(from, load, self.progress(total)));
            self.run(Call { input, ..self.call(TAKE, args, MOVING) }).await
        });
        good(call?).map(drop)
    }
    fn progress(&self, total: u64) -> impl FnMut(u64) + Send + 'static {
        let reporter = self.reporter.clone();
        move |done| reporter.send(EventKind::Progress { done, total })
    }
    async fn fetch(&self, wanted: &[Content<'_>], to: &Arc<Intake>) -> Result<(), DepotError> {
        let total = wanted.iter().map(|file| file.size).sum();
        let list: String = wanted.iter().map(|file| format!("{}\n", file.path)).collect();
        let (sink, source) = tokio::io::duplex(BUFFER);
        let (input, output) = (Input::Bytes(list.into_bytes()), Output::Stream(Box::new(sink)));
        let call = Call { input, output, ..self.call(BRING, [], MOVING) };
        let (sent, taken) = tokio::join!(self.run(call), unpack_into(to, source, wanted.iter().copied(), self.progress(total)));
        // What refuses the content closes the pipe, and the far end fails then too; a far end that fails cuts the content off. The cause is told.
        match taken {
            Err(refused) if !refused.is_cut_off() => Err(DepotError::Came(refused)),
            taken => {
                lacks(&sent?)?;
                taken.map_err(DepotError::Came)
            }
        }
    }
}

impl Depot for HostDepot {
    fn title(&self) -> String {
        RemoteStore::Host(self.store.clone()).address()
    }
    fn list(&self, folders: &[&str]) -> Result<Vec<Item>, DepotError> {
        let answer = self.answer(self.call(LIST, folders.iter().map(|folder| (*folder).to_owned()), ASKING))?;
        Ok(listing::items(&answer))
    }
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, DepotError> {
        let reply = self.wait(self.run(self.call(READ, [path.to_owned()], ASKING)))?;
        if reply.status == ABSENT { Ok(None) } else { Ok(Some(good(reply)?.stdout)) }
    }
    fn download(&self, path: &str, to: &Path) -> Result<bool, DepotError> {
        let here = |source| DepotError::Here { what: format!("can't write {}", to.display()), source };
        let file = tokio::fs::File::from_std(File::create(to).map_err(here)?);
        let output = Output::Stream(Box::new(file));
        let reply = self.wait(self.run(Call { output, ..self.call(READ, [path.to_owned()], MOVING) }))?;
        if reply.status == ABSENT { Ok(false) } else { good(reply).map(|_| true) }
    }
    fn write(&self, path: &str, content: &[u8], existing: Existing) -> Result<(), DepotError> {
        self.put(path, &Digest::of(content), existing, Input::Bytes(content.to_vec()))
    }
    fn upload(&self, from: &Path, path: &str) -> Result<(), DepotError> {
        let here = |source| DepotError::Here { what: format!("can't read {}", from.display()), source };
        let digest = digest(from).map_err(here)?;
        let file = File::open(from).map_err(here)?;
        self.put(path, &digest, Existing::Replace, Input::Stream(Box::new(tokio::fs::File::from_std(file))))
    }
    fn lacking(&self, wanted: &[Digest]) -> Result<Vec<Digest>, DepotError> {
        let list: String = wanted.iter().map(|digest| format!("{digest}\n")).collect();
        let answer = self.answer(Call { input: Input::Bytes(list.into_bytes()), ..self.call(LACKING, [], ASKING) })?;
        Ok(answer.lines().filter_map(|line| line.parse().ok()).collect())
    }
    fn links(&self, wanted: &[Digest], _valid: Duration) -> Links {
        if !self.store.is_fetched_from() {
            return Links::default();
        }
        let places = wanted.iter().map(|content| (*content, blob_name(content))).collect();
        Links { places, store: Some(self.spec().clone()) }
    }
    fn bring(&self, wanted: &[Content<'_>], to: &Arc<Intake>) -> Result<(), DepotError> {
        let paths: HashMap<Digest, RelPath> = wanted.iter().map(|file| (file.sha256, place(&file.sha256))).collect();
        let placed: Vec<_> = wanted.iter().map(|file| Content { path: &paths[&file.sha256], ..*file }).collect();
        self.wait(self.fetch(&placed, to))
    }
    fn send(&self, content: &[Content<'_>], from: &Store) -> Result<(), DepotError> {
        let placed = |file: &Content<'_>| Placed { path: place(&file.sha256), sha256: file.sha256, mode: 0o644, size: file.size };
        let mut portion = Vec::new();
        for file in content {
            if portion.iter().map(|file: &Placed| file.size).sum::<u64>() + file.size > PORTION && !portion.is_empty() {
                self.take(std::mem::take(&mut portion), from)?;
            }
            portion.push(placed(file));
        }
        if portion.is_empty() { Ok(()) } else { self.take(portion, from) }
    }
}

fn place(digest: &Digest) -> RelPath {
    blob_name(digest).parse().expect("digits and a slash are a path")
}

/// A name that no other writer has.
fn own_name() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// A reply that must be good; the last line says why it is not.
fn good(reply: Reply) -> Result<Reply, DepotError> {
    match reply.status {
        0 => Ok(reply),
        status => Err(DepotError::Refused {
            why: reply.tail.last().cloned().unwrap_or_else(|| format!("it failed with status {status}")),
        }),
    }
}

/// Whether the content that was asked for is there.
fn lacks(reply: &Reply) -> Result<(), DepotError> {
    let named = reply.tail.last().and_then(|line| line.rsplit_once('/')?.1.parse().ok());
    match (reply.status, named) {
        (LACKS, Some(digest)) => Err(DepotError::Lacks { digest }),
        _ => good(reply.clone()).map(drop),
    }
}

fn digest(file: &Path) -> io::Result<Digest> {
    use sha2::Digest as _;
    let mut hash = sha2::Sha256::new();
    let mut file = File::open(file)?;
    let mut buffer = vec![0; BUFFER];
    loop {
        match io::Read::read(&mut file, &mut buffer)? {
            0 => return Ok(Digest::from_bytes(hash.finalize().into())),
            count => hash.update(&buffer[..count]),
        }
    }
}
