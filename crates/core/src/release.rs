//! A release as data: its manifest.
//!
//! A manifest lists every file of a release with path, mode, size and SHA-256. The content itself is found by digest, so two
//! releases that differ in one module differ in one blob. The same commit built twice gives the same manifest: nothing in it
//! depends on the time, the folder or the machine's name.
//!
//! A build host reports the files of the assembled release as a listing; [`Found`] says what release they are, and makes the
//! manifest of those that belong to it.

pub mod check;
pub mod digest;
pub mod elf;
pub mod found;
pub mod layout;
pub mod manifest;
pub mod path;
pub mod upgrade;

pub use check::FilesError;
pub use digest::Digest;
pub use found::{Found, FoundError};
pub use manifest::{About, BuiltWith, Content, Entry, EntryKind, Libc, Manifest, ManifestError, ManifestId, Platform, ReleaseKind};
pub use path::RelPath;
pub use upgrade::{Author, Origin, UPGRADE_FORMAT, Upgrade, UpgradeError};
