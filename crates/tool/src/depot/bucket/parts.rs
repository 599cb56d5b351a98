//! Files of any size: what is large travels in parts.

use std::io::{Read, Write};

use rusty_s3::actions;

use super::BucketDepot;
use crate::depot::DepotError;

/// So much travels in one request, in bytes. Buckets take no parts under 5 MiB.
pub(super) const PART: u64 = 8 << 20;

impl BucketDepot {
    /// Gives a file to `to`, part by part; all parts are of the same one. `None`: it is not there.
    pub(super) fn fetch(&self, path: &str, to: &mut dyn Write) -> Result<Option<()>, DepotError> {
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
    /// Puts a file of this size there.
    pub(super) fn put_all(&self, path: &str, from: &mut dyn Read, size: u64) -> Result<(), DepotError> {
        let here = |source| DepotError::Here { what: format!("can't read what is to become {path}"), source };
        if size > PART {
            return self.put_parts(path, from, size);
        }
        let mut content = Vec::new();
        from.read_to_end(&mut content).map_err(here)?;
        self.put(path, &content, &[])?.good().map(drop)
    }
    fn put_parts(&self, path: &str, from: &mut dyn Read, size: u64) -> Result<(), DepotError> {
        let (http, key) = (self.http()?, self.key(path));
        let (bucket, keys) = (&http.bucket, Some(&http.keys));
        let begun = http.ask(&actions::CreateMultipartUpload::new(bucket, keys, &key), &[], &[])?.good()?;
        let wrong = |_| DepotError::Refused { why: "the server's answer is none of S3".to_owned() };
        let begun = actions::CreateMultipartUpload::parse_response(&begun.text()).map_err(wrong)?;
        let id = begun.upload_id();
        let sent = self.parts(&key, id, from, size);
        let done = sent.and_then(|tags| {
            let complete = actions::CompleteMultipartUpload::new(bucket, keys, &key, id, tags.iter().map(String::as_str));
            let body = complete.clone().body();
            let answer = http.ask(&complete, &[], body.as_bytes())?.good()?;
            // The status was sent before it was known.
            let code = answer.code();
            if code.is_empty() { Ok(()) } else { Err(DepotError::Refused { why: format!("the server says {code}") }) }
        });
        if done.is_err() {
            // Parts are kept, and paid for, until somebody says that they are not needed.
            drop(http.ask(&actions::AbortMultipartUpload::new(bucket, keys, &key, id), &[], &[]));
        }
        done
    }
    fn parts(&self, key: &str, id: &str, from: &mut dyn Read, size: u64) -> Result<Vec<String>, DepotError> {
        let http = self.http()?;
        let mut tags = Vec::new();
        for number in 1..=u16::try_from(size.div_ceil(PART)).unwrap_or(u16::MAX) {
            let mut part = Vec::new();
            let read = from.take(PART).read_to_end(&mut part);
            read.map_err(|source| DepotError::Here { what: "can't read what is to be sent".to_owned(), source })?;
            let action = actions::UploadPart::new(&http.bucket, Some(&http.keys), key, number, id);
            let answer = http.ask(&action, &[], &part)?.good()?;
            tags.push(answer.header("etag").unwrap_or_default().to_owned());
        }
        Ok(tags)
    }
}
