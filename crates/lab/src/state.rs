//! The state directory: everything a lab keeps on the machine's disk.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::During;
use crate::{HostName, LabError, files, process};

/// Where a lab keeps its files; removed when it goes down.
#[derive(Clone, Debug)]
pub(crate) struct StateDir(PathBuf);

/// What is known of the hub from outside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct HubNote {
    /// The hub's process, as the machine numbers it.
    pub(crate) pid: i32,
    /// Its start time: with it a stale note cannot name a bystander.
    pub(crate) start: u64,
    /// The machine's boot, for numbers and times begin anew with each.
    pub(crate) boot: String,
    /// Clients in the lab's network carry this in `LAB_ID`; so they can be found when it goes down.
    pub(crate) id: String,
}

impl StateDir {
    /// `LAB_STATE`, or a directory of the user's own in the temporary directory.
    pub(crate) fn from_env() -> Result<Self, LabError> {
        let default = || std::env::temp_dir().join(format!("edeliver-lab-{}", nix::unistd::geteuid()));
        let path = std::env::var_os("LAB_STATE").filter(|path| !path.is_empty());
        Self::at(&path.map_or_else(default, PathBuf::from))
    }

    /// A state directory at that place.
    pub(crate) fn at(path: &Path) -> Result<Self, LabError> {
        let path = std::path::absolute(path).during(|| format!("find {}", path.display()))?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._+-".contains(c);
        match path.to_str() {
            // Overlay's mount options cannot hold `,` or `:`, a socket's address at most 107 bytes.
            Some(text) if text.len() <= 80 && text.chars().all(plain) => Ok(Self(path)),
            _ => Err(LabError::Refused(format!(
                "no good place for the state: {} (at most 80 letters, digits, /._+-)",
                path.display()
            ))),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Makes the directory, or takes one that is empty or was a lab's before.
    pub(crate) fn claim(&self) -> Result<(), LabError> {
        files::make_dir(&self.0, 0o700)?;
        let mut entries = fs::read_dir(&self.0).during(|| format!("read {}", self.0.display()))?;
        if !self.is_ours() && entries.next().is_some() {
            return Err(LabError::Refused(format!("{} is not empty, and no lab's directory", self.0.display())));
        }
        self.mark()
    }

    /// Says in the directory itself whose it is.
    pub(crate) fn mark(&self) -> Result<(), LabError> {
        files::put(&self.mark_path(), "Made by edeliver-lab, which removes this directory with all its content.\n", 0o600)
    }

    /// Whether a lab made this directory, so that a lab may remove it.
    pub(crate) fn is_ours(&self) -> bool {
        self.mark_path().exists()
    }

    fn mark_path(&self) -> PathBuf {
        self.0.join("edeliver-lab.txt")
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("hub.sock")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.0.join("hub.log")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.0.join("client_key")
    }

    pub(crate) fn known_hosts(&self) -> PathBuf {
        self.0.join("known_hosts")
    }

    /// For ssh inside the lab's network.
    pub(crate) fn ssh_config(&self) -> PathBuf {
        self.0.join("ssh_config.direct")
    }

    /// For ssh from anywhere on the machine.
    pub(crate) fn proxied_ssh_config(&self) -> PathBuf {
        self.0.join("ssh_config")
    }

    /// What all hosts' disks have in common.
    pub(crate) fn base(&self) -> PathBuf {
        self.0.join("base")
    }

    /// All hosts' disks.
    pub(crate) fn hosts(&self) -> PathBuf {
        self.0.join("hosts")
    }

    /// One host's disk.
    pub(crate) fn host(&self, name: &HostName) -> PathBuf {
        self.hosts().join(name.as_str())
    }

    /// The end of the hub's log, for an error message.
    pub(crate) fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn note_path(&self) -> PathBuf {
        self.0.join("hub.json")
    }

    /// Remembers the hub.
    pub(crate) fn write_note(&self, note: &HubNote) -> Result<(), LabError> {
        let text = serde_json::to_string(note).expect("a note is plain data");
        files::put(&self.note_path(), &text, 0o600)
    }

    /// The hub that was last started here, dead or alive.
    pub(crate) fn note(&self) -> Option<HubNote> {
        serde_json::from_str(&fs::read_to_string(self.note_path()).ok()?).ok()
    }

    /// The running hub.
    pub(crate) fn hub(&self) -> Result<HubNote, LabError> {
        self.note().filter(HubNote::is_alive).ok_or(LabError::Down)
    }

    /// Lets one `up` or `down` work at a time. The lock ends with the returned value, or with this process.
    pub(crate) fn lock(&self) -> Result<Lock, LabError> {
        let mut path = self.0.clone().into_os_string();
        path.push(".lock");
        let path = PathBuf::from(path);
        let file = lock_file(&path).during(|| format!("lock {}", path.display()))?;
        Ok(Lock { _file: file, path, state: self.clone() })
    }
}

/// The lock of a state directory, a file beside it.
pub(crate) struct Lock {
    _file: File,
    path: PathBuf,
    state: StateDir,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Nothing is left to lock; who waits for this very file finds out that it is gone.
        if !self.state.is_ours() {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn lock_file(path: &Path) -> io::Result<File> {
    loop {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
        file.lock()?;
        // The one before us may have removed the file we were waiting for.
        match fs::metadata(path) {
            Ok(there) if there.ino() == file.metadata()?.ino() => return Ok(file),
            _ => {}
        }
    }
}

impl HubNote {
    /// The hub with that number, which has to be alive.
    pub(crate) fn of(pid: i32) -> Result<Self, LabError> {
        let start = process::start_time(pid).ok_or(LabError::Down)?;
        let boot = boot_id();
        let id = format!("{}-{pid}-{start}", &boot[..boot.len().min(8)]);
        Ok(Self { pid, start, boot, id })
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.boot == boot_id() && process::start_time(self.pid) == Some(self.start)
    }

    /// What the environment of every client in the lab's network holds.
    pub(crate) fn mark(&self) -> String {
        format!("LAB_ID={}", self.id)
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim_end().to_owned()
}
