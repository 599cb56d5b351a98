use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use edeliver_core::release::{Digest, EntryKind, FilesError, Manifest, ReleaseKind};
use flate2::{Compression, write::GzEncoder};
use tar::{EntryType, Header};

use super::*;
use crate::store::{
    Existing, Store, StoreError,
    samples::{damage, store, unfinished},
};
use crate::tarball::TarError;

const MIX: &[(&str, &str)] = &[
    ("bin/demo", "#!/bin/sh\n"),
    ("lib/demo-0.1.0/ebin/demo.app", "{application, demo, []}."),
    ("lib/demo-0.1.0/priv/a name with blanks.txt", "x"),
    ("releases/0.1.0/demo.rel", "{release, {\"demo\", \"0.1.0\"}, {erts, \"13.1.5\"}, []}."),
    ("releases/0.1.0/env.sh", ""),
    ("releases/0.1.0/vm.args", ""),
    ("releases/COOKIE", "secret"),
    ("releases/start_erl.data", "13.1.5 0.1.0"),
];

const RELX: &[(&str, &str)] = &[
    ("bin/demo", "#!/bin/sh\n"),
    ("bin/demo-0.1.0", "#!/bin/sh\n"),
    ("lib/demo-0.1.0/ebin/demo.app", "{application, demo, []}."),
    ("releases/0.1.0/demo.rel", "rel"),
    ("releases/RELEASES", "[]."),
    ("releases/start_erl.data", "13.1.5 0.1.0\n"),
];

/// A member as hostile as it likes.
struct Made(GzEncoder<Vec<u8>>);

