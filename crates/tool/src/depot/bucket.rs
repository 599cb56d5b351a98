//! A depot in a bucket of S3, or of a server that speaks its protocol.
//!
//! Objects appear whole or not at all, so nothing has to be renamed. What is large travels in parts, each of which is repeated by itself.

mod http;
mod keys;
#[cfg(test)]
mod tests;

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
    sync::Arc,
};

use edeliver_core::{
    config::S3Store,
    release::{Content, Digest},
};
use jiff::Timestamp;
use rusty_s3::{Bucket, S3Action as _, UrlStyle, actions};

use self::http::{Answer, Http};
use super::{Depot, DepotError, Item, blob_name};
use crate::{
    cancel::Cancel,
    report::Reporter,
    store::{Existing, Intake, Store, StoreError, parallel},
};

/// So much travels in one request, in bytes. Buckets take no parts under 5 MiB.
const PART: u64 = 8 << 20;
/// Requests at a time.
const AT_ONCE: usize = 8;

/// A bucket.
pub struct BucketDepot {
    store: S3Store,
    http: Http,
}

impl std::fmt::Debug for BucketDepot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BucketDepot").field("store", &self.store).finish_non_exhaustive()
    }
}

impl BucketDepot {
    /// The bucket of these settings, with keys from the environment or a file. Nothing is asked yet.
    ///
    /// # Errors
    /// There are no keys, or the endpoint can't be one.
    pub fn new(
        store: &S3Store,
        env: &dyn Fn(&str) -> Option<String>,
        cancel: Cancel,
        reporter: &Reporter,
    ) -> Result<Self, DepotError> {
        Self::at(store, env, cancel, reporter, Timestamp::now)
    }
    fn at(
        store: &S3Store,
        env: &dyn Fn(&str) -> Option<String>,
        cancel: Cancel,
        reporter: &Reporter,
        clock: fn() -> Timestamp,
    ) -> Result<Self, DepotError> {
        let keys = keys::find(store, env)?;
        let known = || env("AWS_REGION").or_else(|| env("AWS_DEFAULT_REGION")).filter(|region| !region.is_empty());
        let region = store.region.clone().or_else(known).unwrap_or_else(|| "us-east-1".to_owned());
        let endpoint = store.endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
        let style = if store.path_style { UrlStyle::Path } else { UrlStyle::VirtualHost };
        let wrong = |why: String| DepotError::Refused { why: format!("{endpoint}: {why}") };
        let url = endpoint.parse().map_err(|_| wrong("this is no address of a server".to_owned()))?;
        let bucket = Bucket::new(url, style, store.bucket.clone(), region).map_err(|error| wrong(error.to_string()))?;
        Ok(Self { store: store.clone(), http: Http::new(bucket, keys, cancel, reporter.clone(), clock) })
    }
    /// The key of a file.
    fn key(&self, path: &str) -> String {
        if self.store.prefix.is_empty() { path.to_owned() } else { format!("{}/{path}", self.store.prefix) }
    }
    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Result<Answer, DepotError> {
        let key = self.key(path);
        self.http.ask(&actions::GetObject::new(&self.http.bucket, Some(&self.http.keys), &key), headers, &[])
    }
    /// Gives a file to `to`, part by part; all parts are of the same one. `None`: it is not there.
    fn fetch(&self, path: &str, to: &mut dyn Write) -> Result<Option<()>, DepotError> {
        let (mut done, mut tag) = (0, String::new());
        loop {
            let range = format!("bytes={done}-{}", done + PART - 1);
            let same = [("range", range.as_str()), ("if-match", tag.as_str())];
            let answer = self.get(path, if done == 0 { &same[..1] } else { &same })?;
            match answer.status {
                404 if answer.code() != "NoSuchBucket" => return Ok(None),
                416 if done == 0 => return Ok(Some(())), // an empty one
                _ => {}
            }
            let answer = answer.good()?;
            to.write_all(&answer.body).map_err(|source| DepotError::Here { what: format!("can't write {path}"), source })?;
            done += answer.body.len() as u64;
            let total = answer.header("content-range").and_then(|range| range.rsplit_once('/')?.1.parse().ok()).unwrap_or(done);
            if answer.status == 200 || done >= total || answer.body.is_empty() {
                return Ok(Some(()));
            }
            tag = answer.header("etag").unwrap_or("*").to_owned();
        }
    }
    fn put(&self, path: &str, content: &[u8], headers: &[(&str, &str)]) -> Result<Answer, DepotError> {
        let key = self.key(path);
        self.http.ask(&actions::PutObject::new(&self.http.bucket, Some(&self.http.keys), &key), headers, content)
    }
    /// Puts a file of this size there.
    fn put_all(&self, path: &str, from: &mut dyn Read, size: u64) -> Result<(), DepotError> {
        let here = |source| DepotError::Here { what: format!("can't read what is to become {path}"), source };
        if size > PART {
            return self.put_parts(path, from, size);
        }
        let mut content = Vec::new();
        from.read_to_end(&mut content).map_err(here)?;
        self.put(path, &content, &[])?.good().map(drop)
    }
    fn put_parts(&self, path: &str, from: &mut dyn Read, size: u64) -> Result<(), DepotError> {
        let (bucket, keys, key) = (&self.http.bucket, Some(&self.http.keys), self.key(path));
        let begun = self.http.ask(&actions::CreateMultipartUpload::new(bucket, keys, &key), &[], &[])?.good()?;
        let wrong = |_| DepotError::Refused { why: "the server's answer is none of S3".to_owned() };
        let begun = actions::CreateMultipartUpload::parse_response(&begun.text()).map_err(wrong)?;
        let id = begun.upload_id();
        let sent = self.parts(&key, id, from, size);
        let done = sent.and_then(|tags| {
            let complete = actions::CompleteMultipartUpload::new(bucket, keys, &key, id, tags.iter().map(String::as_str));
            let body = complete.clone().body();
            let answer = self.http.ask(&complete, &[], body.as_bytes())?.good()?;
            // The status was sent before it was known.
            let code = answer.code();
            if code.is_empty() { Ok(()) } else { Err(DepotError::Refused { why: format!("the server says {code}") }) }
        });
        if done.is_err() {
            // Parts are kept, and paid for, until somebody says that they are not needed.
            drop(self.http.ask(&actions::AbortMultipartUpload::new(bucket, keys, &key, id), &[], &[]));
        }
        done
    }
    fn parts(&self, key: &str, id: &str, from: &mut dyn Read, size: u64) -> Result<Vec<String>, DepotError> {
        let mut tags = Vec::new();
        for number in 1..=u16::try_from(size.div_ceil(PART)).unwrap_or(u16::MAX) {
            let mut part = Vec::new();
            let read = from.take(PART).read_to_end(&mut part);
            read.map_err(|source| DepotError::Here { what: "can't read what is to be sent".to_owned(), source })?;
            let action = actions::UploadPart::new(&self.http.bucket, Some(&self.http.keys), key, number, id);
            let answer = self.http.ask(&action, &[], &part)?.good()?;
            tags.push(answer.header("etag").unwrap_or_default().to_owned());
        }
        Ok(tags)
    }
    /// All objects right in a folder.
    fn objects(&self, folder: &str) -> Result<Vec<(String, u64)>, DepotError> {
        let folder = if folder.is_empty() { folder.to_owned() } else { format!("{folder}/") };
        let prefix = self.key(&folder);
        let (mut found, mut next) = (Vec::new(), None);
        loop {
            let mut action = actions::ListObjectsV2::new(&self.http.bucket, Some(&self.http.keys));
            action.with_prefix(prefix.clone());
            action.with_delimiter("/");
            // Not all servers encode the `+` of versions in the way that they say they do; names of ours need no encoding.
            action.query_mut().remove("encoding-type");
            next.take().into_iter().for_each(|token: String| action.with_continuation_token(token));
            let answer = self.http.ask(&action, &[], &[])?.good()?;
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
            let mut action = actions::ListObjectsV2::new(&self.http.bucket, Some(&self.http.keys));
            action.with_max_keys(1);
            return self.http.ask(&action, &[], &[])?.good().map(|_| Vec::new());
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
    format!("store/blobs/{}", blob_name(digest))
}
