//! What `inventory` finds in a release root.

use std::{fs, path::Path, process::Command, sync::Arc};

use edeliver::{
    inventory::{self, Question},
    node::Place,
    transport::{Limits, Local, Transport},
};
use edeliver_core::{
    config::{HostSpec, TransportKind},
    facts::{NodeState, Seen},
    release::{About, BuiltWith, Digest, Entry, EntryKind, Libc, Manifest, Platform, ReleaseKind},
};

use crate::{
    release::{Kind, Running, first},
    shells,
};

fn question(app: &str) -> Question {
    Question { app: app.parse().unwrap(), known: Arc::new(|_, _| None) }
}

async fn seen(host: &Local, place: &Place) -> Seen {
    inventory::ask(host, place, &question(place.app.as_str())).await.unwrap()
}

fn digest(path: &Path) -> Digest {
    Digest::of(&fs::read(path).unwrap())
}

#[tokio::test]
async fn a_root_that_does_not_exist_is_a_place_to_deploy_to() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("new here/app").to_str().unwrap().parse().unwrap();
    let place = Place { root, app: "app".parse().unwrap(), node: None };
    for shell in shells::both() {
        let seen = seen(&shell.host, &place).await;
        assert_eq!((seen.platform.os.as_str(), seen.platform.arch.as_str()), ("linux", std::env::consts::ARCH));
        assert!(matches!(&seen.platform.libc, Libc::Glibc(version) if version.starts_with("2.")), "{:?}", seen.platform);
        assert_eq!(seen.root, place.root.as_str());
        assert!(seen.writable && seen.free_kib > 0 && seen.missing_tools.is_empty(), "{}: {seen:?}", shell.name);
        assert!(seen.installed.is_empty() && seen.strays.is_empty() && seen.permanent.is_none());
        assert_eq!(seen.node.state, NodeState::Down);
    }
}

