//! A release as data: its manifest.
//!
//! A manifest lists every file of a release with path, mode, size and SHA-256. The content itself is found by digest, so two
//! releases that differ in one module differ in one blob. The same commit built twice gives the same manifest: nothing in it
//! depends on the time, the folder or the machine's name.

pub mod manifest;
pub mod path;

pub use manifest::{BuiltWith, Digest, Entry, EntryKind, Libc, Manifest, ManifestError, ManifestId, Platform, ReleaseKind};
pub use path::RelPath;
