//! Compressed terms.

use super::{DecodeError, DecodeErrorKind};
use flate2::{Decompress, FlushDecompress, Status};

/// Most bytes a compressed term may inflate to, 16 MiB.
///
/// zlib can grow a thousandfold and the decoded term some thirty times more. What this crate reads compressed are chunks of
/// modules, the largest of OTP a tenth of this.
pub const MAX_INFLATED: usize = 16 << 20;

/// Inflates zlib data to exactly `size` bytes; returns them and how many bytes of `data` they took.
pub(super) fn inflate(data: &[u8], size: usize, at: usize) -> Result<(Vec<u8>, usize), DecodeError> {
    let error = DecodeErrorKind::Compressed.at(at);
    if size > MAX_INFLATED {
        return Err(error);
    }
    let mut zlib = Decompress::new(true);
    let mut out = Vec::new();
    loop {
        // Grows with what was really inflated, not with what the size claims. One byte more than the size shows an excess.
        out.reserve((size + 1 - out.len()).min(64 << 10));
        let read = usize::try_from(zlib.total_in()).map_err(|_| error)?;
        let before = (read, out.len());
        let status = zlib.decompress_vec(&data[read..], &mut out, FlushDecompress::Finish).map_err(|_| error)?;
        let read = usize::try_from(zlib.total_in()).map_err(|_| error)?;
        match status {
            Status::StreamEnd if out.len() == size => return Ok((out, read)),
            Status::StreamEnd => return Err(error),
            _ if out.len() > size || (read, out.len()) == before => return Err(error),
            _ => {}
        }
    }
}
