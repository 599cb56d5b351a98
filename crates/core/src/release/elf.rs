//! What machine an executable was made for, from its ELF header and dynamic section.
//!
//! Layout of the structures: the System V ABI, and for symbol versions the Linux Standard Base (`.gnu.version_r`).

use super::{Libc, Platform};

/// What one ELF file asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elf {
    /// As `uname -m` calls the machine.
    pub arch: &'static str,
    /// The C library; `None` when nothing in the file says which (a plug-in that is loaded by something else may not).
    pub libc: Option<Libc>,
}

/// The first bytes of every ELF file.
pub const MAGIC: &[u8] = b"\x7fELF";

const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const DT_STRTAB: u64 = 5;
const DT_VERNEED: u64 = 0x6fff_fffe;

impl Elf {
    /// Reads a whole ELF file; `None` if it is none, or a broken one.
    pub fn read(file: &[u8]) -> Option<Self> {
        let reader = Reader::new(file)?;
        let segments = reader.segments()?;
        let libc = match (loader(&reader, &segments), newest_glibc(&reader, &segments)) {
            (None | Some(Libc::Glibc(_)), Some(newest)) => Some(Libc::Glibc(newest.to_owned())),
            (loader, _) => loader,
        };
        Some(Self { arch: reader.arch()?, libc })
    }
}

impl Platform {
    /// The platform that executables need together: the machine and C library of the first that names them, and of the GNU
    /// libc the newest version that any of them asks for. Without executables: a release that runs anywhere.
    pub fn of(executables: impl IntoIterator<Item = Elf>) -> Self {
        let mut platform = Self::anywhere();
        for Elf { arch, libc } in executables {
            if platform.os == Self::ANY {
                (platform.os, platform.arch) = ("linux".to_owned(), arch.to_owned());
            }
            platform.libc = match (platform.libc, libc) {
                (Libc::Glibc(a), Some(Libc::Glibc(b))) => Libc::Glibc(newer(a, b)),
                (Libc::Other, Some(first)) => first,
                (libc, _) => libc,
            };
        }
        platform
    }
}

fn newer(a: String, b: String) -> String {
    if numbers(&a) < numbers(&b) { b } else { a }
}

/// The program's loader is named after its C library.
fn loader(reader: &Reader<'_>, segments: &[Segment]) -> Option<Libc> {
    let interp = segments.iter().find(|segment| segment.kind == PT_INTERP)?;
    let name = reader.text(interp.offset)?;
    let name = name.rsplit('/').next().unwrap_or(name);
    Some(match name {
        musl if musl.starts_with("ld-musl") => Libc::Musl,
        glibc if glibc.starts_with("ld-linux") || glibc.starts_with("ld64.so") => Libc::Glibc("2.0".to_owned()),
        _ => Libc::Other,
    })
}

/// The newest `GLIBC_x.y` that its symbols are bound to.
fn newest_glibc<'a>(reader: &Reader<'a>, segments: &[Segment]) -> Option<&'a str> {
    let names = needed_versions(reader, segments)?;
    let versions = names.iter().filter_map(|name| name.strip_prefix("GLIBC_"));
    versions.filter(|version| version.starts_with(|first: char| first.is_ascii_digit())).max_by_key(|version| numbers(version))
}

fn numbers(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// The names in `.gnu.version_r`: a list of libraries, each with a list of versions, linked by relative offsets.
fn needed_versions<'a>(reader: &Reader<'a>, segments: &[Segment]) -> Option<Vec<&'a str>> {
    let dynamic = segments.iter().find(|segment| segment.kind == PT_DYNAMIC)?;
    let strings = reader.at(segments, reader.dynamic(dynamic, DT_STRTAB)?)?;
    let mut need = reader.at(segments, reader.dynamic(dynamic, DT_VERNEED)?)?;
    let mut names = Vec::new();
    loop {
        let mut version = need.checked_add(reader.int(need, 8, 4)?)?;
        for _ in 0..reader.int(need, 2, 2)? {
            names.push(reader.text(strings.checked_add(reader.int(version, 8, 4)?)?)?);
            version = version.checked_add(reader.int(version, 12, 4)?)?;
        }
        match reader.int(need, 12, 4)? {
            0 => return Some(names),
            _ if names.len() > VERSIONS_LIMIT => return None,
            next => need = need.checked_add(next)?,
        }
    }
}

