//! Reading: hostile until checked.

use std::{
    cell::Cell,
    io::{self, BufRead as _, BufReader, Read, Write},
    rc::Rc,
};

use edeliver_core::{name::NameError, release::RelPath};
use flate2::bufread::MultiGzDecoder;
use tar::Archive;

use super::copy::{self, CopyError};

mod extension;

use extension::Extensions;

/// What may follow the end mark (archivers fill up to a block of their own).
const AFTER_END: u64 = 1024 * 1024;

/// Why an archive can't be read, or must not be.
#[derive(Debug, thiserror::Error)]
pub enum TarError {
    /// It ends before its end mark.
    #[error("the archive is cut off")]
    CutOff,
    /// No archive, damaged, or unreadable.
    #[error("the archive can't be read")]
    Read(#[source] io::Error),
    /// A name that leaves the archive or disturbs.
    #[error("the archive has a file whose name can't be used")]
    Name(#[source] NameError),
    /// Neither file nor directory nor symbolic link.
    #[error("{path} is {what}, which is not accepted")]
    Kind {
        /// Its path.
        path: RelPath,
        /// What it is, with its article.
        what: &'static str,
    },
    /// It unpacks to more than anybody expects.
    #[error("the archive unpacks to more than {limit} bytes")]
    TooBig {
        /// The limit.
        limit: u64,
    },
    /// Names or attributes of a size that no honest archive has, or in a form that tools read differently.
    #[error("the archive has {0}")]
    Extension(&'static str),
}

/// One member of an archive.
pub struct Member<'a> {
    /// Its path, without `./` in front.
    pub path: RelPath,
    /// What it is.
    pub kind: MemberKind,
    content: &'a mut dyn Read,
    watch: &'a Watch,
}

/// What a member is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberKind {
    /// A regular file.
    File {
        /// Permission bits.
        mode: u32,
        /// Bytes, as the archive says.
        size: u64,
    },
    /// A directory.
    Dir,
    /// A symbolic link.
    Link {
        /// Its text.
        target: String,
    },
}

impl Member<'_> {
    /// Copies the content of a file.
    ///
    /// # Errors
    /// [`ContentError`]; some of it may have been written.
    pub fn copy_to(&mut self, to: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<(), ContentError> {
        let MemberKind::File { size, .. } = self.kind else { return Ok(()) };
        copy::exactly(self.content, to, size, progress).map_err(|error| match error {
            // The `tar` crate gives as many bytes as there are.
            CopyError::Size { .. } => TarError::CutOff.into(),
            CopyError::Read(error) => self.watch.meaning(error).into(),
            CopyError::Write(error) => ContentError::Write(error),
        })
    }
}

/// Why the content of a member was not copied.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The archive is to blame.
    #[error(transparent)]
    Tar(#[from] TarError),
    /// It can't be written.
    #[error("writing it failed")]
    Write(#[source] io::Error),
}

/// Reads an archive, plain or compressed by gzip.
pub struct Reader<R: Read> {
    from: Watched<Source<R>>,
    watch: Rc<Watch>,
}

impl<R: Read> Reader<R> {
    /// Looks at the first bytes to tell a compressed archive from a plain one. Unpacked, the archive with all its headers may have
    /// `limit` bytes: a few KB of gzip can hold a thousand times as much.
    ///
    /// # Errors
    /// [`TarError::Read`]: nothing can be read.
    pub fn new(from: R, limit: u64) -> Result<Self, TarError> {
        let mut from = BufReader::with_capacity(64 * 1024, from);
        let gzip = from.fill_buf().map_err(TarError::reading)?.starts_with(&[0x1f, 0x8b]);
        let inner = if gzip { Source::Gzip(Box::new(MultiGzDecoder::new(from))) } else { Source::Plain(from) };
        let watch = Rc::new(Watch { ended: Cell::new(false), left: Cell::new(limit), limit });
        Ok(Self { from: Watched { inner, watch: Rc::clone(&watch) }, watch })
    }

    /// Gives every member to `each`, in the archive's order, and reads to the end.
    ///
    /// # Errors
    /// [`TarError`], or what `each` says; either ends the reading.
    pub fn members<E: From<TarError>>(self, mut each: impl FnMut(&mut Member<'_>) -> Result<(), E>) -> Result<(), E> {
        let Self { from, watch } = self;
        let mut archive = Archive::new(from);
        let mut extensions = Extensions::default();
        for entry in archive.entries().map_err(|error| watch.meaning(error))?.raw(true) {
            let mut entry = entry.map_err(|error| watch.meaning(error))?;
            if extensions.take(&mut entry, &watch)? {
                continue;
            }
            if let Some((path, kind)) = extensions.member(&entry)? {
                each(&mut Member { path, kind, content: &mut entry, watch: &watch })?;
            }
        }
        Ok(end(archive.into_inner(), &watch)?)
    }
}

/// Checks that the archive came to its end mark, and reads on to the end of the stream: gzip's own check is there, and who writes
/// it must not find nobody reading.
fn end(mut from: impl Read, watch: &Watch) -> Result<(), TarError> {
    if watch.ended.get() {
        return Err(TarError::CutOff);
    }
    let rest = io::copy(&mut from.by_ref().take(AFTER_END), &mut io::sink()).map_err(|error| watch.meaning_at_end(error))?;
    if rest == AFTER_END { Err(TarError::Extension("too much behind its end mark")) } else { Ok(()) }
}

impl TarError {
    /// A stream that could not be read.
    fn reading(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::UnexpectedEof { Self::CutOff } else { Self::Read(error) }
    }
}

/// What is known of a stream besides its bytes.
struct Watch {
    /// It came to its end. The `tar` crate takes an end at a member's border for the end mark.
    ended: Cell<bool>,
    /// Bytes that may still come.
    left: Cell<u64>,
    limit: u64,
}

impl Watch {
    /// What an error means that was met while members were read.
    fn meaning(&self, error: io::Error) -> TarError {
        if self.ended.get() { TarError::CutOff } else { self.meaning_at_end(error) }
    }
    fn meaning_at_end(&self, error: io::Error) -> TarError {
        if self.left.get() == 0 { TarError::TooBig { limit: self.limit } } else { TarError::reading(error) }
    }
}

/// Notes what passes.
struct Watched<R> {
    inner: R,
    watch: Rc<Watch>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() {
            self.watch.ended.set(true);
        }
        let left = self.watch.left.get().saturating_sub(count as u64);
        self.watch.left.set(left);
        if left == 0 { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(count) }
    }
}

/// A plain or a compressed archive.
enum Source<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(from) => from.read(buffer),
            Self::Gzip(from) => from.read(buffer),
        }
    }
}

#[cfg(test)]
mod tests;
