//! Content that a host fetches by itself from where releases are published: it gets signed addresses, good for the time of the step, or what
//! sftp is to fetch with the host's own key; and no key.

use std::{convert::Infallible, time::Duration};

use edeliver_core::{
    release::Digest,
    step::{Placed, Stage},
};

use super::super::Contents;
use crate::{
    depot::{Links, sftp},
    store::blocking,
};

/// What is smaller is sent, in bytes: a request of its own takes a round trip, in which a slow link brings as much.
const WORTH_IT: u64 = 64 << 10;

/// What has a longer path is sent, in bytes: sftp reads lines of 2 KiB, in which every character may have become two.
const LONGEST: usize = 900;

/// The slowest that fetching may be, in bytes a second, all in all: sent, it comes sooner. That many more seconds are for the beginning.
const SLOWEST: (u64, u64) = (50_000, 30);

/// Where the host gets what is worth it, if the release was published in a place that hosts fetch from.
pub(super) async fn links(stage: &Stage, contents: &Contents) -> Links {
    let is_own =
        |file: &&Placed| file.size >= WORTH_IT && file.path.as_str().len() <= LONGEST && !contents.extra.contains_key(&file.sha256);
    let wanted: Vec<Digest> = stage.send.iter().filter(is_own).map(|file| file.sha256).collect();
    if wanted.is_empty() {
        return Links::default();
    }
    let (store, manifest, valid) = (contents.store.clone(), contents.manifest.clone(), stage.timeout);
    let lent = blocking(move || Ok::<_, Infallible>(store.links(&manifest, &wanted, valid)));
    lent.await.unwrap_or_default()
}

/// The list of these files for the program that fetches them, and its name in the archive. `patience`: for the whole step, so that there is
/// time to send what could not be fetched.
pub(super) fn fetches(links: &Links, files: &[&Placed], patience: Duration) -> (&'static str, Vec<u8>) {
    let bytes: u64 = files.iter().map(|file| file.size).sum();
    let most = (SLOWEST.1 + bytes / SLOWEST.0).min(patience.as_secs() / 2).max(1);
    let files = files.iter().map(|file| (file.path.as_str(), links.places[&file.sha256].as_str()));
    match &links.store {
        Some(store) => ("batch", sftp::batch(store, files, most).into_bytes()),
        None => ("fetch", curl(files, most).into_bytes()),
    }
}

/// The configuration of curl that fetches these files. No word of it stands on a command line. A place that is gone, that hangs
/// or that is slow is given up soon, because there is another way; what comes to nothing at once is tried again.
fn curl<'a>(files: impl Iterator<Item = (&'a str, &'a str)>, most: u64) -> String {
    let mut text = format!(
        "fail\nsilent\nshow-error\ngloboff\nconnect-timeout = 10\nretry = 2\nretry-max-time = 10\nspeed-limit = 1000\nspeed-time = 15\n\
         max-time = {most}\n"
    );
    for (path, url) in files {
        text.push_str(&format!("url = {}\noutput = {}\n", quoted(url), quoted(path)));
    }
    text
}

/// A value as curl reads it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_and_backslashes_is_one_name_for_curl() {
        let text = curl([("lib/a \"b\\c\"", "http://s/x?y=1&z=2")].into_iter(), 130);
        assert!(text.contains("\nmax-time = 130\n"), "{text}");
        assert!(text.ends_with("url = \"http://s/x?y=1&z=2\"\noutput = \"lib/a \\\"b\\\\c\\\"\"\n"), "{text}");
    }

    #[test]
    fn a_half_of_the_steps_time_is_left_for_sending() {
        let file = |size| Placed { path: "bin/a".parse().unwrap(), sha256: Digest::of(b""), mode: 0o644, size };
        let links = Links { places: [(Digest::of(b""), "http://s".to_owned())].into(), store: None };
        let most = |size, patience| {
            let (_, text) = fetches(&links, &[&file(size)], Duration::from_secs(patience));
            String::from_utf8(text).unwrap().lines().find_map(|line| line.strip_prefix("max-time = ").map(str::to_owned)).unwrap()
        };
        assert_eq!([most(5_000_000, 600), most(5_000_000_000, 600), most(1, 1)], ["130", "300", "1"]);
    }
}