impl Made {
    fn of(root: &str, files: &[(&str, &str)]) -> Self {
        let mut made = Self(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, content) in files {
            made.file(&format!("{root}{path}"), content.as_bytes());
        }
        made
    }
    fn file(&mut self, path: &str, content: &[u8]) {
        self.member(EntryType::Regular, path, "", content);
    }
    fn member(&mut self, kind: EntryType, path: &str, target: &str, content: &[u8]) {
        let mut header = Header::new_gnu();
        let gnu = header.as_gnu_mut().unwrap();
        gnu.name[..path.len()].copy_from_slice(path.as_bytes());
        gnu.linkname[..target.len()].copy_from_slice(target.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(if path.ends_with("bin/demo") || path.contains("bin/demo-") { 0o750 } else { 0o640 });
        header.set_mtime(1_700_000_000);
        header.set_uid(1000);
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.0.write_all(header.as_bytes()).unwrap();
        self.0.write_all(content).unwrap();
        self.0.write_all(&vec![0; content.len().next_multiple_of(512) - content.len()]).unwrap();
    }
    /// Reads it into a store. What is refused leaves nothing there.
    fn import(mut self, store: &Store) -> Result<Imported, ArchiveError> {
        self.0.write_all(&[0; 1024]).unwrap();
        let path = store.root().with_extension("tar.gz");
        fs::write(&path, self.0.finish().unwrap()).unwrap();
        let result = store.import_archive(&path, Existing::Refuse);
        assert_eq!(unfinished(store), 0, "something half is left");
        if result.is_err() {
            let blobs = fs::read_dir(store.root().join("store/blobs")).unwrap().count();
            assert_eq!((blobs, store.list().unwrap().stored.len()), (0, 0), "something of a refused archive is left");
        }
        result
    }
}

fn refused(change: impl FnOnce(&mut Made)) -> ArchiveError {
    let (store, _dir) = store();
    let mut made = Made::of("", MIX);
    change(&mut made);
    made.import(&store).unwrap_err()
}

fn digests(manifest: &Manifest) -> BTreeMap<String, (u32, Digest)> {
    manifest.contents().map(|file| (file.path.to_string(), (file.mode, file.sha256))).collect()
}

fn wanted(files: &[(&str, &str)]) -> BTreeMap<String, (u32, Digest)> {
    let mode = |path: &str| if path.starts_with("bin/") { 0o755 } else { 0o644 };
    files.iter().map(|(path, text)| ((*path).to_owned(), (mode(path), Digest::of(text.as_bytes())))).collect()
}

#[test]
fn both_layouts_are_read_wherever_the_release_lies() {
    for (root, files, kind) in [("", MIX, ReleaseKind::Mix), ("demo/", RELX, ReleaseKind::Relx), ("./demo/", MIX, ReleaseKind::Mix)]
    {
        let (store, _dir) = store();
        let imported = Made::of(root, files).import(&store).unwrap();
        let manifest = imported.manifest;
        assert_eq!((manifest.kind, manifest.version.as_str(), &manifest.commit), (kind, "0.1.0", &None));
        assert_eq!(digests(&manifest), wanted(files), "{root}");
        assert_eq!(store.manifest(&manifest.version).unwrap(), manifest);
        assert!(store.verify(&manifest).is_empty());
        assert!(imported.left_out.is_empty());
    }
}

#[test]
fn links_and_empty_folders_are_kept_and_what_is_no_part_of_the_release_is_not() {
    let (store, _dir) = store();
    let mut made = Made::of("", MIX);
    for dir in ["./", "lib/", "lib/", "lib/demo-0.1.0/priv/empty/"] {
        made.member(EntryType::Directory, dir, "", b"");
    }
    made.member(EntryType::Symlink, "lib/demo-0.1.0/priv/link", "../ebin/demo.app", b"");
    made.file("log/erlang.log.1", b"old");
    made.file("releases/0.0.9/start.boot", b"old");
    let Imported { manifest, left_out } = made.import(&store).unwrap();
    assert_eq!(manifest.entry("lib/demo-0.1.0/priv/empty"), Some(&EntryKind::EmptyDir { dir: true }));
    let target = "../ebin/demo.app".to_owned();
    assert_eq!(manifest.entry("lib/demo-0.1.0/priv/link"), Some(&EntryKind::Link { target }));
    assert_eq!(manifest.files.len(), MIX.len() + 2);
    assert_eq!(left_out.iter().map(|path| path.as_str()).collect::<Vec<_>>(), ["log/erlang.log.1", "releases/0.0.9/start.boot"]);
}

#[test]
fn names_that_leave_the_archive_are_refused() {
    for name in ["../x", "lib/../../x", "/etc/passwd", "lib//x", "a\nb"] {
        let error = refused(|made| made.file(name, b"x"));
        assert!(matches!(error, ArchiveError::Tar(TarError::Name(_))), "{name}: {error:?}");
    }
}

#[test]
fn links_that_leave_the_release_are_refused() {
    for target in ["/etc/passwd", "../../../../x", "../ebin/../../../../x", ""] {
        let error = refused(|made| made.member(EntryType::Symlink, "lib/demo-0.1.0/priv/link", target, b""));
        assert!(matches!(error, ArchiveError::Files(FilesError::Link { .. })), "{target}: {error:?}");
    }
}

#[test]
fn nothing_is_written_through_a_link() {
    let error = refused(|made| {
        made.member(EntryType::Symlink, "lib/demo-0.1.0/priv/link", "../ebin", b"");
        made.file("lib/demo-0.1.0/priv/link/x", b"x");
    });
    assert!(matches!(error, ArchiveError::Files(FilesError::Below { .. })), "{error:?}");
}

#[test]
fn hard_links_and_devices_are_refused() {
    for kind in [EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo] {
        let error = refused(|made| made.member(kind, "lib/demo-0.1.0/priv/x", "bin/demo", b""));
        assert!(matches!(error, ArchiveError::Tar(TarError::Kind { .. })), "{error:?}");
    }
}

#[test]
fn a_path_that_comes_twice_is_refused() {
    let twice: [fn(&mut Made); 4] = [
        |made| made.file("bin/demo", b"other"),
        |made| made.file("./bin/demo", b"#!/bin/sh\n"),
        |made| made.member(EntryType::Symlink, "bin/demo", "x", b""),
        |made| made.member(EntryType::Directory, "bin/demo/", "", b""),
    ];
    for change in twice {
        let error = refused(change);
        assert!(matches!(&error, ArchiveError::Twice { path } if path.as_str() == "bin/demo"), "{error:?}");
    }
}

#[test]
fn what_is_no_release_is_refused() {
    let (store, _dir) = store();
    let no_mark = Made::of("", &MIX[..7]).import(&store).unwrap_err();
    assert!(matches!(no_mark, ArchiveError::NoRelease), "{no_mark:?}");
    let too_deep = Made::of("a/b/", MIX).import(&store).unwrap_err();
    assert!(matches!(too_deep, ArchiveError::NoRelease), "{too_deep:?}");
    let mut beside = Made::of("demo/", MIX);
    beside.file("other/x", b"x");
    let beside = beside.import(&store).unwrap_err();
    assert!(matches!(&beside, ArchiveError::Beside { path, .. } if path.as_str() == "other/x"), "{beside:?}");
    let no_kind: Vec<_> = MIX.iter().filter(|(path, _)| !path.ends_with("env.sh")).copied().collect();
    let no_kind = Made::of("", &no_kind).import(&store).unwrap_err();
    assert!(matches!(no_kind, ArchiveError::Found(_)), "{no_kind:?}");
    let dir = refused(|made| made.member(EntryType::Symlink, "lib/dev-1", "../../dev", b""));
    assert!(matches!(dir, ArchiveError::Files(_)), "{dir:?}");
}

#[test]
fn the_release_of_another_application_is_refused() {
    let (store, _dir) = store();
    let files: Vec<_> =
        MIX.iter().map(|(path, text)| (path.replace("bin/demo", "bin/other").replace("demo.rel", "other.rel"), *text)).collect();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), *text)).collect();
    let error = Made::of("", &files).import(&store).unwrap_err();
    assert!(matches!(error, ArchiveError::Store(StoreError::Misnamed { .. })), "{error:?}");
}

