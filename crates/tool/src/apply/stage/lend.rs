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

/// The configuration of curl that fetches these files. No word of it stands on a command line.
pub(super) fn fetches<'a>(files: impl Iterator<Item = (&'a RelPath, &'a str)>) -> Vec<u8> {
    let mut text = "fail\nsilent\nshow-error\ngloboff\nretry = 2\nspeed-limit = 1\nspeed-time = 60\n".to_owned();
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
        let text = String::from_utf8(fetches([(&path, "http://s/x?y=1&z=2")].into_iter())).unwrap();
        assert!(text.ends_with("url = \"http://s/x?y=1&z=2\"\noutput = \"lib/a \\\"b\\\\c\\\"\"\n"), "{text}");
    }
}
