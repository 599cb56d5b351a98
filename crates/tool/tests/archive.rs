//! Classic archives of real releases, made by the tools that the original edeliver makes them with, read into a store and written again.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver::store::{Existing, Store};
use edeliver_core::{
    config::StoreSettings,
    release::{Digest, EntryKind, Manifest, ReleaseKind},
};
use edeliver_lab::samples;

fn run(command: &mut Command, dir: &Path) {
    let output = command.current_dir(dir).output().expect("the tool is installed");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stdout));
}

fn store(dir: &Path, app: &str) -> Store {
    let settings = StoreSettings { path: dir.to_owned(), archive: true };
    Store::open(&settings, &app.parse().expect("a name")).expect("a store")
}

/// What lies in a folder: mode and digest of files, targets of links.
fn tree(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut dirs = vec![root.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(dir).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below").to_str().expect("UTF-8").to_owned();
            let metadata = fs::symlink_metadata(&path).expect("metadata");
            if metadata.is_dir() {
                dirs.push(path);
            } else if metadata.is_symlink() {
                found.insert(name, format!("-> {}", fs::read_link(&path).expect("a link").display()));
            } else {
                let runs = metadata.permissions().mode() & 0o100 != 0;
                found.insert(name, format!("{runs} {}", Digest::of(&fs::read(&path).expect("a file"))));
            }
        }
    }
    found
}

/// The same of a manifest.
fn listed(manifest: &Manifest) -> BTreeMap<String, String> {
    let text = |kind: &EntryKind| match kind {
        EntryKind::File { mode, sha256, .. } => Some(format!("{} {sha256}", mode & 0o100 != 0)),
        EntryKind::Link { target } => Some(format!("-> {target}")),
        EntryKind::EmptyDir { .. } => None,
    };
    manifest.files.iter().filter_map(|entry| Some((entry.path.to_string(), text(&entry.kind)?))).collect()
}

/// Reads an archive of the release in this folder, writes it again from two stores, and unpacks that.
fn there_and_back(archive: &Path, release: &Path, kind: ReleaseKind) {
    let app = release.file_name().and_then(|name| name.to_str()).expect("a name");
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (one, two) = (store(&dir.path().join("one"), app), store(&dir.path().join("two"), app));
    let imported = one.import_archive(archive, Existing::Refuse).expect("an archive that can be read");
    let manifest = imported.manifest;
    assert_eq!((manifest.kind, manifest.version.as_str(), manifest.built_with.otp.as_str()), (kind, "0.1.0", otp().as_str()));
    assert_eq!((manifest.platform.os.as_str(), manifest.platform.arch.as_str()), ("linux", std::env::consts::ARCH));

    let mut wanted = tree(release);
    imported.left_out.iter().for_each(|path| drop(wanted.remove(path.as_str())));
    assert_eq!(listed(&manifest), wanted);

    let written = one.export_archive(&manifest).expect("an archive");
    let again = two.import_archive(&written, Existing::Refuse).expect("its own archive").manifest;
    assert_eq!(again.id(), manifest.id());
    let second = two.export_archive(&again).expect("an archive");
    assert!(fs::read(&written).expect("a file") == fs::read(second).expect("a file"), "the archives differ");

    let to = dir.path().join("unpacked");
    let root = if kind == ReleaseKind::Relx { to.clone() } else { to.join(app) };
    fs::create_dir_all(&root).expect("a folder");
    run(Command::new("tar").arg("-xzf").arg(written), &root);
    assert_eq!(tree(&to.join(app)), wanted);
}

/// The machine's OTP release.
fn otp() -> String {
    let mut erl = Command::new("erl");
    let output = erl.args(["-noshell", "-eval", "io:put_chars(erlang:system_info(otp_release)), halt()."]).output();
    String::from_utf8(output.expect("Erlang is installed").stdout).expect("a number")
}

/// Packs this part of a folder into a new archive, which goes with the folder given back.
fn packed(dir: &Path, what: &str) -> (PathBuf, tempfile::TempDir) {
    let to = tempfile::tempdir().expect("a temporary folder");
    let archive = to.path().join("made.tar.gz");
    run(Command::new("tar").arg("-czf").arg(&archive).arg(what), dir);
    (archive, to)
}

#[test]
fn archives_of_mix_releases_are_read_and_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let sample = samples::elixir(&dir.path().join("source"), "0.1.0").expect("the sample");
    let release = dir.path().join("hotapp");
    run(Command::new("mix").args(["release", "--quiet", "--path"]).arg(&release).env("MIX_ENV", "prod"), &sample.dir);
    // With the files on top, as distillery makes it; and as the original edeliver makes it of mix releases.
    there_and_back(&packed(&release, ".").0, &release, ReleaseKind::Mix);
    there_and_back(&packed(dir.path(), "hotapp").0, &release, ReleaseKind::Mix);
}

#[test]
fn archives_of_rebar3_releases_are_read_and_written() {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let sample = samples::erlang(&dir.path().join("relapp"), "0.1.0").expect("the sample");
    run(Command::new("rebar3").args(["as", "prod", "tar"]), &sample.dir);
    let releases = sample.dir.join("_build/prod/rel");
    let release = releases.join("relapp");
    there_and_back(&packed(&releases, "relapp").0, &release, ReleaseKind::Relx);
    // rebar3's own: it has no folder on top.
    let own = release.join("relapp-0.1.0.tar.gz");
    let store = store(&dir.path().join("store"), "relapp");
    let imported = store.import_archive(&own, Existing::Refuse).expect("an archive of rebar3").manifest;
    assert_eq!((imported.kind, imported.version.as_str()), (ReleaseKind::Relx, "0.1.0"));
    assert!(imported.entry("bin/relapp").is_some());
}