#[test]
fn an_archive_that_unpacks_to_absurdly_much_is_refused() {
    let (store, dir) = store();
    let mut made = Made::of("", MIX);
    made.file("lib/demo-0.1.0/priv/zeros", &vec![0; 8 << 20]);
    made.0.write_all(&[0; 1024]).unwrap();
    let path = dir.path().join("bomb");
    fs::write(&path, made.0.finish().unwrap()).unwrap();
    let intake = store.intake().unwrap();
    let listing = |limit| import::listing(&intake, fs::File::open(&path).unwrap(), limit);
    assert_eq!(listing(9 << 20).unwrap().len(), MIX.len() + 1);
    assert!(matches!(listing(8 << 20), Err(ArchiveError::Tar(TarError::TooBig { .. }))));
    assert_eq!([import::limit(0), import::limit(20 << 20), import::limit(1 << 30)], [1 << 30, 1 << 30, 50 << 30]);
}

#[test]
fn an_archive_cut_off_or_damaged_is_refused() {
    let (store, dir) = store();
    Made::of("", MIX).import(&store).unwrap();
    let whole = fs::read(store.root().with_extension("tar.gz")).unwrap();
    let path = dir.path().join("x.tar.gz");
    for length in (0..whole.len()).step_by(37) {
        fs::write(&path, &whole[..length]).unwrap();
        let error = store.import_archive(&path, Existing::Replace).unwrap_err();
        assert!(matches!(error, ArchiveError::Tar(TarError::CutOff)), "{length}: {error:?}");
    }
    let mut damaged = whole;
    let check = damaged.len() - 6;
    damaged[check] ^= 1;
    fs::write(&path, damaged).unwrap();
    assert!(matches!(store.import_archive(&path, Existing::Replace), Err(ArchiveError::Tar(TarError::Read(_)))));
    assert!(matches!(store.import_archive(dir.path(), Existing::Replace), Err(ArchiveError::Tar(TarError::Read(_)))));
    assert!(matches!(store.import_archive(&dir.path().join("none"), Existing::Replace), Err(ArchiveError::Open { .. })));
}

