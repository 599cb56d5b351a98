//! Content that a host fetches by itself from where releases are published: it gets signed addresses, good for the time of the step, and
//! no key.

use std::collections::HashMap;

use edeliver_core::{
    release::{Digest, RelPath},
    step::{Placed, Stage},
};

use super::super::Contents;
use crate::store::blocking;

/// What is smaller is sent, in bytes: a request of its own takes a round trip, in which a slow link brings as much.
const WORTH_IT: u64 = 64 << 10;

/// The slowest that fetching may be, in bytes a second, all in all: sent, it comes sooner. That many more seconds are for the beginning.
const SLOWEST: (u64, u64) = (50_000, 30);

/// Addresses of content, by its digest; empty where nothing is to be fetched.
pub(super) type Links = HashMap<Digest, String>;

/// The addresses of what is worth it, where the release was published in a place that has addresses.
pub(super) async fn links(stage: &Stage, contents: &Contents) -> Links {
    let is_own = |file: &&Placed| file.size >= WORTH_IT && !contents.extra.contains_key(&file.sha256);
    let wanted: Vec<Digest> = stage.send.iter().filter(is_own).map(|file| file.sha256).collect();
    if wanted.is_empty() {
        return Links::new();
    }
    let (store, manifest, valid) = (contents.store.clone(), contents.manifest.clone(), stage.timeout);
    let lent = blocking(move || Ok::<_, std::convert::Infallible>(store.links(&manifest, &wanted, valid)));
    lent.await.unwrap_or_default()
}

/// The configuration of curl that fetches these files, so many bytes. No word of it stands on a command line. A place that is gone, that hangs
/// or that is slow is given up soon, because there is another way; what comes to nothing at once is tried again.
pub(super) fn fetches<'a>(files: impl Iterator<Item = (&'a RelPath, &'a str)>, bytes: u64) -> Vec<u8> {
    let most = SLOWEST.1 + bytes / SLOWEST.0;
    let mut text = format!(
        "fail\nsilent\nshow-error\ngloboff\nconnect-timeout = 10\nretry = 2\nretry-max-time = 10\nspeed-limit = 1000\nspeed-time = 15\n\
         max-time = {most}\n"
    );
    for (path, url) in files {
        text.push_str(&format!("url = {}\noutput = {}\n", quoted(url), quoted(path.as_str())));
    }
    text.into_bytes()
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
        let path: RelPath = "lib/a \"b\\c\"".parse().unwrap();
        let text = String::from_utf8(fetches([(&path, "http://s/x?y=1&z=2")].into_iter(), 5_000_000)).unwrap();
        assert!(text.contains("\nmax-time = 130\n"), "{text}");
        assert!(text.ends_with("url = \"http://s/x?y=1&z=2\"\noutput = \"lib/a \\\"b\\\\c\\\"\"\n"), "{text}");
    }
}
