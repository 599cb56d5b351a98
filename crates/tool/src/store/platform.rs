//! The platform of a release, from the executables in it.

use std::io::Read;

use edeliver_core::release::{
    Content, Digest, Platform,
    elf::{Elf, MAGIC},
};

use super::{BlobReader, StoreError};

/// Executables above this size are not looked at: the runtime system has 4 MB, the largest plug-ins some 100.
const LARGEST: u64 = 512 << 20;

/// The platform that the executables among these files need. `open` gives the content of one.
pub(super) fn of<'a>(
    files: impl IntoIterator<Item = Content<'a>>,
    open: impl Fn(&Digest) -> Result<BlobReader, StoreError>,
) -> Result<Platform, StoreError> {
    let mut executables = Vec::new();
    for file in files.into_iter().filter(may_be_executable) {
        executables.extend(open(&file.sha256)?.elf()?);
    }
    Ok(Platform::of(executables))
}

/// Programs have the mode of programs; plug-ins are loaded from `priv` and may have any.
fn may_be_executable(file: &Content<'_>) -> bool {
    let path = file.path.as_str();
    let plug_in = path.contains("/priv/") && path.contains(".so");
    file.size > MAGIC.len() as u64 && file.size <= LARGEST && (file.mode & 0o100 != 0 || plug_in)
}

impl BlobReader {
    fn elf(mut self) -> Result<Option<Elf>, StoreError> {
        let mut bytes = vec![0; MAGIC.len()];
        let read = self.read_exact(&mut bytes).and_then(|()| match bytes == MAGIC {
            true => self.read_to_end(&mut bytes).map(drop),
            false => Ok(()),
        });
        read.map_err(|error| self.error(error))?;
        Ok(Elf::read(&bytes))
    }
}
