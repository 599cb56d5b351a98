//! The manifest: identity, origin, platform and files of one release.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::RelPath;
use crate::name::{AppName, CommitId, NameError, Version};

/// The format written; readers refuse a newer one with a clear word.
pub const FORMAT: u32 = 1;

/// SHA-256 of some content; 64 lower-case hex digits as text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
    /// A digest computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}
impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
impl FromStr for Digest {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        let no = || NameError { what: "a SHA-256 digest", value: text.chars().take(80).collect(), why: "it is 64 hex digits" };
        if text.len() != 64 || !text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(no());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| no())?;
        }
        Ok(Self(bytes))
    }
}
impl TryFrom<String> for Digest {
    type Error = NameError;
    fn try_from(text: String) -> Result<Self, NameError> {
        text.parse()
    }
}
impl From<Digest> for String {
    fn from(digest: Digest) -> String {
        digest.to_string()
    }
}

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
    /// `uname -s` in lower case: `linux`.
    pub os: String,
    /// `uname -m`: `x86_64`, `aarch64`.
    pub arch: String,
    /// The C library.
    pub libc: Libc,
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

/// Why a manifest can't be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not the JSON of a manifest.
    #[error("this is not a release manifest")]
    Json(#[source] serde_json::Error),
    /// Written by a later edeliver.
    #[error("the manifest has format {found}, this edeliver reads up to {FORMAT}")]
    Newer {
        /// The format found.
        found: u32,
    },
    /// Paths unsorted or twice, or one lies below a file.
    #[error("the manifest lists {path} out of order or twice")]
    Order {
        /// The first such path.
        path: String,
    },
}

impl Manifest {
    /// Canonical JSON: fields in the order of this type, files sorted, no blanks; the digest of it is the id.
    pub fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a manifest has only strings, numbers and lists")
    }
    /// Reads and checks a manifest.
    ///
    /// # Errors
    /// [`ManifestError`]: not JSON, a newer format, files out of order.
    pub fn from_json(bytes: &[u8]) -> Result<Self, ManifestError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        if format > FORMAT {
            return Err(ManifestError::Newer { found: format });
        }
        let manifest: Self = serde_json::from_slice(bytes).map_err(ManifestError::Json)?;
        match manifest.files.windows(2).find(|pair| pair[0].path >= pair[1].path) {
            Some(pair) => Err(ManifestError::Order { path: pair[1].path.to_string() }),
            None => Ok(manifest),
        }
    }
    /// The digest of [`Manifest::to_json`].
    pub fn id(&self) -> ManifestId {
        Digest::of(&self.to_json())
    }
    /// `APP VERSION`, as shown to people.
    pub fn title(&self) -> String {
        format!("{} {}", self.app, self.version)
    }
}
