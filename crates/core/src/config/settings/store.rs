//! Where releases are kept.

use std::{fmt, path::PathBuf};

use super::{HostSpec, TransportKind};

/// The release store on this machine. Where releases are kept elsewhere, it has what this machine has built or used of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// Folder on this machine; classic archives lie in its `releases/`, blobs and manifests in `store/`.
    pub path: PathBuf,
    /// Also write `APP_VERSION.release.tar.gz`.
    pub archive: bool,
}

/// A store elsewhere: what is built is published to it, and what is deployed is fetched from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RemoteStore {
    /// A folder on a host.
    Host(HostStore),
    /// A bucket.
    S3(S3Store),
}

/// A folder on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostStore {
    /// The host; the path is the store's own folder.
    pub host: HostSpec,
    /// Whether hosts get large content from there by themselves.
    pub hosts_fetch: bool,
}

impl HostStore {
    /// Whether hosts may fetch from there: not from a folder of this machine, which may be reached in no other way.
    pub fn is_fetched_from(&self) -> bool {
        self.hosts_fetch && self.host.transport == TransportKind::Ssh
    }
}

/// A bucket of S3, or of a server that speaks its protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct S3Store {
    /// Its name.
    pub bucket: String,
    /// A folder in it, without slashes at its ends; empty: the whole bucket.
    pub prefix: String,
    /// The server; `None`: Amazon's.
    pub endpoint: Option<String>,
    /// `None`: what the environment says (`AWS_REGION`), else `us-east-1`.
    pub region: Option<String>,
    /// Whether the bucket stands in the path of URLs, not in front of the server's name.
    pub path_style: bool,
    /// A file of credentials, where the environment has none; `None`: `~/.aws/credentials`.
    pub credentials: Option<PathBuf>,
    /// The section in it; `None`: what the environment says (`AWS_PROFILE`), else `default`.
    pub profile: Option<String>,
    /// Keys in the address, as edeliver 1.x had them.
    pub keys: Option<S3Keys>,
    /// Whether hosts get large content from there by themselves.
    pub hosts_fetch: bool,
}

/// What requests are signed with. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Keys {
    /// The access key's id.
    pub id: String,
    /// The secret.
    pub secret: String,
}

impl fmt::Debug for S3Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("S3Keys")
    }
}

impl S3Store {
    /// What it is called: `s3://bucket/prefix`.
    pub fn address(&self) -> String {
        let separator = if self.prefix.is_empty() { "" } else { "/" };
        format!("s3://{}{separator}{}", self.bucket, self.prefix)
    }
}

impl RemoteStore {
    /// What it is called, without secrets: `user@host:path`, `s3://bucket/prefix`.
    pub fn address(&self) -> String {
        match self {
            Self::Host(HostStore { host, .. }) => {
                let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
                format!("{user}{}:{}", host.name, host.path)
            }
            Self::S3(bucket) => bucket.address(),
        }
    }
}