fn imported(root: &str, files: &[(&str, &str)]) -> (Store, tempfile::TempDir, Manifest) {
    let (store, dir) = store();
    let mut made = Made::of(root, files);
    made.member(EntryType::Directory, &format!("{root}lib/demo-0.1.0/priv/empty/"), "", b"");
    made.member(EntryType::Symlink, &format!("{root}lib/demo-0.1.0/priv/link"), "../ebin", b"");
    let manifest = made.import(&store).unwrap().manifest;
    (store, dir, manifest)
}

fn unpack(archive: &Path, tar: &[&str]) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    let output = Command::new(tar[0]).args(&tar[1..]).arg("-xzf").arg(archive).current_dir(to.path()).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    to
}

#[test]
fn an_archive_is_written_as_the_original_unpacks_it() {
    for (root, files) in [("", MIX), ("demo/", RELX)] {
        let (store, _dir, manifest) = imported(root, files);
        let path = store.export_archive(&manifest).unwrap();
        assert_eq!(path, store.root().join("releases/demo_0.1.0.release.tar.gz"));
        for tar in [&["tar"][..], &["busybox", "tar"]] {
            let to = unpack(&path, tar);
            for (name, (mode, digest)) in digests(&manifest) {
                let file = to.path().join(format!("{root}{name}"));
                assert_eq!(Digest::of(&fs::read(&file).unwrap()), digest, "{name}");
                assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, mode, "{name}");
            }
            let private = to.path().join(format!("{root}lib/demo-0.1.0/priv"));
            assert_eq!(fs::read_dir(private.join("empty")).unwrap().count(), 0);
            assert_eq!(fs::read_link(private.join("link")).unwrap(), Path::new("../ebin"));
        }
    }
}

#[test]
fn the_same_release_gives_the_same_bytes_and_reads_back_as_itself() {
    for (root, files) in [("", MIX), ("demo/", RELX)] {
        let (store, dir, manifest) = imported(root, files);
        let path = store.export_archive(&manifest).unwrap();
        let first = fs::read(&path).unwrap();
        let reversed: Vec<_> = files.iter().rev().copied().collect();
        let (other, _dir, same) = imported(root, &reversed);
        assert_eq!(fs::read(other.export_archive(&same).unwrap()).unwrap(), first);
        assert_eq!(fs::read(store.export_archive(&manifest).unwrap()).unwrap(), first, "written over the first one");
        let again = store.import_archive(&path, Existing::Refuse).unwrap();
        assert_eq!((again.manifest.id(), again.left_out.len()), (manifest.id(), 0));
        drop(dir);
    }
}

fn archives(store: &Store) -> Vec<PathBuf> {
    fs::read_dir(store.archives_dir()).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn damaged_content_gives_no_archive_and_an_old_one_stays() {
    let (store, _dir, manifest) = imported("", MIX);
    let path = store.export_archive(&manifest).unwrap();
    let before = fs::read(&path).unwrap();
    damage(&store, &Digest::of(b"secret"));
    let error = store.export_archive(&manifest).unwrap_err();
    assert!(matches!(&error, ArchiveError::Content { path, .. } if path.as_str() == "releases/COOKIE"), "{error:?}");
    assert_eq!(fs::read(&path).unwrap(), before);
    assert_eq!(archives(&store), [path], "nothing half lies beside it");
}

#[test]
fn archives_are_for_their_owner_alone() {
    let (store, _dir, manifest) = imported("", MIX);
    store.export_archive(&manifest).unwrap();
    assert_eq!(fs::metadata(store.archives_dir()).unwrap().permissions().mode() & 0o777, 0o700);
}
