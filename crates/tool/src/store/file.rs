//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::NamedTempFile;

use super::StoreError;

/// A file being written, under a temporary name in `tmp`, which lies on the file system of its future place. Gone when dropped.
pub(super) struct Unfinished {
    temp: NamedTempFile,
}

impl Unfinished {
    /// Begins a file.
    pub(super) fn begin(tmp: &Path) -> Result<Self, StoreError> {
        let temp = NamedTempFile::new_in(tmp).map_err(StoreError::io("written", tmp))?;
        Ok(Self { temp })
    }
    /// Puts it in its place, replacing what is there. When this returns, it survives a power cut.
    pub(super) fn place(self, path: &Path) -> Result<(), StoreError> {
        let failed = StoreError::io("written", path);
        self.persist(path).map_err(failed)
    }
    fn persist(self, path: &Path) -> io::Result<()> {
        self.temp.as_file().sync_all()?;
        self.temp.persist(path).map_err(|error| error.error)?;
        sync_dir(path)
    }
}
impl io::Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.temp.as_file_mut().write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.temp.as_file_mut().flush()
    }
}

/// Writes a whole file.
pub(super) fn write(tmp: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = Unfinished::begin(tmp)?;
    file.write_all(bytes).map_err(StoreError::io("written", path))?;
    file.place(path)
}

/// Makes the entry of a new file durable.
fn sync_dir(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Makes a folder and those above it.
pub(super) fn make_dirs(dir: &Path) -> Result<(), StoreError> {
    fs::create_dir_all(dir).map_err(StoreError::io("made", dir))
}

/// The names in a folder; none if there is no such folder.
pub(super) fn names(dir: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = match fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(StoreError::io("listed", dir))?,
    };
    entries.map(|entry| Ok(entry.map_err(StoreError::io("listed", dir))?.path())).collect()
}
