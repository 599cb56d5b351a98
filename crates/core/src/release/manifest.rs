//! The manifest: identity, origin, platform and files of one release.

use serde::{Deserialize, Serialize};

use super::{Digest, FilesError, RelPath, check};
use crate::name::{AppName, CommitId, Version};

/// The format written; readers refuse a newer one with a clear word.
pub const FORMAT: u32 = 1;

/// The digest of a manifest's canonical JSON: two releases with the same id are the same release, bit for bit.
pub type ManifestId = Digest;

/// Which tool's layout and start script the release has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReleaseKind {
    /// `mix release` (Elixir 1.9 and later): `bin/APP` reads `releases/start_erl.data`.
    Mix,
    /// relx, as rebar3 uses it: `bin/APP` has the version written into it.
    Relx,
    /// Distillery 2.
    Distillery,
}

/// What the release was made by and from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BuiltWith {
    /// OTP release, e.g. `25`.
    pub otp: String,
    /// Version of the runtime system inside (`13.1.5`); `None` when the release has no runtime of its own.
    pub erts: Option<String>,
    /// Elixir version, for projects that use it.
    pub elixir: Option<String>,
}

/// The C library a release's runtime needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "version")]
pub enum Libc {
    /// GNU libc: on a build, the newest symbol version its executables ask for; on a host, what is installed (`2.36`).
    Glibc(String),
    /// musl, which promises no such versions.
    Musl,
    /// Another one or none that could be recognised.
    Other,
}

/// The machine a release runs on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// `uname -s` in lower case: `linux`. Of a release without executables: [`Platform::ANY`].
    pub os: String,
    /// `uname -m`: `x86_64`, `aarch64`. Of a release without executables: [`Platform::ANY`].
    pub arch: String,
    /// The C library.
    pub libc: Libc,
}

impl Platform {
    /// Stands for every system and machine.
    pub const ANY: &str = "any";

    /// The platform of a release that has no executables.
    pub fn anywhere() -> Self {
        Self { os: Self::ANY.to_owned(), arch: Self::ANY.to_owned(), libc: Libc::Other }
    }
}

/// One file of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Where it lies below the release root.
    pub path: RelPath,
    /// What it is.
    #[serde(flatten)]
    pub kind: EntryKind,
}

/// Content of an entry. Directories are implied by paths; empty ones are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum EntryKind {
    /// A regular file.
    File {
        /// Permission bits: 0o755 or 0o644 (owner's write and execute bits decide), so that umask changes nothing.
        mode: u32,
        /// Bytes.
        size: u64,
        /// SHA-256 of the content.
        sha256: Digest,
    },
    /// A symbolic link to another path of the same release (never outside of it).
    Link {
        /// The link's text, relative.
        target: String,
    },
    /// A directory with nothing in it.
    EmptyDir {
        /// Always `true`; keeps the JSON form distinct.
        dir: bool,
    },
}

/// One release: what it is, what it was made from, where it runs, and all its files sorted by path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// Release name.
    pub app: AppName,
    /// Release version, an output of the build.
    pub version: Version,
    /// Layout and start script.
    pub kind: ReleaseKind,
    /// The commit it was built from; `None` for an imported archive.
    pub commit: Option<CommitId>,
    /// Toolchain.
    pub built_with: BuiltWith,
    /// Where it runs.
    pub platform: Platform,
    /// All entries, sorted by path, each path once.
    pub files: Vec<Entry>,
}

/// What a manifest says besides the files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Release name.
    pub app: AppName,
    /// Release version.
    pub version: Version,
    /// Layout and start script.
    pub kind: ReleaseKind,
    /// The commit it was built from, where it is known.
    pub commit: Option<CommitId>,
    /// Toolchain.
    pub built_with: BuiltWith,
    /// Where it runs.
    pub platform: Platform,
}

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON of a manifest.
    #[error("this is not a release manifest")]
    Json(#[source] serde_json::Error),
    /// Written by a later edeliver, or by none.
    #[error("the manifest has format {found}, this edeliver reads format {FORMAT}")]
    Format {
        /// The format found.
        found: u32,
    },
    /// Readable, but no release can look like that.
    #[error("the manifest's files don't make a release")]
    Files(#[from] FilesError),
}

impl Manifest {
    /// Canonical JSON: fields in the order of this type, files sorted, no blanks; the digest of it is the id.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has only strings, numbers and lists")
    }
    /// A manifest of these files, in any order.
    ///
    /// # Errors
    /// [`FilesError`]: the files don't make a release (see [`super::check`]).
    pub fn new(about: About, mut files: Vec<Entry>) -> Result<Self, FilesError> {
        files.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        check::files(&about.version, &files)?;
        let About { app, version, kind, commit, built_with, platform } = about;
        Ok(Self { format: FORMAT, app, version, kind, commit, built_with, platform, files })
    }
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ManifestError`]: not JSON, another format, or files that don't make a release.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        if format != FORMAT {
            return Err(ManifestError::Format { found: format });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        check::files(&manifest.version, &manifest.files)?;
        Ok(manifest)
    }
    /// The digest of [`Manifest::to_json`].
    pub fn id(&self) -> ManifestId {
        Digest::of(&self.to_json())
    }
    /// `APP VERSION`, as shown to people.
    pub fn title(&self) -> String {
        format!("{} {}", self.app, self.version)
    }
    /// What stands at this path.
    pub fn entry(&self, path: &str) -> Option<&EntryKind> {
        let at = self.files.binary_search_by(|entry| entry.path.as_str().cmp(path)).ok()?;
        Some(&self.files[at].kind)
    }
    /// The digest of `releases/COOKIE`, for releases that have one: nodes with another cookie don't talk to each other, so a
    /// change of it is worth a word.
    pub fn cookie(&self) -> Option<Digest> {
        match self.entry("releases/COOKIE")? {
            EntryKind::File { sha256, .. } => Some(*sha256),
            EntryKind::Link { .. } | EntryKind::EmptyDir { .. } => None,
        }
    }
    /// The regular files: path, permission bits, size in bytes, content.
    pub fn contents(&self) -> impl Iterator<Item = Content<'_>> {
        self.files.iter().filter_map(Entry::content)
    }
    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.contents().map(|file| file.size).sum()
    }
}

impl Entry {
    /// The regular file it is, if it is one.
    pub fn content(&self) -> Option<Content<'_>> {
        match self.kind {
            EntryKind::File { mode, size, sha256 } => Some(Content { path: &self.path, mode, size, sha256 }),
            EntryKind::Link { .. } | EntryKind::EmptyDir { .. } => None,
        }
    }
}

/// A regular file of a manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content<'a> {
    /// Where it lies below the release root.
    pub path: &'a RelPath,
    /// Permission bits.
    pub mode: u32,
    /// Bytes.
    pub size: u64,
    /// SHA-256 of the content.
    pub sha256: Digest,
}
