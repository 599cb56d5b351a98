//! Where releases are kept.

use std::path::PathBuf;

use super::HostSpec;

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
    /// A folder on a host; the path is the store's own folder.
    Host(HostSpec),
}

impl RemoteStore {
    /// What it is called: `user@host:path`.
    pub fn address(&self) -> String {
        match self {
            Self::Host(host) => {
                let user = host.user.as_ref().map(|user| format!("{user}@")).unwrap_or_default();
                format!("{user}{}:{}", host.name, host.path)
            }
        }
    }
}
