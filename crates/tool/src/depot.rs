//! Places elsewhere that releases are published to and fetched from: a folder on a host, or a bucket.
//!
//! A depot knows files and content, and nothing of releases: what is asked for, and in which order it is written, is decided in one place
//! ([`crate::store`]) for all of them. Everything here blocks, and is called where that may be ([`crate::store::blocking`]).
//!
//! ```text
//! store/blobs store/manifests store/upgrades   as on this machine
//! APP_VERSION.release.tar.gz                    classic archives, where the original edeliver has them
//! releases/APP_VERSION.release.tar.gz           read as well: a folder that has been somebody's own store
//! ```

mod bucket;
mod error;
mod host;
pub(crate) mod sftp;

use std::{collections::HashMap, fmt, path::Path, sync::Arc, time::Duration};

use edeliver_core::{
    config::HostSpec,
    release::{Content, Digest},
};

pub use bucket::{BucketDepot, Env};
pub use error::DepotError;
pub use host::HostDepot;

use crate::store::{Existing, Intake, Store};

/// A file of a depot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its folder, as it was asked for.
    pub folder: String,
    /// Its name in there.
    pub name: String,
    /// Bytes.
    pub size: u64,
}

/// Where hosts get content by themselves, without a key of ours.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// By its digest: an address that is good for a while, or its name on the store's host.
    pub places: HashMap<Digest, String>,
    /// The store's host, with the store's folder; who fetches from there needs a login.
    pub store: Option<HostSpec>,
}

/// A place elsewhere that keeps what a store has.
pub trait Depot: fmt::Debug + Send + Sync {
    /// What it is called, for people; without secrets.
    fn title(&self) -> String;
    /// The files right in these folders; none where there is no such folder. The empty name is the depot itself.
    ///
    /// # Errors
    /// It can't be asked.
    fn list(&self, folders: &[&str]) -> Result<Vec<Item>, DepotError>;
    /// A small file, whole; `None` if it is not there.
    ///
    /// # Errors
    /// It can't be read.
    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, DepotError>;
    /// Fetches a file into one of this machine, which is whole if this succeeds; `false` if it is not there.
    ///
    /// # Errors
    /// It can't be read, or not be written here.
    fn download(&self, path: &str, to: &Path) -> Result<bool, DepotError>;
    /// Writes a file; nobody ever sees half of it.
    ///
    /// # Errors
    /// [`DepotError::Taken`] if another one has that name and is not to be replaced, or it can't be written.
    fn write(&self, path: &str, content: &[u8], existing: Existing) -> Result<(), DepotError>;
    /// Writes a file of this machine, in place of what is there.
    ///
    /// # Errors
    /// As [`Depot::write`].
    fn upload(&self, from: &Path, path: &str) -> Result<(), DepotError>;
    /// The content of these that is not there.
    ///
    /// # Errors
    /// It can't be asked.
    fn lacking(&self, wanted: &[Digest]) -> Result<Vec<Digest>, DepotError>;
    /// Where hosts get that content by themselves, for a while; nothing where they can't, or shall not.
    fn links(&self, wanted: &[Digest], valid: Duration) -> Links;
    /// Brings content here. What came whole before an error stays, so the next attempt needs less.
    ///
    /// # Errors
    /// Content is not there, is damaged, or the way is.
    fn bring(&self, wanted: &[Content<'_>], to: &Arc<Intake>) -> Result<(), DepotError>;
    /// Takes content of the store on this machine. What arrived before an error stays.
    ///
    /// # Errors
    /// Content is damaged here, or can't be written there.
    fn send(&self, content: &[Content<'_>], from: &Store) -> Result<(), DepotError>;
}

/// Where content lies.
const BLOBS: &str = "store/blobs";

/// Where content lies below [`BLOBS`].
fn blob_name(digest: &Digest) -> String {
    let name = digest.to_string();
    format!("{}/{name}", &name[..2])
}
