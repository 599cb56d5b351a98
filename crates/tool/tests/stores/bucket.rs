//! A store in S3.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{
    program::{Done, done},
    scene::Checkout,
    server::{KEY, SECRET, Server},
};

fn checkout(server: &Server) -> Checkout {
    checkout_with("", server)
}

/// With these lines before the bucket's.
fn checkout_with(lines: &str, server: &Server) -> Checkout {
    let table = format!(
        "{lines}[store.s3]\nbucket = \"releases\"\nprefix = \"team/demo\"\nendpoint = {:?}\ncredentials = \"keys\"\n",
        server.endpoint()
    );
    let checkout = Checkout::new(&table);
    checkout.program.write("keys", &format!("[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"));
    checkout
}

/// Nothing that could be used to get at the bucket.
#[track_caller]
fn assert_no_secret(text: &str) {
    for secret in [KEY, SECRET, "X-Amz-Signature", "X-Amz-Credential"] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn what_one_checkout_publishes_to_a_bucket_another_deploys_and_no_secret_is_told() {
    let server = Server::start();
    let (here, there) = (checkout(&server), checkout(&server));
    let mut told = String::new();
    for version in ["1.0.0+7-abc", "1.1.0"] {
        here.has(version, version);
        told += &here.ok(&format!("upload release {version} --debug"));
    }
    let listed = there.ok("show releases --debug");
    assert!(listed.contains("1.0.0+7-abc") && listed.contains("1.1.0"), "{listed}");
    told += &there.ok("deploy release --version=1.0.0+7-abc --debug");
    assert_eq!(there.deployed("lib/demo-1.0.0+7-abc/ebin/demo.beam"), "1.0.0+7-abc");
    let next = there.ok("deploy release --version=1.1.0 --json");
    assert!(next.contains("in 3 files"), "{next}");
    there.ok("download release 1.1.0");
    assert!(fs::metadata(there.path("demo_1.1.0.release.tar.gz")).unwrap().len() > 0);
    for journal in fs::read_dir(there.path(".deliver/runs")).unwrap() {
        told += &fs::read_to_string(journal.unwrap().path()).unwrap();
    }
    assert_no_secret(&(told + &listed + &next));
}

#[test]
fn wrong_keys_and_a_server_that_is_gone_stop_before_anything_is_changed() {
    let mut server = Server::start();
    let here = checkout(&server);
    here.has("1.0.0", "first");
    here.program.write("keys", "[default]\naws_access_key_id = AKIDEXAMPLE\naws_secret_access_key = wrong-one\n");
    let told = here.ends_with(6, "upload release 1.0.0");
    assert!(told.contains("s3://releases/team/demo") && told.contains("refuses the keys (SignatureDoesNotMatch)"), "{told}");
    assert_no_secret(&told);
    assert!(!told.contains("wrong-one"), "{told}");
    here.program.write("keys", "[other]\n");
    let told = here.ends_with(3, "show releases");
    assert!(told.contains("there are no keys for it") && told.contains("AWS_ACCESS_KEY_ID"), "{told}");
    let told = here.ends_with(4, "doctor");
    assert!(told.contains("store elsewhere") && told.contains("there are no keys for it"), "{told}");
    let told = here.ends_with(8, "version");
    assert!(!told.contains("keys"), "what needs no store needs no keys: {told}");
    server.stop();
    let gone = checkout(&server);
    let told = gone.ends_with(6, "show releases");
    assert!(told.contains("can't be reached"), "{told}");
    assert_no_secret(&told);
}

#[test]
fn the_address_of_edeliver_1_x_is_read_with_a_warning_and_its_archives_are_found() {
    let server = Server::start();
    let origin = Checkout::new("");
    let archive = origin.store().export_archive(&origin.has("1.0.0", "of old")).unwrap();
    fs::copy(archive, server.bucket().join("demo_1.0.0.release.tar.gz")).unwrap();
    let classic = Checkout::new("");
    fs::remove_file(classic.path("edeliver.toml")).unwrap();
    let config =
        format!("APP=demo\nRELEASE_STORE=s3://{KEY}@{SECRET}:releases\nSTAGING_HOSTS=one\nSTAGING_USER=me\nDELIVER_TO=/srv\n");
    classic.program.write(".deliver/config", &config);
    let run = |words: &[&str]| {
        let mut command = classic.program.command(env!("CARGO_BIN_EXE_edeliver"));
        done(command.env("EDELIVER_STORE_S3_ENDPOINT", server.endpoint()).args(words).output().unwrap())
    };
    let listed = run(&["show", "releases"]);
    assert!(listed.out.contains("1.0.0"), "{}{}", listed.err, listed.out);
    assert!(listed.err.contains("RELEASE_STORE has keys in it"), "{}", listed.err);
    let shown = run(&["config", "show"]);
    let imported = run(&["config", "import", "--stdout"]);
    assert_no_secret(&(listed.out + &listed.err + &shown.out + &shown.err + &imported.out + &imported.err));
}

/// Deploys with this `curl` in front of the host's own.
fn deploy_with_curl(checkout: &Checkout, script: &str) -> Done {
    checkout.program.write("bin/curl", &format!("#!/bin/sh\n{script}\n"));
    fs::set_permissions(checkout.path("bin/curl"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", checkout.path("bin").display(), std::env::var("PATH").unwrap());
    let mut command = checkout.program.command(env!("CARGO_BIN_EXE_edeliver"));
    let told = done(command.env("PATH", path).args(["deploy", "release", "--version=1.0.0", "--debug"]).output().unwrap());
    assert_eq!(told.code, 0, "{}{}", told.err, told.out);
    told
}

#[test]
fn a_host_fetches_what_is_large_by_itself_and_holds_no_key() {
    let server = Server::start();
    let here = checkout(&server);
    let large = "large ".repeat(100_000);
    here.has("1.0.0", &large);
    here.ok("upload release 1.0.0");
    let script = format!("echo \"$@\" >>{:?}; exec /usr/bin/curl \"$@\"", here.path("called").display());
    let told = deploy_with_curl(&here, &script);
    assert!(told.err.contains("the host fetched 600 KB by itself"), "{}", told.err);
    assert_eq!(here.deployed("lib/demo-1.0.0/ebin/demo.beam"), large);
    let called = fs::read_to_string(here.path("called")).unwrap();
    assert!(called.contains("--config"), "{called}");
    let mut kept = told.err + &told.out + &called;
    for file in walk(&here.path("hosts")).into_iter().chain(walk(&here.path(".deliver/runs"))) {
        kept += &String::from_utf8_lossy(&fs::read(file).unwrap());
    }
    assert_no_secret(&kept);
}

#[test]
fn a_host_that_can_not_fetch_or_fetches_something_else_is_sent_the_release() {
    let server = Server::start();
    let failing = "case $* in *--config*) echo 'curl: (6) Could not resolve host' >&2; exit 6 ;; esac";
    let lying = "config=; for word; do config=$word; done; case $* in *--config*) sed -n 's/^output = \"\\(.*\\)\"/\\1/p' \"$config\" | \
                 while read -r file; do echo wrong >\"$file\"; done ;; esac";
    for (script, said) in [(failing, "(curl: (6) Could not resolve host): it is sent"), (lying, "ran stage: status 42")] {
        let here = checkout(&server);
        let large = "other ".repeat(100_000);
        here.has("1.0.0", &large);
        here.ok("upload release 1.0.0");
        let told = deploy_with_curl(&here, script);
        assert!(told.err.contains(said) && !told.err.contains("by itself,"), "{}", told.err);
        assert_eq!(here.deployed("lib/demo-1.0.0/ebin/demo.beam"), large);
    }
}

#[test]
fn a_host_that_shall_not_fetch_does_not_try() {
    let server = Server::start();
    let here = checkout_with("[store]\nhosts_fetch = false\n", &server);
    here.has("1.0.0", &"large ".repeat(100_000));
    here.ok("upload release 1.0.0");
    let told = deploy_with_curl(&here, "exit 6");
    assert!(told.err.contains("in 27 files") && !told.err.contains("by itself"), "{}", told.err);
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}