#[tokio::test]
async fn a_release_of_another_tool_is_found_with_all_its_content() {
    for kind in [Kind::Mix, Kind::Relx] {
        let running = Running::new(kind);
        let root = running.root();
        fs::write(root.join("lib/odd\nname"), "").unwrap();
        fs::create_dir(root.join("lib/odd\\dir")).unwrap();
        fs::write(root.join("lib/odd\\dir/file"), "").unwrap();
        let facts = shells::both().map(|shell| (shell.name, shell.host));
        let mut answers = Vec::new();
        for (name, host) in &facts {
            let seen = seen(host, &running.place).await;
            assert_eq!(seen.permanent, Some(first()), "{name}");
            let [installed] = &seen.installed[..] else { panic!("{name}: {:?}", seen.installed) };
            assert_eq!((installed.version.clone(), installed.manifest), (first(), None));
            assert!(installed.rel.as_ref().unwrap().contains(r#"{erts,"#), "{:?}", installed.rel);
            let script = format!("bin/{}", kind.app());
            assert_eq!(seen.top[&script.parse().unwrap()], digest(&root.join(&script)));
            assert_eq!(seen.strays.len(), files_below(&root), "{name}");
            for (path, found) in &seen.strays {
                assert_eq!(*found, digest(&root.join(path.as_str())), "{path}");
            }
            assert_eq!(seen.releases_file.is_some(), kind == Kind::Relx);
            answers.push(Seen { free_kib: 0, ..seen });
        }
        assert_eq!(answers[0], answers[1], "dash and busybox see the same");
    }
}

/// Regular files below lib, erts-* and releases/VERSION, as find counts them.
fn files_below(root: &Path) -> usize {
    let script = r"find lib erts-* releases/*/ -type f ! -path '*\\*' ! -path '*[[:cntrl:]]*' | wc -l";
    let output = Command::new("sh").args(["-c", script]).current_dir(root).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

/// A manifest of the release that lies there, as a deploy would have left it.
fn manifest(root: &Path) -> Manifest {
    let file = |path: &str| Entry {
        path: path.parse().unwrap(),
        kind: EntryKind::File { mode: 0o644, size: 1, sha256: digest(&root.join(path)) },
    };
    let about = About {
        app: "hotapp".parse().unwrap(),
        version: first(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: None, elixir: None },
        platform: Platform { os: "linux".into(), arch: "x86_64".into(), libc: Libc::Other },
    };
    Manifest::new(about, vec![file("bin/hotapp"), file("releases/0.1.0/start.boot")]).unwrap()
}

fn leave(root: &Path, name: &str, content: &[u8]) {
    let path = root.join(".edeliver").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// All directories of the release, one a line.
fn dirs(root: &Path) -> Vec<u8> {
    let output = Command::new("sh").args(["-c", "ls -d lib/* erts-*"]).current_dir(root).output().unwrap();
    output.stdout
}

#[tokio::test]
async fn what_a_manifest_accounts_for_is_not_digested_and_the_manifest_is_known() {
    let running = Running::new(Kind::Mix);
    let (root, host) = (running.root(), Local::new());
    let manifest = manifest(&root);
    leave(&root, "manifests/0.1.0.json", &manifest.to_json());
    leave(&root, "manifests/0.1.0.dirs", &dirs(&root));
    leave(&root, "previous", b"0.0.9\n");
    fs::create_dir_all(root.join("lib/stray-1")).unwrap();
    fs::write(root.join("lib/stray-1/file"), "stray").unwrap();
    let seen = seen(&host, &running.place).await;
    assert_eq!(seen.installed[0].manifest, Some(manifest.id()));
    assert_eq!(seen.installed[0].files.as_deref(), Some(&manifest), "fetched from the host");
    assert!(seen.installed[0].dirs.iter().any(|dir| dir.as_str().starts_with("lib/hotapp-")));
    assert_eq!(seen.strays.iter().collect::<Vec<_>>(), [(&"lib/stray-1/file".parse().unwrap(), &Digest::of(b"stray"))]);
    assert_eq!(seen.previous, Some("0.0.9".parse().unwrap()));
    assert_eq!(host.counts().calls, 2, "one to ask, one for a manifest that only the host has");
    let known = manifest.clone();
    let knows = Question { known: Arc::new(move |_, id| (*id == known.id()).then(|| known.clone().into())), ..question("hotapp") };
    inventory::ask(&host, &running.place, &knows).await.unwrap();
    assert_eq!(host.counts().calls, 3, "a known manifest is not fetched");
}

#[tokio::test]
async fn unfinished_and_failed_releases_are_told() {
    let running = Running::new(Kind::Mix);
    let (root, host) = (running.root(), Local::new());
    leave(&root, "manifests/0.2.0.dirs", b"lib/hotapp-0.2.0\n");
    leave(&root, "failed/0.1.0", b"");
    fs::create_dir_all(root.join("lib/hotapp-0.2.0")).unwrap();
    fs::create_dir_all(root.join("releases/0.2.0")).unwrap();
    for shell in shells::both() {
        let seen = seen(&shell.host, &running.place).await;
        let [unfinished] = &seen.unfinished[..] else { panic!("{seen:?}") };
        assert_eq!((unfinished.version.as_str(), unfinished.dirs[0].as_str()), ("0.2.0", "lib/hotapp-0.2.0"));
        assert!(seen.installed.len() == 1 && seen.installed[0].failed, "{:?}", seen.installed);
    }
    leave(&root, "manifests/0.2.0.json", b"not a manifest");
    let seen = seen(&host, &running.place).await;
    let damaged = seen.installed.iter().find(|installed| installed.version.as_str() == "0.2.0").unwrap();
    assert_eq!((damaged.manifest, &damaged.files), (None, &None), "a manifest that can't be read counts as none");
}

#[tokio::test]
async fn a_host_that_cannot_be_asked_hides_nothing_of_the_others() {
    let dir = tempfile::tempdir().unwrap();
    let spec = |name: &str, transport, path: &str| HostSpec {
        name: name.parse().unwrap(),
        address: None,
        transport,
        user: None,
        port: Some(1),
        path: path.parse().unwrap(),
        node: None,
        tags: Vec::new(),
    };
    let here = dir.path().to_str().unwrap();
    let hosts = [
        spec("one", TransportKind::Local, here),
        spec("127.0.0.1", TransportKind::Ssh, here),
        spec("three", TransportKind::Local, here),
    ];
    let limits = Limits::default();
    let opened: inventory::Opened = Arc::new(|_, _| {});
    let gathered = inventory::gather(&hosts, &question("app"), &limits, &opened).await;
    let names: Vec<_> = gathered.iter().map(|(facts, _)| facts.host.as_str()).collect();
    assert_eq!(names, ["one", "127.0.0.1", "three"]);
    let answered: Vec<_> = gathered.iter().map(|(facts, transport)| (facts.seen.is_ok(), transport.is_some())).collect();
    assert_eq!(answered, [(true, true), (false, false), (true, true)]);
    let unseen = gathered[1].0.seen.as_ref().unwrap_err();
    assert!(unseen.why.contains("can't be reached"), "{}", unseen.why);
}
