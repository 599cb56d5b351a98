//! What the host is known to have that is much like what travels, from our own store.

use std::{convert::Infallible, io::Read as _, iter, sync::Arc};

use edeliver_core::{
    release::RelPath,
    step::{Base, Packing, Stage},
};

use super::super::Contents;
use crate::{store::Store, store::blocking, transfer};

/// How the stream to a host is packed, and what the host does to unpack it.
#[derive(Debug, Clone, Default)]
pub(super) struct Packed {
    pub(super) packing: transfer::Packing,
    /// Files there whose content, one after the other, is what the stream is the difference from.
    paths: Vec<RelPath>,
}

impl Packed {
    /// The best that the host can unpack.
    pub(super) async fn of(stage: &Stage, contents: &Contents) -> Self {
        let Packing::Zstd(bases) = &stage.packing else { return Self::default() };
        let (bases, store) = (bases.clone(), contents.store.clone());
        let read = blocking(move || Ok::<_, Infallible>(read(&store, bases))).await;
        let (paths, base) = read.unwrap_or_else(|never| match never {});
        Self { packing: transfer::Packing::Zstd(base), paths }
    }
    /// For the script: how it is packed, and where the bases are.
    pub(super) fn args(&self) -> impl Iterator<Item = String> {
        let name = match self.packing {
            transfer::Packing::Gzip => "gzip",
            transfer::Packing::Zstd(_) => "zstd",
        };
        iter::once(name.to_owned()).chain(self.paths.iter().map(RelPath::to_string))
    }
}

/// Those that we have too, whole.
fn read(store: &Store, bases: Vec<Base>) -> (Vec<RelPath>, Arc<[u8]>) {
    let (mut paths, mut all) = (Vec::new(), Vec::new());
    for base in bases {
        let before = all.len();
        match store.open_blob(&base.sha256).map(|mut blob| blob.read_to_end(&mut all)) {
            Ok(Ok(1..)) => paths.push(base.path),
            Ok(Ok(0) | Err(_)) | Err(_) => all.truncate(before),
        }
    }
    (paths, all.into())
}
