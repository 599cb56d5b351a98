use super::*;
use crate::release::{About, BuiltWith, Manifest, ManifestError, Platform, ReleaseKind};

fn entry(path: &str, kind: EntryKind) -> Entry {
    Entry { path: path.parse().unwrap(), kind }
}

fn file(path: &str) -> Entry {
    entry(path, EntryKind::File { mode: 0o644, size: 1, sha256: Digest::of(b"x") })
}

fn link(path: &str, target: &str) -> Entry {
    entry(path, EntryKind::Link { target: target.to_owned() })
}

fn empty(path: &str) -> Entry {
    entry(path, EntryKind::EmptyDir { dir: true })
}

fn checked(entries: impl Into<Vec<Entry>>) -> Result<(), String> {
    files(&"0.1.0".parse().unwrap(), &entries.into()).map_err(|error| error.to_string())
}

#[test]
fn a_release_passes() {
    let release = [
        file("bin/app"),
        link("bin/epmd", "../erts-13/bin/epmd"),
        file("erts-13/bin/epmd"),
        file("lib/app-0.1.0/ebin/a.beam"),
        empty("lib/app-0.1.0/priv"),
        file("releases/0.1.0/start.boot"),
        file("releases/COOKIE"),
    ];
    assert_eq!(checked(release), Ok(()));
}

#[test]
fn paths_are_sorted_and_stand_once() {
    assert_eq!(checked([file("b"), file("a")]), Err("a is out of order or listed twice".into()));
    assert_eq!(checked([file("a"), file("a")]), Err("a is out of order or listed twice".into()));
}

#[test]
fn every_path_leaves_room_for_what_is_put_before_it() {
    let path = |length: usize| format!("lib/a-1/priv/{}", "d/".repeat(length / 2)) + "f";
    assert_eq!(checked([file(&path(600))]), Ok(()));
    assert!(checked([file(&path(800))]).unwrap_err().ends_with("has more than 640 bytes"));
}

#[test]
fn nothing_lies_below_a_file_a_link_or_an_empty_directory() {
    // `a-b` sorts between `a` and `a/b`, so neighbours alone don't show it.
    for above in [file("a"), link("a", "b"), empty("a")] {
        let files = [above, file("a-b"), file("a/b/c")];
        assert_eq!(checked(files), Err("a/b/c lies below a, which is not a directory with content".into()));
    }
}

#[test]
fn links_stay_inside_the_release() {
    for target in ["b", "./b", "../b", "../../b/c.so", "..", "../.."] {
        assert_eq!(checked([link("x/y/l", target)]), Ok(()), "{target}");
    }
    // The last ones are inside as text, and outside once another link is on the way.
    let hostile = ["", "/etc/passwd", "../../../b", "../../../..", "b//c", "b/", "b\nc", ".", "b/..", "b/../../../../c", "a/./b"];
    for target in hostile {
        assert!(checked([link("x/y/l", target)]).is_err(), "{target:?}");
    }
}

#[test]
fn a_release_keeps_to_its_own_places() {
    let misplaced = [
        (file(".edeliver/manifests/9.json"), "this folder is edeliver's own"),
        (file("releases/0.2.0/start.boot"), "it is of another release"),
        (file("releases/0.1.0"), "a release is a directory"),
        (file("lib"), "it must be a directory with content"),
        (empty("bin"), "it must be a directory with content"),
        (link("lib/app-0.1.0", "../src"), "a library is a directory (was the release made in dev mode?)"),
        (file("erts-13"), "a runtime system is a directory"),
    ];
    for (entry, why) in misplaced {
        let path = entry.path.clone();
        assert_eq!(checked([entry]), Err(format!("{path} can't be part of a release: {why}")));
    }
}

#[test]
fn modes_and_sizes_are_possible_ones() {
    let sized = |path, mode, size, content: &[u8]| entry(path, EntryKind::File { mode, size, sha256: Digest::of(content) });
    assert_eq!(checked([sized("a", 0o4755, 1, b"x")]), Err("a has mode 4755 instead of 755 or 644".into()));
    assert_eq!(checked([sized("a", 0o644, 1, b"")]), Err("the size of a can't be right".into()));
    assert_eq!(checked([sized("a", 0o644, 1, b"x"), sized("b", 0o644, 2, b"x")]), Err("the size of b can't be right".into()));
    let more_than_countable = [sized("a", 0o644, u64::MAX, b"x"), sized("b", 0o644, 1, b"y")];
    assert_eq!(checked(more_than_countable), Err("the size of b can't be right".into()));
}

const SAMPLE: &[u8] = include_bytes!("../../../tests/samples/manifest-1.json");

#[test]
fn a_manifest_of_format_1_can_be_read_for_ever() {
    let manifest = Manifest::from_json(SAMPLE).unwrap();
    assert_eq!((manifest.title().as_str(), manifest.files.len(), manifest.size()), ("hotapp 0.1.0", 9, 151_233));
    assert_eq!(manifest.cookie(), Some(Digest::of(b"releases/COOKIE")));
    assert_eq!(manifest.to_json(), SAMPLE.trim_ascii_end(), "and is written the same way");
}

#[test]
fn other_formats_and_bad_files_are_refused() {
    let sample = String::from_utf8(SAMPLE.to_vec()).unwrap();
    let refused = |from: &str, to: &str| {
        assert!(sample.contains(from), "{from}");
        Manifest::from_json(sample.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert!(matches!(refused(r#""format":1"#, r#""format":2"#), ManifestError::Format { found: 2 }));
    assert!(matches!(refused(r#""format":1"#, r#""format":0"#), ManifestError::Format { found: 0 }));
    assert!(matches!(refused(r#""app":"hotapp""#, r#""app":"../x""#), ManifestError::Json(_)));
    assert!(matches!(refused(r#""path":"bin/hotapp""#, r#""path":"bin/../../x""#), ManifestError::Json(_)));
    assert!(matches!(refused(r#""path":"bin/hotapp""#, r#""path":"zzz""#), ManifestError::Files(FilesError::Order { .. })));
    assert!(matches!(Manifest::from_json(b"{}").unwrap_err(), ManifestError::Json(_)));
}

#[test]
fn the_order_of_the_listing_does_not_matter() {
    let about = || About {
        app: "app".parse().unwrap(),
        version: "0.1.0".parse().unwrap(),
        kind: ReleaseKind::Mix,
        commit: None,
        built_with: BuiltWith { otp: "25".into(), erts: None, elixir: None },
        platform: Platform::anywhere(),
    };
    let one = Manifest::new(about(), vec![file("bin/b"), file("bin/a")]).unwrap();
    let other = Manifest::new(about(), vec![file("bin/a"), file("bin/b")]).unwrap();
    assert_eq!(one.id(), other.id());
    assert_eq!(Manifest::from_json(&one.to_json()).unwrap(), one);
}
