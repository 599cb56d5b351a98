use proptest::prelude::*;

use super::*;

/// A shared object as `ld` makes it, reduced to what is read here: x86_64, one library, two versions.
fn sample(loader: Option<&str>, versions: &[&str]) -> Vec<u8> {
    let mut strings = b"\0libc.so.6\0".to_vec();
    let names: Vec<_> = versions.iter().map(|version| push_text(&mut strings, version)).collect();
    let interp = loader.map(|loader| push_text(&mut strings, loader));
    let (table, text, need, dynamic) = (64_u64, 0x1000_u64, 0x2000_u64, 0x3000_u64);
    let mut file = vec![0; 0x4000];
    let mut put = |at: u64, bytes: &[u8]| file[at as usize..at as usize + bytes.len()].copy_from_slice(bytes);
    put(0, b"\x7fELF\x02\x01\x01");
    put(18, &62_u16.to_le_bytes());
    put(32, &table.to_le_bytes());
    put(54, &56_u16.to_le_bytes());
    put(56, &3_u16.to_le_bytes());
    // Loaded at an address that is not its offset.
    for (index, (kind, at, address, size)) in [
        (1_u32, 0, 0x40_0000, 0x4000),
        (2, dynamic, 0x40_3000, 64),
        (if loader.is_some() { 3 } else { 9 }, text + interp.unwrap_or(0), 0, 0),
    ]
    .into_iter()
    .enumerate()
    {
        let header = table + 56 * index as u64;
        put(header, &kind.to_le_bytes());
        put(header + 8, &u64::to_le_bytes(at));
        put(header + 16, &u64::to_le_bytes(address));
        put(header + 32, &u64::to_le_bytes(size));
    }
    put(text, &strings);
    put(need + 2, &(versions.len() as u16).to_le_bytes());
    put(need + 8, &16_u32.to_le_bytes());
    for (index, name) in names.iter().enumerate() {
        put(need + 16 + 16 * index as u64 + 8, &(*name as u32).to_le_bytes());
        put(need + 16 + 16 * index as u64 + 12, &16_u32.to_le_bytes());
    }
    for (index, (tag, value)) in [(DT_STRTAB, 0x40_0000 + text), (DT_VERNEED, 0x40_0000 + need)].into_iter().enumerate() {
        put(dynamic + 16 * index as u64, &tag.to_le_bytes());
        put(dynamic + 16 * index as u64 + 8, &value.to_le_bytes());
    }
    file
}

fn push_text(strings: &mut Vec<u8>, text: &str) -> u64 {
    let at = strings.len() as u64;
    strings.extend_from_slice(text.as_bytes());
    strings.push(0);
    at
}

fn glibc(version: &str) -> Option<Libc> {
    Some(Libc::Glibc(version.to_owned()))
}

#[test]
fn the_newest_symbol_version_counts() {
    let elf = Elf::read(&sample(Some("/lib64/ld-linux-x86-64.so.2"), &["GLIBC_2.2.5", "GLIBC_2.34", "GLIBC_2.4"])).unwrap();
    assert_eq!(elf, Elf { arch: "x86_64", libc: glibc("2.34") });
    let plug_in = Elf::read(&sample(None, &["GLIBC_2.17", "GLIBC_PRIVATE"])).unwrap();
    assert_eq!(plug_in.libc, glibc("2.17"));
}

#[test]
fn musl_is_known_by_its_loader() {
    assert_eq!(Elf::read(&sample(Some("/lib/ld-musl-x86_64.so.1"), &[])).unwrap().libc, Some(Libc::Musl));
    assert_eq!(Elf::read(&sample(None, &[])).unwrap().libc, None);
}

#[test]
fn a_release_needs_what_all_its_executables_need() {
    let elf = |libc| Elf { arch: "aarch64", libc };
    let platform = Platform::of([elf(None), elf(glibc("2.9")), elf(glibc("2.34")), elf(glibc("2.17"))]);
    assert_eq!(platform, Platform { os: "linux".into(), arch: "aarch64".into(), libc: Libc::Glibc("2.34".into()) });
    assert_eq!(Platform::of([]), Platform::anywhere());
}

proptest! {
    #[test]
    fn a_broken_file_is_no_reason_to_panic(at in 0_usize..0x4000, value: u8, cut in 0_usize..0x4000) {
        let mut file = sample(Some("/lib64/ld-linux-x86-64.so.2"), &["GLIBC_2.34"]);
        file[at] = value;
        let _ = Elf::read(&file);
        file.truncate(cut);
        let _ = Elf::read(&file);
        // The fields that are read lie close together: a second blow there hits one of them.
        let mut file = sample(None, &["GLIBC_2.34"]);
        for offset in [at % 0x60, 64 + at % 168, 0x2000 + at % 48, 0x3000 + at % 32] {
            file[offset] = value;
        }
        let _ = Elf::read(&file);
    }
}
