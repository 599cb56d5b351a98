//! Copying a known number of bytes.

use std::io::{self, Read, Write};

/// Bytes moved at once.
const CHUNK: usize = 64 * 1024;

/// Why content was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// It can't be read.
    #[error("reading it failed")]
    Read(#[source] io::Error),
    /// It can't be written.
    #[error("writing it failed")]
    Write(#[source] io::Error),
    /// There are fewer bytes, or more.
    #[error("it has {found} bytes instead of {wanted}, or more")]
    Size {
        /// Bytes expected.
        wanted: u64,
        /// Bytes read before it was noticed.
        found: u64,
    },
}

/// Copies exactly `size` bytes, which must be all there are. The reader is read to its end: a check it makes there is made.
///
/// `progress` is told the number of bytes of each piece.
///
/// # Errors
/// [`CopyError`]; some bytes may have been written.
pub fn exactly(from: &mut dyn Read, to: &mut dyn Write, size: u64, progress: &mut dyn FnMut(u64)) -> Result<(), CopyError> {
    let mut buffer = [0; CHUNK];
    let mut found = 0_u64;
    loop {
        let count = match from.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count.map_err(CopyError::Read)?,
        };
        found += count as u64;
        match count {
            0 if found == size => return Ok(()),
            0 => return Err(CopyError::Size { wanted: size, found }),
            _ if found > size => return Err(CopyError::Size { wanted: size, found }),
            _ => to.write_all(&buffer[..count]).map_err(CopyError::Write)?,
        }
        progress(count as u64);
    }
}
