//! A depot in a bucket of S3, or of a server that speaks its protocol.
//!
//! Objects appear whole or not at all, so nothing has to be renamed. What is large travels in parts, each of which is repeated by itself.

mod http;
mod keys;
mod parts;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use edeliver_core::{
    config::S3Store,
    release::{Content, Digest},
};
use jiff::Timestamp;
use rusty_s3::{Bucket, S3Action as _, UrlStyle, actions};

use self::http::{Answer, Http};
use super::{BLOBS, Depot, DepotError, Item, Links, blob_name};
use crate::{
    cancel::Cancel,
    report::Reporter,
    store::{Existing, Intake, Store, StoreError, parallel},
};

/// The longest that a signature can be good for.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// Requests at a time.
const AT_ONCE: usize = 8;

/// Asks for an environment variable.
pub type Env = Box<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// A bucket. Keys are looked for when they are first needed: much can be done without.
pub struct BucketDepot {
    store: S3Store,
    env: Env,
    cancel: Cancel,
    reporter: Reporter,
    clock: fn() -> Timestamp,
    http: OnceLock<Http>,
}

impl std::fmt::Debug for BucketDepot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketDepot").field("store", &self.store).finish_non_exhaustive()
    }
}

impl BucketDepot {
    /// The bucket of these settings, with keys from the environment or a file.
    pub fn new(store: S3Store, env: Env, cancel: Cancel, reporter: &Reporter) -> Self {
        Self { store, env, cancel, reporter: reporter.clone(), clock: Timestamp::now, http: OnceLock::new() }
    }
    fn http(&self) -> Result<&Http, DepotError> {
        match self.http.get() {
            Some(http) => Ok(http),
            None => self.open().map(|http| self.http.get_or_init(|| http)),
        }
    }
    fn open(&self) -> Result<Http, DepotError> {
        let Self { store, env, .. } = self;
        let keys = keys::find(store, env)?;
        let known = || env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION")).filter(|region| !region.is_empty());
        let region = store.region.clone().or_else(known).unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = store.endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let style = if store.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let wrong = |why: String| DepotError::Refused { why: format!("{endpoint}: {why}") };
        let url = endpoint.parse().map_err(|_| wrong("this is no address of a server".to_owned()))?;
        let bucket = Bucket::new(url, style, store.bucket.clone(), region).map_err(|error| wrong(error.to_string()))?;
        Ok(Http::new(bucket, keys, self.cancel.clone(), self.reporter.clone(), self.clock))
    }
    /// The key of a file.
    fn key(&self, path: &str) -> String {
        if self.store.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.store.prefix) }
    }
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, DepotError> {
        let (http, key) = (self.http()?, self.key(path));
        http.ask(&actions::GetObject::new(&http.bucket, Some(&http.keys), &key), headers, &[])
    }
    fn put(&self, path: &str, content: &[u8], headers: &[(&str, &str)]) -> Result<Answer, DepotError> {
        let (http, key) = (self.http()?, self.key(path));
        http.ask(&actions::PutObject::new(&http.bucket, Some(&http.keys), &key), headers, content)
    }
    /// All objects right in a folder.
    fn objects(&self, folder: &str) -> Result<Vec<(String, u64)>, DepotError> {
        let folder = if folder.is_empty() { folder.to_owned() } else { format!("{folder}/") };
        let prefix = self.key(&folder);
        let http = self.http()?;
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let mut action = actions::ListObjectsV2::new(&http.bucket, Some(&http.keys));
            action.with_prefix(prefix.clone());
            action.with_delimiter("/");
            // Not all servers encode the `+` of versions in the way that they say they do; names of ours need no encoding.
            action.query_mut().remove("encoding-type");
            next.take().into_iter().for_each(|token: String| action.with_continuation_token(token));
            let answer = http.ask(&action, &[], &[])?.good()?;
            let wrong = |_| DepotError::Refused { why: "the server's answer is no list of S3".to_owned() };
            let list = actions::ListObjectsV2::parse_response(&answer.text()).map_err(wrong)?;
            let name =
                |key: &str| key.strip_prefix(&prefix).filter(|name| !name.is_empty() && !name.contains('/')).map(str::to_owned);
            found.extend(list.contents.iter().filter_map(|object| Some((name(&object.key)?, object.size?))));
            next = list.next_continuation_token;
            if next.is_none() {
                return Ok(found);
            }
        }
    }
    fn bring_one(&self, digest: Digest, to: &Intake) -> Result<(), DepotError> {
        let mut blob = to.writer(Some(digest)).map_err(Box::new)?;
        match self.fetch(&blob_path(&digest), &mut blob)? {
            None => Err(DepotError::Lacks { digest }),
            Some(()) => match blob.finish() {
                Err(StoreError::Wrong { expected, .. }) => Err(DepotError::Damaged { digest: expected }),
                finished => Ok(finished.map(drop).map_err(Box::new)?),
            },
        }
    }
}

