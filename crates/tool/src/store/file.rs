//! Files that appear whole or not at all.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use tempfile::{NamedTempFile, TempPath};

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
        path.parent().map_or(Ok(()), sync)
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

/// Files that are written and wait to be put in their places together. Gone when dropped.
#[derive(Default)]
pub(super) struct Batch {
    /// Closed: there may be more of them than a process may have open.
    files: Vec<(TempPath, PathBuf)>,
    bytes: u64,
}

impl Batch {
    /// Adds a file of this size.
    pub(super) fn add(&mut self, file: Unfinished, path: PathBuf, bytes: u64) -> Result<(), StoreError> {
        if !SYNC_FS {
            file.temp.as_file().sync_all().map_err(StoreError::io("written", &path))?;
        }
        self.files.push((file.temp.into_temp_path(), path));
        self.bytes += bytes;
        Ok(())
    }
    /// Bytes of the files that wait.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }
    /// How many they are.
    pub(super) fn files(&self) -> usize {
        self.files.len()
    }
    /// Puts them in their places. When this returns, they survive a power cut; none is in its place before its content is on disk.
    pub(super) fn place(&mut self, tmp: &Path) -> Result<(), StoreError> {
        let files = std::mem::take(&mut self.files);
        self.bytes = 0;
        let dirs: HashSet<PathBuf> = files.iter().filter_map(|(_, path)| path.parent().map(Path::to_owned)).collect();
        if files.is_empty() {
            return Ok(());
        }
        sync_fs(tmp).map_err(StoreError::io("written", tmp))?;
        for (temp, path) in files {
            temp.persist(&path).map_err(|error| StoreError::io("written", path)(error.error))?;
        }
        if SYNC_FS {
            return sync_fs(tmp).map_err(StoreError::io("written", tmp));
        }
        dirs.into_iter().try_for_each(|dir| sync(&dir).map_err(StoreError::io("written", dir)))
    }
}

/// Whether the file system can be synced as a whole.
const SYNC_FS: bool = cfg!(target_os = "linux");

/// Brings everything on this folder's file system to disk.
#[cfg(target_os = "linux")]
fn sync_fs(dir: &Path) -> io::Result<()> {
    Ok(rustix::fs::syncfs(File::open(dir)?)?)
}
#[cfg(not(target_os = "linux"))]
fn sync_fs(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Writes a whole file.
pub(super) fn write(tmp: &Path, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let mut file = Unfinished::begin(tmp)?;
    file.write_all(bytes).map_err(StoreError::io("written", path))?;
    file.place(path)
}

/// Brings a folder's entries to disk.
fn sync(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
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
