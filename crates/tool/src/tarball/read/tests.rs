use std::io::Write as _;

use flate2::{Compression, write::GzEncoder};
use tar::{Builder, EntryType, Header};

use super::*;
use crate::tarball::Writer;

/// A member as hostile as it likes, with content.
fn member(to: &mut Vec<u8>, kind: EntryType, name: &[u8], target: &[u8], content: &[u8]) {
    let mut header = Header::new_gnu();
    let gnu = header.as_gnu_mut().unwrap();
    gnu.name[..name.len()].copy_from_slice(name);
    gnu.linkname[..target.len()].copy_from_slice(target);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(content.len() as u64);
    header.set_cksum();
    to.write_all(header.as_bytes()).unwrap();
    to.write_all(content).unwrap();
    to.resize(to.len().next_multiple_of(512), 0);
}

fn file(to: &mut Vec<u8>, name: &str) {
    member(to, EntryType::Regular, name.as_bytes(), b"", b"x");
}

fn ended(mut tar: Vec<u8>) -> Vec<u8> {
    tar.extend([0; 1024]);
    tar
}

fn list(tar: &[u8]) -> Result<Vec<String>, TarError> {
    list_below(tar, 64 << 20)
}

fn list_below(tar: &[u8], limit: u64) -> Result<Vec<String>, TarError> {
    let mut all = Vec::new();
    Reader::new(tar, limit)?.members::<TarError>(|member| {
        let mut content = Vec::new();
        member.copy_to(&mut content, &mut |_| {}).map_err(|error| match error {
            ContentError::Tar(error) => error,
            ContentError::Write(error) => panic!("{error}"),
        })?;
        all.push(format!("{} {:?} {}", member.path, member.kind, String::from_utf8_lossy(&content)));
        Ok(())
    })?;
    Ok(all)
}

/// What is said about an archive with one member.
fn refused(kind: EntryType, name: &[u8]) -> TarError {
    let mut tar = Vec::new();
    member(&mut tar, kind, name, b"target", b"");
    list(&ended(tar)).unwrap_err()
}

#[test]
fn members_come_in_order_with_clean_paths() {
    let mut tar = Vec::new();
    member(&mut tar, EntryType::Directory, b"./", b"", b"");
    member(&mut tar, EntryType::Directory, b"./lib/", b"", b"");
    file(&mut tar, "./lib/a.beam");
    member(&mut tar, EntryType::Symlink, b"lib/b", b"../c", b"");
    member(&mut tar, EntryType::new(0), b"old dir/", b"", b"");
    let wanted = ["lib Dir ", "lib/a.beam File { mode: 420, size: 1 } x", "lib/b Link { target: \"../c\" } ", "old dir Dir "];
    assert_eq!(list(&ended(tar)).unwrap(), wanted);
}

#[test]
fn names_that_leave_or_disturb_are_refused() {
    for name in ["../x", "a/../../x", "/etc/passwd", "a//b", "a/./b", "", ".", "./", "a\nb", "\u{1b}[2J", "a/"] {
        let mut tar = Vec::new();
        member(&mut tar, EntryType::Symlink, name.as_bytes(), b"t", b"");
        assert!(matches!(list(&ended(tar)), Err(TarError::Name(_))), "{name:?}");
    }
    assert!(matches!(refused(EntryType::Regular, b"a\xff"), TarError::Name(NameError { why: "it is not UTF-8", .. })));
    for name in ["../", "/", "/etc/", "a/../", "//"] {
        assert!(matches!(refused(EntryType::Directory, name.as_bytes()), TarError::Name(_)), "{name:?}");
    }
}

#[test]
fn only_files_directories_and_symbolic_links_are_accepted() {
    let kinds = [EntryType::Link, EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::Continuous, EntryType::GNUSparse];
    for kind in kinds.into_iter().chain([EntryType::new(b'M'), EntryType::new(b'V'), EntryType::new(b'Z')]) {
        assert!(matches!(refused(kind, b"x"), TarError::Kind { .. }), "{kind:?}");
    }
}

#[test]
fn long_names_are_read_as_tar_does() {
    let name = format!("{}/{}", "d".repeat(200), "f".repeat(200));
    let mut tar = Vec::new();
    member(&mut tar, EntryType::GNULongName, LONG, b"", format!("{name}\0").as_bytes());
    member(&mut tar, EntryType::GNULongLink, LONG, b"", format!("{name}\0").as_bytes());
    member(&mut tar, EntryType::Symlink, b"short", b"short", b"");
    file(&mut tar, "next");
    let all = list(&ended(tar)).unwrap();
    assert_eq!(all[0], format!("{name} Link {{ target: {name:?} }} "));
    assert!(all[1].starts_with("next "), "a long name is for one member");
}

const LONG: &[u8] = b"././@LongLink";

fn pax(attributes: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    builder.append_pax_extensions(attributes.iter().map(|(key, value)| (*key, value.as_bytes()))).unwrap();
    let mut tar = builder.into_inner().unwrap();
    tar.truncate(tar.len() - 1024);
    tar
}

