mod model;
mod random;

use super::*;
use crate::{
    facts::NodeState,
    release::{About, BuiltWith, Entry, Platform, ReleaseKind},
};
use model::{Applied, Host};

/// A release out of `path=content` words; `path@target` is a link, `path/` an empty directory, `*` marks an executable.
fn release(version: &str, files: &[&str]) -> Manifest {
    let about = About {
        app: "app".parse().unwrap(),
        version: version.parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: Some("13".into()), elixir: None },
        platform: Platform::anywhere(),
    };
    Manifest::new(about, files.iter().map(|word| entry(word)).collect()).unwrap()
}

fn entry(word: &str) -> Entry {
    let (path, kind) = if let Some((path, content)) = word.split_once('=') {
        let content = content.as_bytes();
        let mode = if path.ends_with('*') { 0o755 } else { 0o644 };
        (path.trim_end_matches('*'), EntryKind::File { mode, size: content.len() as u64, sha256: Digest::of(content) })
    } else if let Some((path, target)) = word.split_once('@') {
        (path, EntryKind::Link { target: target.to_owned() })
    } else {
        (word.trim_end_matches('/'), EntryKind::EmptyDir { dir: true })
    };
    Entry { path: path.parse().unwrap(), kind }
}

const FIRST: &[&str] = &[
    "bin/app*=script",
    "erts-13/bin/beam.smp*=beam",
    "lib/app-1/ebin/a.beam=a1",
    "lib/app-1/ebin/b.beam=b1",
    "lib/app-1/priv/",
    "lib/dep-1/ebin/d.beam=d1",
    "releases/0.1.0/consolidated/p.beam=p1",
    "releases/0.1.0/start.boot=boot1",
    "releases/COOKIE=secret",
];

fn first() -> Manifest {
    release("0.1.0", FIRST)
}

/// The words of `FIRST` with some replaced: `("from", "to")` is a text replacement in all of them.
fn changed(version: &str, changes: &[(&str, &str)]) -> Manifest {
    let words: Vec<String> = FIRST
        .iter()
        .map(|word| changes.iter().fold(word.replace("0.1.0", version), |word, (from, to)| word.replace(from, to)))
        .collect();
    release(version, &words.iter().map(String::as_str).collect::<Vec<_>>())
}

fn host_with(manifests: &[&Manifest]) -> Host {
    let mut host = Host::default();
    for manifest in manifests {
        assert_eq!(host.deploy(manifest, false, None), Applied::Complete);
    }
    host
}

fn paths<'a>(placed: impl IntoIterator<Item = &'a Placed>) -> Vec<&'a str> {
    placed.into_iter().map(|placed| placed.path.as_str()).collect()
}

#[test]
fn an_empty_host_gets_everything() {
    let wanted = first();
    let delta = against(&wanted, &Host::default().seen());
    assert_eq!(delta.send.len(), 8);
    assert_eq!(delta.bytes_sent(), wanted.size());
    assert_eq!(delta.empty_dirs, [rel_path("lib/app-1/priv")]);
    let place: Vec<_> = delta.place.iter().map(|place| (place.dir.as_str(), place.replaces_leftover)).collect();
    let order = ["lib/app-1", "lib/dep-1", "erts-13", ".edeliver/top/0.1.0", "releases/0.1.0"].map(|dir| (dir, false));
    assert_eq!(place, order);
    assert_eq!(delta.dirs.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["lib/app-1", "lib/dep-1", "erts-13"]);
}

#[test]
fn a_new_version_sends_what_is_new_and_copies_what_is_known() {
    let next = changed("0.2.0", &[("app-1", "app-2"), ("=a1", "=a2"), ("=boot1", "=boot2")]);
    let delta = against(&next, &host_with(&[&first()]).seen());
    assert_eq!(paths(&delta.send), ["lib/app-2/ebin/a.beam", "releases/0.2.0/start.boot"]);
    let copied: Vec<_> = delta.copy.iter().map(|copy| format!("{} {}", copy.from, copy.to.path)).collect();
    let wanted = [
        "lib/app-1/ebin/b.beam lib/app-2/ebin/b.beam",
        ".edeliver/top/0.1.0/bin/app .edeliver/top/0.2.0/bin/app",
        ".edeliver/top/0.1.0/releases/COOKIE .edeliver/top/0.2.0/releases/COOKIE",
        "releases/0.1.0/consolidated/p.beam releases/0.2.0/consolidated/p.beam",
    ];
    assert_eq!(copied, wanted);
    assert_eq!(delta.present.iter().map(RelPath::as_str).collect::<Vec<_>>(), ["lib/dep-1/ebin/d.beam", "erts-13/bin/beam.smp"]);
    assert_eq!(delta.bytes_written() - delta.bytes_sent(), 16);
}

