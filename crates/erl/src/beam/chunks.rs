//! The IFF form around the chunks.

use super::BeamError;
use flate2::read::{GzDecoder, ZlibDecoder};
use std::borrow::Cow;
use std::io::Read;
use std::ops::Range;

/// Most bytes a compressed module or table of literals may inflate to, 64 MiB; the largest module of OTP has 2.
pub(super) const MAX_INFLATED: usize = 64 << 20;

/// The chunks of a file.
#[derive(Debug, Clone)]
pub(super) struct Chunks<'a> {
    bytes: Cow<'a, [u8]>,
    chunks: Vec<([u8; 4], Range<usize>)>,
}

impl<'a> Chunks<'a> {
    /// `FOR1`, size, `BEAM`, then chunks of name, size and data, each filled up to a multiple of four bytes.
    pub(super) fn parse(file: &'a [u8]) -> Result<Self, BeamError> {
        let bytes = if file.starts_with(&[0x1f, 0x8b]) { Cow::Owned(gunzip(file)?) } else { Cow::Borrowed(file) };
        let size = u32_at(&bytes, 4).filter(|_| bytes.starts_with(b"FOR1") && bytes.get(8..12) == Some(b"BEAM"));
        let end = size.and_then(|size| size.checked_add(8)).filter(|end| *end <= bytes.len()).ok_or(BeamError::NotBeam)?;
        let mut chunks = Vec::with_capacity(16);
        let mut at = 12;
        while at < end {
            let (name, data) = chunk_at(&bytes[..end], at).ok_or(BeamError::NotBeam)?;
            at = data.end.next_multiple_of(4);
            chunks.push((name, data));
        }
        Ok(Self { bytes, chunks })
    }

    /// Data of the chunk; of two with a name, the first.
    pub(super) fn get(&self, name: &str) -> Option<&[u8]> {
        let (_, data) = self.chunks.iter().find(|(id, _)| id == name.as_bytes())?;
        Some(&self.bytes[data.clone()])
    }

    pub(super) fn required(&self, name: &'static str) -> Result<&[u8], BeamError> {
        self.get(name).ok_or(BeamError::Missing(name))
    }

    pub(super) fn names(&self) -> impl Iterator<Item = String> {
        self.chunks.iter().map(|(id, _)| String::from_utf8_lossy(id).into_owned())
    }
}

fn chunk_at(bytes: &[u8], at: usize) -> Option<([u8; 4], Range<usize>)> {
    let name = bytes.get(at..)?.first_chunk()?;
    let start = at + 8;
    let end = start.checked_add(u32_at(bytes, at + 4)?)?;
    (end <= bytes.len()).then_some((*name, start..end))
}

/// A number that stands for a size, big-endian.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<usize> {
    let word = bytes.get(at..)?.first_chunk()?;
    usize::try_from(u32::from_be_bytes(*word)).ok()
}

/// Modules are compressed one by one by `beam_lib:strip/1` and the compiler's option `compressed`.
fn gunzip(file: &[u8]) -> Result<Vec<u8>, BeamError> {
    read_limited(GzDecoder::new(file)).ok_or(BeamError::Gzip)
}

/// Inflates zlib data; none if it is damaged or too large.
pub(super) fn inflate(data: &[u8]) -> Option<Vec<u8>> {
    read_limited(ZlibDecoder::new(data))
}

fn read_limited(reader: impl Read) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let limit = MAX_INFLATED as u64 + 1; // one more shows that there is more
    reader.take(limit).read_to_end(&mut out).ok()?;
    (out.len() <= MAX_INFLATED).then_some(out)
}