#[test]
fn attributes_of_pax_are_read() {
    let mut tar = pax(&[("mtime", "1.5"), ("path", "näme"), ("size", "1")]);
    file(&mut tar, "x");
    file(&mut tar, "y");
    assert_eq!(list(&ended(tar)).unwrap(), ["näme File { mode: 420, size: 1 } x", "y File { mode: 420, size: 1 } x"]);
}

#[test]
fn what_tools_read_differently_is_refused() {
    for attributes in [&[("size", "7")][..], &[("size", "x")], &[("path", "a"), ("path", "b")], &[("GNU.sparse.major", "1")]] {
        let mut tar = pax(attributes);
        file(&mut tar, "x");
        assert!(matches!(list(&ended(tar)), Err(TarError::Extension(_))), "{attributes:?}");
    }
    let mut both = pax(&[("path", "a")]);
    member(&mut both, EntryType::GNULongName, LONG, b"", b"b\0");
    file(&mut both, "x");
    assert!(matches!(list(&ended(both)), Err(TarError::Extension(_))));
    let mut global = Vec::new();
    member(&mut global, EntryType::XGlobalHeader, b"pax_global_header", b"", b"12 path=abc\n");
    file(&mut global, "x");
    assert!(matches!(list(&ended(global)), Err(TarError::Extension(_))));
}

#[test]
fn gits_comment_for_all_files_is_passed_over() {
    let mut tar = Vec::new();
    member(&mut tar, EntryType::XGlobalHeader, b"pax_global_header", b"", b"15 comment=abc\n");
    file(&mut tar, "x");
    assert_eq!(list(&ended(tar)).unwrap().len(), 1);
}

#[test]
fn names_of_absurd_length_are_refused_before_they_are_read() {
    for (kind, size) in [(EntryType::GNULongName, 5000), (EntryType::GNULongLink, u64::MAX / 2), (EntryType::XHeader, 1 << 40)] {
        let mut header = Header::new_gnu();
        header.set_entry_type(kind);
        header.set_size(size);
        header.set_cksum();
        let tar = [header.as_bytes().as_slice(), &[0; 20_000]].concat();
        assert!(matches!(list(&tar), Err(TarError::Extension(_))), "{kind:?}");
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

#[test]
fn an_archive_needs_its_end() {
    let mut tar = Vec::new();
    file(&mut tar, "x");
    assert!(matches!(list(&tar), Err(TarError::CutOff)));
    assert!(matches!(list(&gzip(&tar)), Err(TarError::CutOff)));
    let whole = gzip(&ended(tar));
    assert_eq!(list(&whole).unwrap().len(), 1);
    assert!(matches!(list(&whole[..whole.len() - 1]), Err(TarError::CutOff)), "gzip's check is missing");
    let mut damaged = whole;
    let check = damaged.len() - 6;
    damaged[check] ^= 1;
    assert!(matches!(list(&damaged), Err(TarError::Read(_))));
}

#[test]
fn a_header_that_was_changed_is_noticed() {
    let mut tar = Vec::new();
    file(&mut tar, "x");
    tar[0] = b'y';
    assert!(matches!(list(&ended(tar)), Err(TarError::Read(_))));
}

#[test]
fn what_follows_the_end_is_limited() {
    let mut tar = Vec::new();
    file(&mut tar, "x");
    tar.extend(vec![0; 10_240]);
    assert_eq!(list(&tar).unwrap().len(), 1);
    tar.extend(vec![0; 2 << 20]);
    assert!(matches!(list(&gzip(&tar)), Err(TarError::Extension(_))));
}

#[test]
fn what_is_written_is_read() {
    let mut writer = Writer::gzip(Vec::new(), 6);
    let path = |text: &str| text.parse::<RelPath>().unwrap();
    let long = "x".repeat(300);
    writer.file(&path(&long), 0o755, 3, &mut &b"abc"[..], &mut |_| {}).unwrap();
    writer.link(&path("l"), &format!("./{long}")).unwrap();
    writer.dir(&path("d")).unwrap();
    let wanted =
        [format!("{long} File {{ mode: 493, size: 3 }} abc"), format!("l Link {{ target: \"./{long}\" }} "), "d Dir ".to_owned()];
    assert_eq!(list(&writer.finish().unwrap()).unwrap(), wanted);
}

#[test]
fn what_unpacks_to_more_than_expected_is_refused() {
    let mut tar = Vec::new();
    member(&mut tar, EntryType::Regular, b"zeros", b"", &vec![0; 3 << 20]);
    file(&mut tar, "x");
    let bomb = gzip(&ended(tar));
    assert!(bomb.len() < 100_000);
    assert_eq!(list_below(&bomb, 4 << 20).unwrap().len(), 2);
    for limit in [1, 600, 1 << 20, 3 << 20] {
        assert!(matches!(list_below(&bomb, limit), Err(TarError::TooBig { limit: l }) if l == limit), "{limit}");
    }
    let mut headers = Vec::new();
    (0..10_000).for_each(|_| member(&mut headers, EntryType::Directory, b"./", b"", b""));
    assert!(matches!(list_below(&gzip(&ended(headers)), 4 << 20), Err(TarError::TooBig { .. })));
}
