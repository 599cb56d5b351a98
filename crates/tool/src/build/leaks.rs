//! Files that name the folder they were built in: they differ from one build host to the next, so the same commit gives another release.

use std::io::Read as _;

use edeliver_erl::beam::Beam;
use flate2::read::GzDecoder;

/// What decompressed files may have at most. Larger ones are no modules.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Whether the content, or what is compressed in it, contains the path.
pub(super) fn names(content: &[u8], path: &str) -> bool {
    let unpacked = unpacked(content);
    let content = unpacked.as_deref().unwrap_or(content);
    String::from_utf8_lossy(content).contains(path) || in_literals(content, path)
}

/// relx compresses every module by itself.
fn unpacked(content: &[u8]) -> Option<Vec<u8>> {
    if !content.starts_with(b"\x1f\x8b") {
        return None;
    }
    let mut unpacked = Vec::new();
    GzDecoder::new(content).take(LARGEST).read_to_end(&mut unpacked).ok()?;
    Some(unpacked)
}

/// Constants of a module are compressed inside of it.
fn in_literals(content: &[u8], path: &str) -> bool {
    let literals = Beam::parse(content).and_then(|beam| beam.literals()).unwrap_or_default();
    literals.iter().any(|term| term.to_string().contains(path))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_path_is_found_in_plain_and_in_compressed_files() {
        assert!(names(b"see /b/uild/x", "/b/uild/"));
        assert!(!names(b"see /b/built", "/b/uild/"));
        assert!(!names(b"/b/uild", "/b/uild/"), "cut off at the end");
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gz.write_all(b"in /b/uild/lib").unwrap();
        assert!(names(&gz.finish().unwrap(), "/b/uild/"));
        assert!(!names(b"\x1f\x8bnot really", "/b/uild/"));
    }
}
