use std::{fs, path::PathBuf, time::Instant};

use edeliver_core::release::{About, BuiltWith, Entry, EntryKind, Platform, ReleaseKind};
use tempfile::TempDir;

use super::*;
use crate::{error::Error, store::samples};

/// A release of `demo` in the store.
fn release(store: &Store, version: &str, files: &[(String, Vec<u8>)]) -> Manifest {
    let intake = store.intake().unwrap();
    let entry = |(path, content): &(String, Vec<u8>)| Entry {
        path: path.parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: content.len() as u64, sha256: intake.put(content).unwrap() },
    };
    let built_with = BuiltWith { otp: "25".into(), erts: Some("13.1.5".into()), elixir: None };
    let (app, version) = ("demo".parse().unwrap(), version.parse().unwrap());
    let about = About { app, version, kind: ReleaseKind::Mix, commit: None, built_with, platform: Platform::anywhere() };
    let manifest = Manifest::new(about, files.iter().map(entry).collect()).unwrap();
    intake.commit().unwrap();
    manifest
}

/// The modules of OTP and Elixir on this machine, application by application.
fn installed() -> Vec<(String, Vec<PathBuf>)> {
    let list = |dir: &str| fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).collect::<Vec<_>>();
    let apps = ["/usr/lib/erlang/lib", "/usr/lib/elixir/lib"].into_iter().flat_map(list);
    let mut apps: Vec<(String, Vec<PathBuf>)> = apps
        .map(|app| {
            let name = app.file_name().unwrap().to_str().unwrap().split('-').next().unwrap().to_owned();
            let files = list(app.join("ebin").to_str().unwrap()).into_iter();
            (name, files.filter(|file| file.extension().is_some_and(|kind| kind == "beam")).collect())
        })
        .collect();
    apps.sort();
    apps
}

/// A release of these applications. What follows a module's end is passed over, so `mark` gives every file another content.
fn large(version: &str, apps: &[(String, Vec<PathBuf>)], mark: &[u8]) -> Vec<(String, Vec<u8>)> {
    let listed: Vec<String> = apps.iter().map(|(app, _)| format!("{{{app},\"1\"}}")).collect();
    let rel = format!("{{release,{{\"demo\",\"{version}\"}},{{erts,\"13.1.5\"}},[{}]}}.", listed.join(","));
    let mut files = vec![(format!("releases/{version}/demo.rel"), rel.into_bytes())];
    for (app, modules) in apps {
        files.push((format!("lib/{app}-1/ebin/{app}.app"), format!("{{application,{app},[{{vsn,\"1\"}}]}}.").into_bytes()));
        files.extend(modules.iter().map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            (format!("lib/{app}-1/ebin/{name}"), [&fs::read(path).unwrap()[..], mark].concat())
        }));
    }
    files
}

/// A plan looks at two releases with some thousand modules, none of them the same file.
#[test]
fn two_releases_of_a_thousand_modules_each_are_compared_in_less_than_a_second() {
    let (store, _dir): (Store, TempDir) = samples::store();
    let mut left = 1000;
    let mut apps = installed();
    for (_, modules) in &mut apps {
        modules.truncate(left);
        left -= modules.len();
    }
    let (before, after) = (release(&store, "1", &large("1", &apps, b"")), release(&store, "2", &large("2", &apps, b"2")));
    let start = Instant::now();
    let changes = changes(&store, &before, &after).unwrap();
    let took = start.elapsed();
    println!("{} files of two releases took {took:?}", before.files.len() + after.files.len());
    assert!(left == 0 && changes.apps.is_empty(), "the same code in other files");
    // Without optimisation, and beside other tests, it is many times slower.
    assert!(took.as_secs() < if cfg!(debug_assertions) { 60 } else { 2 }, "{took:?}");
}

#[test]
fn a_file_that_can_not_be_used_is_named_with_its_release() {
    let (store, _dir) = samples::store();
    let apps = [("demo".to_owned(), Vec::new())];
    let whole = large("1", &apps, b"");
    let before = release(&store, "1", &whole);
    let mut bad = large("2", &apps, b"");
    bad.push(("lib/demo-1/ebin/demo.beam".to_owned(), b"FOR1 and nothing".to_vec()));
    let after = release(&store, "2", &bad);
    let told = Error::from(changes(&store, &before, &after).unwrap_err());
    let told: Vec<String> = std::iter::successors(Some(&told as &dyn std::error::Error), |error| error.source())
        .map(|error| error.to_string())
        .collect();
    assert_eq!(told, ["demo 2 can't be read", "lib/demo-1/ebin/demo.beam can't be used", "not a BEAM file"]);
}

#[test]
fn content_that_was_changed_in_the_store_is_never_taken_for_code() {
    let (store, _dir) = samples::store();
    let apps: Vec<_> = installed().into_iter().filter(|(app, _)| app == "eex").collect();
    let manifest = release(&store, "1", &large("1", &apps, b""));
    let file = manifest.contents().find(|file| file.path.as_str().ends_with(".beam")).unwrap();
    samples::damage(&store, &file.sha256);
    let error = changes(&store, &manifest, &manifest).unwrap_err();
    assert!(
        matches!(&*error.source, image::ImageError::Read { path, source: StoreError::Damaged { .. } } if path == file.path.as_str())
    );
}
