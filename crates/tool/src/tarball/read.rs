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
    /// [`CopyError::Size`] when the archive is cut off; others as there.
    pub fn copy_to(&mut self, to: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<(), CopyError> {
        match self.kind {
            MemberKind::File { size, .. } => copy::exactly(self.content, to, size, progress),
            MemberKind::Dir | MemberKind::Link { .. } => Ok(()),
        }
    }
}

/// Reads an archive, plain or compressed by gzip.
pub struct Reader<R: Read> {
    from: Watched<Source<R>>,
    ended: Rc<Cell<bool>>,
}

impl<R: Read> Reader<R> {
    /// Looks at the first bytes to tell a compressed archive from a plain one.
    ///
    /// # Errors
    /// [`TarError::Read`]: nothing can be read.
    pub fn new(from: R) -> Result<Self, TarError> {
        let mut from = BufReader::with_capacity(64 * 1024, from);
        let gzip = from.fill_buf().map_err(TarError::Read)?.starts_with(&[0x1f, 0x8b]);
        let inner = if gzip { Source::Gzip(Box::new(MultiGzDecoder::new(from))) } else { Source::Plain(from) };
        let ended = Rc::new(Cell::new(false));
        Ok(Self { from: Watched { inner, ended: Rc::clone(&ended) }, ended })
    }

    /// Gives every member to `each`, in the archive's order, and reads to the end.
    ///
    /// # Errors
    /// [`TarError`], or what `each` says; either ends the reading.
    pub fn members<E: From<TarError>>(self, mut each: impl FnMut(&mut Member<'_>) -> Result<(), E>) -> Result<(), E> {
        let Self { from, ended } = self;
        let failed = |error| failed(&ended, error);
        let mut archive = Archive::new(from);
        let mut extensions = Extensions::default();
        for entry in archive.entries().map_err(failed)?.raw(true) {
            let mut entry = entry.map_err(failed)?;
            if extensions.take(&mut entry).map_err(|error| error.at(&ended))? {
                continue;
            }
            if let Some((path, kind)) = extensions.member(&entry)? {
                each(&mut Member { path, kind, content: &mut entry })?;
            }
        }
        Ok(end(archive.into_inner(), &ended)?)
    }
}

/// Checks that the archive came to its end mark, and reads on to the end of the stream: gzip's own check is there, and who writes
/// it must not find nobody reading.
fn end(mut from: impl Read, ended: &Cell<bool>) -> Result<(), TarError> {
    if ended.get() {
        return Err(TarError::CutOff);
    }
    let rest = io::copy(&mut from.by_ref().take(AFTER_END), &mut io::sink()).map_err(TarError::reading)?;
    if rest == AFTER_END { Err(TarError::Extension("too much behind its end mark")) } else { Ok(()) }
}

fn failed(ended: &Cell<bool>, error: io::Error) -> TarError {
    if ended.get() || error.kind() == io::ErrorKind::UnexpectedEof { TarError::CutOff } else { TarError::Read(error) }
}

impl TarError {
    /// A stream that could not be read.
    pub(crate) fn reading(error: io::Error) -> Self {
        failed(&Cell::new(false), error)
    }
    /// An error met while reading is a cut-off archive if the stream was at its end.
    fn at(self, ended: &Cell<bool>) -> Self {
        match self {
            Self::Read(error) => failed(ended, error),
            other => other,
        }
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

/// Notes when the stream has come to its end: the `tar` crate takes an end at a member's border for the end mark.
struct Watched<R> {
    inner: R,
    ended: Rc<Cell<bool>>,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.ended.set(self.ended.get() || (count == 0 && !buffer.is_empty()));
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
