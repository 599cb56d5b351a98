//! The archive that stage.sh unpacks: lists for the script, and what travels of the release.

use std::collections::BTreeSet;

use edeliver_core::{
    name::Version,
    release::{Digest, RelPath},
    step::{Copied, Linked, Placed, Stage},
};

use super::{
    super::{Contents, StepError},
    lend::fetches,
    mend::Mending,
};
use crate::{depot::Links, transfer::Load};

/// Where the archive has the files of the release.
const NEW: &str = "new";

/// Where the script finds the manifest, from there.
const MANIFEST: &str = "../manifest";

/// What is sent.
pub(super) struct Sent<'a> {
    pub(super) load: Load,
    /// The version whose manifest, which the host has, is mended to this one's.
    pub(super) mends: Option<&'a Version>,
}

/// Everything that is sent to stage a release. `mending`: what makes the manifest of one that the host has. `links`: what it fetches by itself.
pub(super) fn load<'a>(
    stage: &Stage,
    contents: &Contents,
    mending: Option<&'a Mending>,
    links: &Links,
) -> Result<Sent<'a>, StepError> {
    let mut load = Load { extra: contents.extra.clone(), ..Load::default() };
    let (fetched, sent): (Vec<_>, Vec<_>) = stage.send.iter().partition(|file| links.places.contains_key(&file.sha256));
    load.empty_dirs = directories(stage, &fetched).iter().map(|dir| below_new(dir)).collect::<Result<_, _>>()?;
    // The manifest last: with it the lists are complete.
    add(&mut load, "copies", copies(stage, &fetched));
    add(&mut load, "sums", sums(stage));
    add(&mut load, "place", places(stage));
    add(&mut load, "dirs", list(&stage.dirs, RelPath::to_string));
    let (name, text, mends) = match mending {
        Some(mending) => ("mend", mending.lines.clone(), Some(&mending.version)),
        None => ("manifest", contents.manifest.to_json(), None),
    };
    add(&mut load, name, text);
    if !fetched.is_empty() {
        let (name, list) = fetches(links, &fetched, stage.timeout);
        add(&mut load, name, list);
    }
    for file in sent {
        load.files.push(Placed { path: below_new(file.path.as_str())?, ..file.clone() });
    }
    for link in &stage.links {
        load.links.push(Linked { path: below_new(link.path.as_str())?, target: link.target.clone() });
    }
    Ok(Sent { load, mends })
}

/// Adds a file that exists here only.
fn add(load: &mut Load, name: &str, content: Vec<u8>) {
    let (sha256, size) = (Digest::of(&content), content.len() as u64);
    let path = name.parse().expect("the names of the lists are paths");
    load.files.push(Placed { path, sha256, mode: 0o644, size });
    load.extra.insert(sha256, content.into());
}

/// A path below the archive's folder for the release. A path of a release may be so long that it is none any more there.
fn below_new(path: &str) -> Result<RelPath, StepError> {
    format!("{NEW}/{path}").parse().map_err(|_| StepError::Misplanned)
}

fn list<T>(items: &[T], line: impl Fn(&T) -> String) -> Vec<u8> {
    items.iter().map(|item| line(item) + "\n").collect::<String>().into_bytes()
}

/// What must be there before files are fetched, copies made and directories placed.
fn directories<'a>(stage: &'a Stage, fetched: &[&'a Placed]) -> BTreeSet<&'a str> {
    let fetched = fetched.iter().map(|file| file.path.as_str());
    let copies = stage.copy.iter().chain(&stage.twins).map(|copy| copy.to.path.as_str()).chain(fetched);
    let above = copies.filter_map(|path| path.rsplit_once('/')).map(|(dir, _)| dir);
    let placed = stage.place.iter().map(|place| place.dir.as_str());
    above.chain(placed).chain(stage.empty_dirs.iter().map(RelPath::as_str)).collect()
}

fn copied(stage: &Stage) -> impl Iterator<Item = &Placed> {
    stage.copy.iter().chain(&stage.twins).map(|copy: &Copied| &copy.to)
}

/// What is not in the archive, with its mode and where it comes from: nothing, if it is fetched. Sorted, so that what has one mode, and what goes
/// to one directory, stands together.
fn copies(stage: &Stage, fetched: &[&Placed]) -> Vec<u8> {
    let line = |from: String, file: &Placed| (format!("{:o}", file.mode & 0o777), file.path.clone(), from);
    let copied = stage.copy.iter().map(|copy| line(copy.from.to_string(), &copy.to));
    let twins = stage.twins.iter().map(|copy| line(format!("/{}", copy.from), &copy.to));
    let mut lines: Vec<_> = copied.chain(twins).chain(fetched.iter().map(|file| line(String::new(), file))).collect();
    lines.sort_unstable();
    list(&lines, |(mode, path, from)| format!("{mode}\t{from}\t{path}"))
}

/// In the form and order that the script's digests are in.
fn sums(stage: &Stage) -> Vec<u8> {
    let files = stage.send.iter().chain(copied(stage)).map(|file| format!("{} *./{}", file.sha256, file.path));
    let mut lines: Vec<String> = files.chain([format!("{} *{MANIFEST}", stage.manifest)]).collect();
    lines.sort_unstable();
    list(&lines, String::clone)
}

fn places(stage: &Stage) -> Vec<u8> {
    list(&stage.place, |place| {
        let how = if place.replaces_leftover { "replace" } else { "new" };
        format!("{how}\t{}", place.dir)
    })
}
