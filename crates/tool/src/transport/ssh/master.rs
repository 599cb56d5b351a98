//! Our own connection to a host: OpenSSH as a foreground master, one for the host and the run.

use std::{
    collections::VecDeque,
    env,
    fs::Permissions,
    io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStderr, ChildStdin},
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    super::{Limits, TransportError, detached::detached},
    askpass::Askpass,
    config::Destination,
    failure::{self, Attempt},
    line::{Line, Prompt},
    mux::Mux,
};
use crate::report::printable;

/// The longest login, time for the user's answers not counted. Above ssh's own timeouts, which say better what happened.
const LOGIN: Duration = Duration::from_secs(60);
/// ssh 9.2 looks whether it was told to end, and then waits for its connections: a signal in between is heard when that wait ends, with the next
/// `ServerAliveInterval`. A second signal ends the wait.
const UNHEARD: Duration = Duration::from_millis(250);
/// How often the control socket is looked for.
const POLL: Duration = Duration::from_millis(4);
/// ssh's limit is that of `sockaddr_un`: 104 bytes with the NUL on BSD and macOS. It binds a longer name first: `.` and 16 letters.
const LONGEST_SOCKET: usize = 103 - 17;
/// What is kept of what ssh says.
const LINES: usize = 60;

/// A running master.
#[derive(Debug)]
pub(super) struct Master {
    socket: PathBuf,
    child: Child,
    lifeline: Option<ChildStdin>,
    prompt: Option<Prompt>,
    said: Lines,
    reading: JoinHandle<()>,
    dir: Option<TempDir>,
}

/// ssh's last lines.
#[derive(Debug, Default, Clone)]
pub(super) struct Lines(Arc<Mutex<VecDeque<String>>>);

impl Lines {
    fn push(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LINES {
            lines.pop_front();
        }
        lines.push_back(line);
    }
    pub(super) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

impl Master {
    /// Logs in.
    ///
    /// # Errors
    /// Everything that can go wrong with a login; see [`failure::of_login`].
    pub(super) async fn start(to: &Destination, limits: &Limits) -> Result<Self, TransportError> {
        let dir = private_dir().map_err(|source| TransportError::here("no temporary directory can be made", source))?;
        let askpass = Askpass::listen(dir.path(), limits.program(), limits.prompts().clone())
            .map_err(|source| TransportError::here("the temporary directory can't be used", source))?;
        let line = Line::open(to, limits).await?;
        let mut master = Self::spawn(to, dir, &askpass, limits, line)?;
        let ended = tokio::select! {
            up = ready(&master.socket, &askpass) => match up {
                true => return Ok(master),
                false => Attempt::TooLong(LOGIN),
            },
            _ = master.child.wait() => Attempt::Ended,
            () = askpass.stopped() => Attempt::Stopped,
        };
        if ended != Attempt::Ended {
            // All at once, so that none of them takes the missing answer for an empty password.
            master.kill();
        }
        let said = master.stop().await;
        Err(failure::of_login(&ended, &said, &askpass.asked(), to))
    }

    fn spawn(to: &Destination, dir: TempDir, askpass: &Askpass, limits: &Limits, line: Line) -> Result<Self, TransportError> {
        let socket = dir.path().join("m");
        let mut command = detached(Path::new("/bin/sh"));
        command.args(["-c", include_str!("master.sh"), "edeliver-master"]).arg(dir.path());
        command.arg("ssh").args(options(to, &socket, limits)).args(line.options()).args(&to.words);
        command.env("SSH_ASKPASS", &askpass.program).env("SSH_ASKPASS_REQUIRE", "force").env("LC_ALL", "C");
        if env::var_os("DISPLAY").is_none() {
            // Before 8.4 ssh did not know the word `force`, and asked in this way only where it saw a display. X11 forwarding is off.
            command.env("DISPLAY", "edeliver");
        }
        let prompt = line.prompt();
        command.stdin(Stdio::piped()).stdout(line).stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|source| TransportError::here("ssh can't be started", source))?;
        let said = Lines::default();
        let stderr = child.stderr.take().expect("it is piped");
        let reading = tokio::spawn(read(stderr, said.clone()));
        let lifeline = child.stdin.take();
        Ok(Self { socket, child, lifeline, prompt, said, reading, dir: Some(dir) })
    }

    /// The control socket.
    pub(super) fn socket(&self) -> &Path {
        &self.socket
    }

    /// What has the connection acknowledge at once, for whoever opens its first session.
    pub(super) fn prompt(&mut self) -> Option<Prompt> {
        self.prompt.take()
    }

