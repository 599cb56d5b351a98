//! An sshd of our own on the loopback, for the user who runs the tests.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use edeliver::transport::{Limits, Ssh, TransportError, prompt::Prompter};
use edeliver_core::config::settings::{HostSpec, TransportKind};
use tempfile::TempDir;

/// A running sshd, its keys and a client's configuration for it.
pub(crate) struct Sshd {
    dir: TempDir,
    daemon: Option<Child>,
    pub(crate) port: u16,
}

impl Sshd {
    /// With these lines in its configuration, after a stock one's.
    pub(crate) fn start(options: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("sshd-").tempdir_in("/tmp").unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        keygen(&dir.path().join("host_key"), "");
        keygen(&dir.path().join("id"), "");
        fs::copy(dir.path().join("id.pub"), dir.path().join("authorized_keys")).unwrap();
        let mut sshd = Self { dir, daemon: None, port };
        let config = format!(
            "{options}\nListenAddress 127.0.0.1:{port}\nHostKey {0}/host_key\nAuthorizedKeysFile {0}/authorized_keys\nPidFile none\n\
             StrictModes no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\nSetEnv SHLVL=1\n",
            sshd.dir.path().display()
        );
        sshd.write("sshd_config", &config);
        sshd.trust();
        sshd.configure("");
        sshd.run();
        sshd
    }
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }
    /// Starts (or starts again) the daemon and waits until it listens.
    pub(crate) fn run(&mut self) {
        if rustix::process::getuid().is_root() {
            fs::create_dir_all("/run/sshd").unwrap();
        }
        let mut command = Command::new("/usr/sbin/sshd");
        command.arg("-D").arg("-f").arg(self.path("sshd_config")).arg("-E").arg(self.path("log"));
        self.daemon = Some(command.stdin(Stdio::null()).spawn().unwrap());
        for _ in 0..500 {
            if std::net::TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("sshd does not start: {}", fs::read_to_string(self.path("log")).unwrap_or_default());
    }
    /// Ends the daemon and, as a reboot would, all its sessions.
    pub(crate) fn kill(&mut self) {
        let Some(mut daemon) = self.daemon.take() else { return };
        let children = Command::new("pgrep").args(["-P", &daemon.id().to_string()]).output().unwrap();
        let _ = daemon.kill();
        let _ = daemon.wait();
        for id in String::from_utf8(children.stdout).unwrap().lines() {
            let _ = Command::new("kill").args(["-9", id]).stderr(Stdio::null()).status();
        }
    }
    /// Puts the host's key into the client's known_hosts.
    pub(crate) fn trust(&self) {
        let key = fs::read_to_string(self.path("host_key.pub")).unwrap();
        self.write("known_hosts", &format!("[127.0.0.1]:{} {key}", self.port));
    }
    /// Gives the host another key.
    pub(crate) fn change_key(&mut self) {
        self.kill();
        keygen(&self.path("host_key"), "");
        self.run();
    }
    /// The client's configuration, with more lines for the host named `box`.
    pub(crate) fn configure(&self, more: &str) {
        let dir = self.dir.path().display();
        let config = format!(
            "Host box jumped\n{more}\n  HostName 127.0.0.1\n  Port {}\n  IdentityFile {dir}/id\n  IdentitiesOnly yes\n  IdentityAgent none\n  \
             UserKnownHostsFile {dir}/known_hosts\n  GlobalKnownHostsFile /dev/null\n  HashKnownHosts no\n",
            self.port
        );
        self.write("ssh_config", &config);
    }
    pub(crate) fn limits(&self) -> Limits {
        Limits::new(Path::new(env!("CARGO_BIN_EXE_edeliver")), None).with_ssh_config(&self.path("ssh_config"))
    }
    pub(crate) async fn open(&self) -> Result<Ssh, TransportError> {
        Ssh::open(&spec("box"), &self.limits()).await
    }
    pub(crate) async fn open_with(&self, prompter: Arc<dyn Prompter>) -> Result<Ssh, TransportError> {
        Ssh::open(&spec("box"), &self.limits().with_prompter(prompter)).await
    }
    /// Logins that sshd has accepted.
    pub(crate) fn logins(&self) -> usize {
        fs::read_to_string(self.path("log")).unwrap().matches("Accepted publickey").count()
    }
}

impl Drop for Sshd {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A key without comment, with this passphrase.
pub(crate) fn keygen(file: &Path, passphrase: &str) {
    let _ = fs::remove_file(file);
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f"]).arg(file);
    assert!(command.stdin(Stdio::null()).status().unwrap().success());
}

pub(crate) fn spec(name: &str) -> HostSpec {
    HostSpec::new(name.parse().unwrap(), TransportKind::Ssh, "/srv".parse().unwrap())
}