impl Depot for BucketDepot {
    fn title(&self) -> String {
        self.store.address()
    }
    fn list(&self, folders: &[&str]) -> Result<Vec<Item>, DepotError> {
        // Whoever asks for no folder wants to know whether the bucket is there.
        if folders.is_empty() {
            let http = self.http()?;
            let mut action = actions::ListObjectsV2::new(&http.bucket, Some(&http.keys));
            action.with_max_keys(1);
            return http.ask(&action, &[], &[])?.good().map(|_| Vec::new());
        }
        let listed = parallel::map(AT_ONCE, folders, |folder| {
            let item = |(name, size)| Item { folder: (*folder).to_owned(), name, size };
            Ok(self.objects(folder)?.into_iter().map(item).collect::<Vec<_>>())
        });
        Ok(listed.into_iter().collect::<Result<Vec<_>, DepotError>>()?.concat())
    }
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, DepotError> {
        let mut content = Vec::new();
        Ok(self.fetch(path, &mut content)?.map(|()| content))
    }
    fn download(&self, path: &str, to: &Path) -> Result<bool, DepotError> {
        let here = |source| DepotError::Here { what: format!("can't write {}", to.display()), source };
        let mut file = File::create(to).map_err(here)?;
        Ok(self.fetch(path, &mut file)?.is_some())
    }
    fn write(&self, path: &str, content: &[u8], existing: Existing) -> Result<(), DepotError> {
        if existing == Existing::Replace {
            return self.put(path, content, &[])?.good().map(drop);
        }
        let unless_there = |there: Option<Vec<u8>>| match there {
            Some(there) if there == content => Ok(true),
            Some(_) => Err(DepotError::Taken { path: path.to_owned() }),
            None => Ok(false),
        };
        if unless_there(self.read(path)?)? {
            return Ok(());
        }
        // Between two writers the server decides, if it is able to.
        let answer = match self.put(path, content, &[("if-none-match", "*")])? {
            answer if answer.status == 501 => self.put(path, content, &[])?,
            answer => answer,
        };
        match answer.status {
            409 | 412 => unless_there(self.read(path)?).map(drop),
            _ => answer.good().map(drop),
        }
    }
    fn upload(&self, from: &Path, path: &str) -> Result<(), DepotError> {
        let here = |source| DepotError::Here { what: format!("can't read {}", from.display()), source };
        let size = |file: &mut File| -> io::Result<u64> {
            let size = file.seek(SeekFrom::End(0))?;
            file.rewind()?;
            Ok(size)
        };
        let mut file = File::open(from).map_err(here)?;
        let size = size(&mut file).map_err(here)?;
        self.put_all(path, &mut file, size)
    }
    fn lacking(&self, wanted: &[Digest]) -> Result<Vec<Digest>, DepotError> {
        let folder = |digest: &Digest| blob_path(digest).rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
        let folders: std::collections::BTreeSet<String> = wanted.iter().map(folder).collect();
        let items = self.list(&folders.iter().map(String::as_str).collect::<Vec<_>>())?;
        let there: std::collections::HashSet<Digest> = items.iter().filter_map(|item| item.name.parse().ok()).collect();
        Ok(wanted.iter().filter(|digest| !there.contains(digest)).copied().collect())
    }
    fn links(&self, wanted: &[Digest], valid: Duration) -> Links {
        let Some(http) = self.store.hosts_fetch.then(|| self.http().ok()).flatten() else { return Links::default() };
        let sign = |key: &str| http.sign(&actions::GetObject::new(&http.bucket, Some(&http.keys), key), valid.min(LONGEST));
        let places = wanted.iter().map(|content| (*content, sign(&self.key(&blob_path(content))))).collect();
        Links { places, store: None }
    }
    fn bring(&self, wanted: &[Content<'_>], to: &Arc<Intake>) -> Result<(), DepotError> {
        let brought = parallel::map(AT_ONCE, wanted, |file| self.bring_one(file.sha256, to));
        to.commit().map_err(Box::new)?;
        brought.into_iter().collect()
    }
    fn send(&self, content: &[Content<'_>], from: &Store) -> Result<(), DepotError> {
        let send = |file: &Content<'_>| {
            let mut blob = from.open_blob(&file.sha256).map_err(Box::new)?;
            self.put_all(&blob_path(&file.sha256), &mut blob, file.size)
        };
        parallel::map(AT_ONCE, content, send).into_iter().collect()
    }
}

fn blob_path(digest: &Digest) -> String {
    format!("{BLOBS}/{}", blob_name(digest))
}