    /// What ssh has said.
    pub(super) fn said(&self) -> Lines {
        self.said.clone()
    }

    /// Ends the connection, waits for it, and gives what ssh has said.
    pub(super) async fn stop(mut self) -> Vec<String> {
        // Here it takes no process, as it would take the guard, which removes what is left when we are killed.
        drop(self.dir.take());
        drop(self.prompt.take());
        drop(self.lifeline.take());
        if timeout(UNHEARD, self.child.wait()).await.is_err() {
            self.signal(Signal::TERM);
        }
        if timeout(Duration::from_secs(3), self.child.wait()).await.is_err() {
            self.kill();
            let _ = self.child.wait().await;
        }
        // The pipe may be held open by a ProxyCommand that lingers; what ssh itself said is in it by now.
        let _ = timeout(Duration::from_millis(500), &mut self.reading).await;
        self.reading.abort();
        self.said.all()
    }

    fn kill(&self) {
        self.signal(Signal::KILL);
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())) {
            let _ = kill_process_group(group, signal);
        }
    }
}

/// Waits until the master takes requests; false when that takes too long.
async fn ready(socket: &Path, askpass: &Askpass) -> bool {
    let mut waited = Duration::ZERO;
    while waited < LOGIN {
        if socket.exists() && Mux::open(socket).await.is_ok() {
            return true;
        }
        sleep(POLL).await;
        if !askpass.is_open() {
            waited += POLL;
        }
    }
    false
}

/// What we ask of ssh beside the user's configuration.
fn options(to: &Destination, socket: &Path, limits: &Limits) -> Vec<String> {
    let mut words: Vec<String> = ["-M", "-N", "-T", "-a", "-x", "-S"].map(str::to_owned).into();
    words.push(socket.display().to_string());
    let mut set = |option: &str| words.extend(["-o".to_owned(), option.to_owned()]);
    set("ControlPersist=no");
    // The user's forwards belong to their own sessions, and their ports may be taken.
    set("ClearAllForwardings=yes");
    set("RemoteCommand=none");
    // Banners and notes would stand between us and the reason of a failure.
    set("LogLevel=ERROR");
    // Our askpass never says yes to a host key, but learns the fingerprint; in batch mode and with strict checking ssh would not tell it.
    // `accept-new` is not followed either: a deployment is not the moment to meet a host. Who checks no keys at all keeps to that.
    if !matches!(to.option("stricthostkeychecking"), Some("false" | "no" | "off")) {
        set("StrictHostKeyChecking=ask");
    }
    set("BatchMode=no");
    if !limits.prompts().possible() || to.option("batchmode") == Some("yes") {
        set("PasswordAuthentication=no");
        set("KbdInteractiveAuthentication=no");
    }
    // A cut link is noticed after 12 to 15 s. The user's own values stand if they are of that order: in batch mode Debian's ssh has 300 s.
    if to.seconds("serveraliveinterval").is_none_or(|seconds| seconds > 60) {
        set("ServerAliveInterval=3");
        set("ServerAliveCountMax=4");
    }
    if to.seconds("connecttimeout").is_none() {
        set(&format!("ConnectTimeout={}", limits.connect_timeout().as_secs().max(1)));
    }
    words
}

/// A directory that only we can enter, with a path short enough for a socket.
fn private_dir() -> io::Result<TempDir> {
    let private = Permissions::from_mode(0o700);
    let make =
        |parent: &Path| tempfile::Builder::new().prefix("edeliver-").rand_bytes(8).permissions(private.clone()).tempdir_in(parent);
    let short = |parent: &PathBuf| parent.as_os_str().len() + "/edeliver-12345678/m".len() <= LONGEST_SOCKET;
    // Never $TMPDIR: macOS has a long one.
    let runtime = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|dir| dir.is_absolute()).filter(short);
    runtime.and_then(|parent| make(&parent).ok()).map_or_else(|| make(Path::new("/tmp")), Ok)
}

async fn read(stderr: ChildStderr, said: Lines) {
    let mut lines = BufReader::new(stderr).split(b'\n');
    while let Ok(Some(line)) = lines.next_segment().await {
        said.push(printable(&String::from_utf8_lossy(&line)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_else_can_enter_the_directory_and_a_socket_fits_into_its_path() {
        let dir = private_dir().unwrap();
        assert_eq!(dir.path().metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(dir.path().join("m").as_os_str().len() <= LONGEST_SOCKET);
    }
}