#[test]
fn what_is_needed_twice_travels_once() {
    let twice = release("0.1.0", &["bin/app*=script", "bin/app-0.1.0*=script", "releases/0.1.0/x=y"]);
    let delta = against(&twice, &Host::default().seen());
    assert_eq!(paths(&delta.send), [".edeliver/top/0.1.0/bin/app", "releases/0.1.0/x"]);
    assert_eq!(delta.twins[0].from, delta.send[0].path);
    assert_eq!(delta.twins[0].to.path.as_str(), ".edeliver/top/0.1.0/bin/app-0.1.0");
    assert_eq!(host_with(&[&twice]).content("bin/../.edeliver/top/0.1.0/bin/app-0.1.0"), None);
    assert!(against(&twice, &host_with(&[&twice]).seen()).is_empty());
}

#[test]
fn a_library_that_changed_under_its_version_gets_a_directory_of_its_own() {
    let next = changed("0.2.0", &[("=a1", "=a2")]);
    let mut host = host_with(&[&first()]);
    let delta = against(&next, &host.seen());
    let [Relocated { from, to }] = delta.relocated.as_slice() else { panic!("{delta:?}") };
    assert_eq!(from.as_str(), "lib/app-1");
    assert!(to.as_str().starts_with("lib/app-1~") && to.as_str().len() == "lib/app-1~12345678".len(), "{to}");
    assert_eq!(delta.rewrite, [rel_path("releases/0.2.0/start.boot")]);
    assert!(delta.dirs.contains(to) && !delta.dirs.contains(from));
    assert_eq!(delta.obstacles(false).count(), 0);

    assert_eq!(host.deploy(&next, false, None), Applied::Complete);
    assert_eq!(host.content("lib/app-1/ebin/a.beam"), Some("a1".into()), "the running release keeps its own");
    assert_eq!(host.content(&format!("{to}/ebin/a.beam")), Some("a2".into()));

    let third = changed("0.3.0", &[("=a1", "=a2"), ("=boot1", "=boot3")]);
    let delta = against(&third, &host.seen());
    assert_eq!(delta.relocated[0].to, *to, "another release with the same library shares it");
    assert!(delta.place.iter().all(|place| place.dir != *to));
}

#[test]
fn every_file_of_a_release_is_found_where_the_host_has_it() {
    let next = changed("0.2.0", &[("=a1", "=a2")]);
    let mut host = host_with(&[&first()]);
    assert_eq!(host.deploy(&next, false, None), Applied::Complete);
    let seen = host.seen();
    for release in [first(), next] {
        let installed = seen.installed.iter().find(|installed| installed.version == release.version).unwrap();
        let places = whereabouts(installed, &release);
        assert_eq!(places.len(), release.contents().count());
        for file in release.contents() {
            let found = host.content(places[file.path].as_str()).unwrap_or_else(|| panic!("{}: {}", file.path, places[file.path]));
            assert_eq!(Digest::of(found.as_bytes()), file.sha256, "{}", file.path);
        }
    }
}

#[test]
fn rewritten_files_take_the_place_of_the_originals() {
    let next = changed("0.2.0", &[("=a1", "=a2")]);
    let seen = host_with(&[&first()]).seen();
    let boot = rel_path("releases/0.2.0/start.boot");
    let rewritten = Rewritten::from([(boot.clone(), (Digest::of(b"new"), 3))]);
    let delta = Deltas::of(&next).against(&seen, Some(&rewritten));
    let sent = delta.send.iter().find(|file| file.path == boot).unwrap();
    assert_eq!((sent.sha256, sent.size), (Digest::of(b"new"), 3));
    assert_eq!(delta.dirs, against(&next, &seen).dirs);
}

#[test]
fn another_runtime_under_the_same_name_is_refused_while_it_is_used() {
    let next = changed("0.2.0", &[("=beam", "=patched")]);
    let delta = against(&next, &host_with(&[&first()]).seen());
    let reasons: Vec<_> = delta.obstacles(true).map(ToString::to_string).collect();
    assert_eq!(reasons, ["another build of erts-13 is there, used by 0.1.0"]);
}

#[test]
fn another_build_of_an_installed_version_needs_force() {
    let rebuilt = changed("0.1.0", &[("=a1", "=a2")]);
    let mut host = host_with(&[&first()]);
    let delta = against(&rebuilt, &host.seen());
    assert_eq!(delta.obstacles(false).map(ToString::to_string).collect::<Vec<_>>(), ["another build of 0.1.0 is there"]);
    assert_eq!(delta.obstacles(true).count(), 0);
    assert_eq!(host.deploy(&rebuilt, true, None), Applied::Complete);
    assert_eq!(host.content("lib/app-1/ebin/a.beam"), Some("a2".into()), "nothing else used it");
}

#[test]
fn a_release_that_is_needed_is_never_replaced() {
    let rebuilt = changed("0.1.0", &[("=a1", "=a2")]);
    let version = || Some("0.1.0".parse().unwrap());
    let base = host_with(&[&first()]).seen();
    let [mut running, mut permanent, mut previous, mut who_knows] = [base.clone(), base.clone(), base.clone(), base];
    (running.node.state, running.node.version) = (NodeState::Hung, version());
    permanent.permanent = version();
    previous.previous = version();
    who_knows.node.state = NodeState::WrongCookie;
    for (seen, why) in [
        (running, "the node may be running it"),
        (permanent, "the next start boots it"),
        (previous, "a rollback would go back to it"),
        (who_knows, "the node may be running it"),
    ] {
        let delta = against(&rebuilt, &seen);
        let obstacles: Vec<_> = delta.obstacles(true).map(ToString::to_string).collect();
        assert_eq!(obstacles, [format!("another build of 0.1.0 is there, and {why}")]);
    }
}

