//! What can be broken on a host.

use std::path::PathBuf;

use clap::Subcommand;
use serde::{Deserialize, Serialize};

/// One thing to break on a running host, or to mend again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Subcommand)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Writing below PATH fails with EROFS; `/` means every tree that is written to
    Readonly {
        /// Absolute path on the host
        path: PathBuf,
    },
    /// Programs below PATH cannot be executed (EACCES; status 126 from a shell)
    Noexec {
        /// Absolute path on the host
        path: PathBuf,
    },
    /// An empty disk of SIZE over PATH: what is written beyond it fails with ENOSPC
    Disk {
        /// Absolute path on the host
        path: PathBuf,
        /// As tmpfs takes it: 1m, or 10m,nr_inodes=5
        size: String,
    },
    /// Takes off the topmost readonly, noexec or disk over PATH
    Undo {
        /// The same path as before
        path: PathBuf,
    },
    /// Every process of the host stops; TCP still connects, for that is the kernel
    Freeze,
    /// Every process of the host goes on
    Thaw,
    /// sshd's listener hangs: connections open and nothing answers
    SshdStop,
    /// sshd's listener goes on
    SshdCont,
    /// sshd's listener is killed: connection refused; sessions live on
    SshdKill,
    /// sshd is started again
    SshdStart,
    /// Every open session is killed; the listener stays
    SessionsKill,
    /// The host gets another host key, as if reinstalled; known_hosts keeps the old one
    Hostkey,
    /// Frames lost in each direction, percent; 0 mends
    Loss {
        /// 0 to 100
        percent: f64,
    },
}
