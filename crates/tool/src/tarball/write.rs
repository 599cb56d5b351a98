//! Writing: the same files give the same bytes.

use std::io::{self, Read, Write};

use edeliver_core::release::RelPath;
use flate2::{Compression, GzBuilder, write::GzEncoder};
use tar::{EntryType, Header};

use super::copy::{self, CopyError};

/// Tar's unit: headers have this size, content is filled up to a multiple of it.
const BLOCK: usize = 512;

/// Writes an archive: GNU tar's format (busybox knows no other for long names), times and owners 0. Members stand in the order they are
/// written.
///
/// The headers are put together here, as `tar::Builder` completes the archive when it is dropped, after an error too.
pub struct Writer<P: Packer> {
    to: P,
}

/// What packs an archive, and has to be told of its end.
pub trait Packer: Write {
    /// Where the packed archive goes.
    type Inner;
    /// Ends it, and gives back where it went.
    ///
    /// # Errors
    /// It can't be written.
    fn finish(self) -> io::Result<Self::Inner>;
}

impl<W: Write> Packer for GzEncoder<W> {
    type Inner = W;
    fn finish(self) -> io::Result<W> {
        Self::finish(self)
    }
}

impl<W: Write> Packer for zstd::Encoder<'_, W> {
    type Inner = W;
    fn finish(self) -> io::Result<W> {
        Self::finish(self)
    }
}

impl<W: Write> Writer<GzEncoder<W>> {
    /// An archive that goes to `to`, packed by gzip without name and time. `level`: 1 to 9.
    pub fn gzip(to: W, level: u32) -> Self {
        Self::new(GzBuilder::new().write(to, Compression::new(level)))
    }
}

impl<P: Packer> Writer<P> {
    /// An archive that is packed by this.
    pub fn new(to: P) -> Self {
        Self { to }
    }

    /// Writes a file. `progress` is told the number of bytes of each piece of content.
    ///
    /// # Errors
    /// [`CopyError`]: the content can't be read, is not `size` bytes long, or the archive can't be written. The archive is of no use
    /// after that and must not be finished.
    pub fn file(
        &mut self,
        path: &RelPath,
        mode: u32,
        size: u64,
        content: &mut dyn Read,
        progress: &mut dyn FnMut(u64),
    ) -> Result<(), CopyError> {
        self.member(EntryType::Regular, mode, size, path.as_str(), "").map_err(CopyError::Write)?;
        copy::exactly(content, &mut self.to, size, progress)?;
        self.pad(size).map_err(CopyError::Write)
    }

    /// Writes a symbolic link.
    ///
    /// # Errors
    /// The archive can't be written.
    pub fn link(&mut self, path: &RelPath, target: &str) -> io::Result<()> {
        self.member(EntryType::Symlink, 0o777, 0, path.as_str(), target)
    }

    /// Writes a directory.
    ///
    /// # Errors
    /// The archive can't be written.
    pub fn dir(&mut self, path: &RelPath) -> io::Result<()> {
        self.member(EntryType::Directory, 0o755, 0, &format!("{path}/"), "")
    }

    /// Ends the archive and gives back where it went.
    ///
    /// # Errors
    /// The archive can't be written.
    pub fn finish(mut self) -> io::Result<P::Inner> {
        self.to.write_all(&[0; 2 * BLOCK])?;
        self.to.finish()
    }

    fn member(&mut self, kind: EntryType, mode: u32, size: u64, path: &str, target: &str) -> io::Result<()> {
        let mut header = header(kind, mode, size);
        if let Some(gnu) = header.as_gnu_mut() {
            self.name(EntryType::GNULongName, path, &mut gnu.name)?;
            self.name(EntryType::GNULongLink, target, &mut gnu.linkname)?;
        }
        header.set_cksum();
        self.to.write_all(header.as_bytes())
    }

    /// Puts a name into a header, and all of it into a member before that if it is too long. Shorter ones end with a zero.
    fn name(&mut self, long: EntryType, name: &str, field: &mut [u8; 100]) -> io::Result<()> {
        let kept = name.len().min(field.len());
        field[..kept].copy_from_slice(&name.as_bytes()[..kept]);
        if name.len() < field.len() {
            return Ok(());
        }
        let size = name.len() as u64 + 1;
        let mut header = header(long, 0o644, size);
        if let Some(gnu) = header.as_gnu_mut() {
            gnu.name[..LONG.len()].copy_from_slice(LONG);
        }
        header.set_cksum();
        self.to.write_all(header.as_bytes())?;
        self.to.write_all(name.as_bytes())?;
        self.to.write_all(&[0])?;
        self.pad(size)
    }

    /// Fills up after this many bytes.
    fn pad(&mut self, size: u64) -> io::Result<()> {
        let over = (size % BLOCK as u64) as usize;
        if over == 0 { Ok(()) } else { self.to.write_all(&[0; BLOCK][over..]) }
    }
}

/// The name that GNU tar gives to members with a long name.
const LONG: &[u8] = b"././@LongLink";

fn header(kind: EntryType, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(size);
    header
}