#[test]
fn an_interrupted_deploy_is_finished_without_force() {
    let next = changed("0.2.0", &[("=a1", "=a2")]);
    for placed in 0..3 {
        let mut host = host_with(&[&first()]);
        assert_eq!(host.deploy(&next, false, Some(placed)), Applied::Interrupted);
        let delta = against(&next, &host.seen());
        assert!(delta.conflicts.is_empty(), "after {placed} directories: {:?}", delta.conflicts);
        assert_eq!(host.deploy(&next, false, None), Applied::Complete);
        assert!(against(&next, &host.seen()).is_empty());
    }
}

#[test]
fn a_release_of_the_original_edeliver_is_adopted_when_it_is_the_same() {
    let mut host = Host::default();
    host.untar(&release("0.1.0", &["bin/app*=script", "lib/app-1/ebin/a.beam=a1", "releases/0.1.0/start.boot=boot1"]));
    let same = release("0.1.0", &["bin/app*=script", "lib/app-1/ebin/a.beam=a1", "releases/0.1.0/start.boot=boot1"]);
    let delta = against(&same, &host.seen());
    assert!(delta.conflicts.is_empty() && delta.send.is_empty(), "{delta:?}");
    assert_eq!(delta.place.iter().map(|place| place.dir.as_str()).collect::<Vec<_>>(), [".edeliver/top/0.1.0"]);

    let other = release("0.1.0", &["bin/app*=script", "lib/app-1/ebin/a.beam=a2", "releases/0.1.0/start.boot=boot2"]);
    assert_eq!(against(&other, &host.seen()).obstacles(false).count(), 1);
}

#[test]
fn what_a_release_without_a_manifest_may_use_stays() {
    let mut host = Host::default();
    host.untar(&first());
    let next = changed("0.2.0", &[("=d1", "=d2")]);
    let delta = against(&next, &host.seen());
    assert_eq!(delta.relocated.iter().map(|moved| moved.from.as_str()).collect::<Vec<_>>(), ["lib/app-1", "lib/dep-1"]);
    assert_eq!(host.deploy(&next, false, None), Applied::Complete);
    assert_eq!(host.content("lib/dep-1/ebin/d.beam"), Some("d1".into()));
}

#[test]
fn a_directory_that_went_missing_is_put_back() {
    let mut host = host_with(&[&first()]);
    host.lose_dir("lib/dep-1");
    let delta = against(&first(), &host.seen());
    assert_eq!(delta.place, [Placement { dir: rel_path("lib/dep-1"), replaces_leftover: false }]);
    assert_eq!(host.deploy(&first(), false, None), Applied::Complete);
    assert_eq!(host.content("lib/dep-1/ebin/d.beam"), Some("d1".into()));
}

#[test]
fn another_build_with_the_same_boot_file_is_another_build_still() {
    let mut host = Host::default();
    host.untar(&first());
    host.permanent = None;
    let delta = against(&changed("0.1.0", &[("=beam", "=patched"), ("lib/app-1/priv/", "lib/app-1/x=")]), &host.seen());
    assert_eq!(delta.obstacles(false).map(ToString::to_string).collect::<Vec<_>>(), ["another build of 0.1.0 is there"]);
}

#[test]
fn a_relocated_directory_left_behind_is_no_obstacle() {
    let mut host = Host::default();
    host.untar(&first());
    let next = changed("0.2.0", &[("=a1", "=a2")]);
    // Its `priv` is empty, so facts can't tell whether the leftover is the same, and 0.1.0 may use anything.
    assert_eq!(host.deploy(&next, false, Some(1)), Applied::Interrupted);
    let delta = against(&next, &host.seen());
    assert!(delta.conflicts.is_empty() && delta.place[0].replaces_leftover, "{delta:?}");
    assert_eq!(host.deploy(&next, false, None), Applied::Complete);
}

#[test]
fn the_name_of_a_missing_directory_is_kept_for_the_release_that_misses_it() {
    let mut host = host_with(&[&first()]);
    host.lose_dir("lib/dep-1");
    let next = changed("0.2.0", &[("=d1", "=d2")]);
    assert_eq!(against(&next, &host.seen()).relocated[0].from.as_str(), "lib/dep-1");
}

#[test]
fn a_release_whose_manifest_cannot_be_read_keeps_its_directories() {
    let mut seen = host_with(&[&first()]).seen();
    seen.installed[0].files = None;
    let delta = against(&changed("0.2.0", &[]), &seen);
    assert_eq!(delta.relocated.len(), 2);
    assert_eq!(
        delta.obstacles(true).map(ToString::to_string).collect::<Vec<_>>(),
        ["another build of erts-13 is there, used by 0.1.0"]
    );
}