/// No real file needs that many versions; a hostile one could link its list into a circle.
const VERSIONS_LIMIT: usize = 1000;

struct Segment {
    kind: u64,
    offset: u64,
    address: u64,
    size: u64,
}

/// Numbers and texts of an ELF file, in its own word size and byte order; reading past the end gives `None`.
struct Reader<'a> {
    file: &'a [u8],
    wide: bool,
    little: bool,
}

impl<'a> Reader<'a> {
    fn new(file: &'a [u8]) -> Option<Self> {
        let header = file.strip_prefix(MAGIC)?;
        let wide = matches!(header.first()?, 2);
        let little = matches!(header.get(1)?, 1);
        Some(Self { file, wide, little })
    }

    fn arch(&self) -> Option<&'static str> {
        Some(match (self.int(0, 18, 2)?, self.little) {
            (3, _) => "i686",
            (21, true) => "ppc64le",
            (21, false) => "ppc64",
            (22, _) => "s390x",
            (40, _) => "armv7l",
            (62, _) => "x86_64",
            (183, _) => "aarch64",
            (243, _) => "riscv64",
            (258, _) => "loongarch64",
            _ => "other",
        })
    }

    /// The number of `len` bytes in the field at `field` of the structure at `base`.
    fn int(&self, base: u64, field: u64, len: u64) -> Option<u64> {
        let start = usize::try_from(base.checked_add(field)?).ok()?;
        let end = start.checked_add(usize::try_from(len).ok()?)?;
        let bytes = self.file.get(start..end)?.iter().map(|byte| u64::from(*byte));
        let add = |sum: u64, byte| sum << 8 | byte;
        Some(if self.little { bytes.rev().fold(0, add) } else { bytes.fold(0, add) })
    }

    fn word(&self, base: u64, field: u64) -> Option<u64> {
        self.int(base, field, if self.wide { 8 } else { 4 })
    }

    /// The text up to the next zero byte.
    fn text(&self, offset: u64) -> Option<&'a str> {
        let rest = self.file.get(usize::try_from(offset).ok()?..)?;
        let end = rest.iter().take(4096).position(|byte| *byte == 0)?;
        std::str::from_utf8(&rest[..end]).ok()
    }

    fn segments(&self) -> Option<Vec<Segment>> {
        let (table, entry, count) = if self.wide {
            (self.word(0, 32)?, self.int(0, 54, 2)?, self.int(0, 56, 2)?)
        } else {
            (self.word(0, 28)?, self.int(0, 42, 2)?, self.int(0, 44, 2)?)
        };
        (0..count).map(|index| self.segment(table.checked_add(index * entry)?)).collect()
    }

    fn segment(&self, at: u64) -> Option<Segment> {
        let [offset, address, size] = (if self.wide { [8, 16, 32] } else { [4, 8, 16] }).map(|field| self.word(at, field));
        Some(Segment { kind: self.int(at, 0, 4)?, offset: offset?, address: address?, size: size? })
    }

    /// The value of an entry in the dynamic section, which is a list of pairs of words.
    fn dynamic(&self, section: &Segment, tag: u64) -> Option<u64> {
        let word = if self.wide { 8 } else { 4 };
        let tags = (0..section.size / (2 * word)).map(|index| index * 2 * word);
        let field = tags.map_while(|field| Some((field, self.word(section.offset, field)?))).find(|(_, found)| *found == tag)?.0;
        self.word(section.offset, field + word)
    }

    /// The file offset of an address in memory.
    fn at(&self, segments: &[Segment], address: u64) -> Option<u64> {
        let holds =
            |segment: &&Segment| segment.kind == PT_LOAD && segment.address <= address && address - segment.address < segment.size;
        let segment = segments.iter().find(holds)?;
        segment.offset.checked_add(address - segment.address)
    }
}

#[cfg(test)]
mod tests;
