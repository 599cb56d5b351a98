//! A transport that runs scripts on this machine without the wrapper, and does to them what happens to links and hosts.

use std::{
    collections::{BTreeMap, HashMap},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    process::{Child, Command},
};

use crate::transport::{Call, Counts, GitRemote, Input, Output, Reply, Stream, Transport, TransportError};

/// Every shell that the scripts must work in.
pub(super) const SHELLS: [Shell; 2] = [Shell::Dash, Shell::Busybox];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shell {
    /// dash, with the tools of this machine.
    Dash,
    /// busybox's ash, with nothing but busybox's own tools.
    Busybox,
    /// dash, where this is the only program that makes digests.
    Digests(&'static str),
}

/// A folder with nothing in it but links to busybox, which then acts as those tools.
fn busybox_tools() -> &'static Path {
    static TOOLS: OnceLock<TempDir> = OnceLock::new();
    let install = || {
        let dir = tempfile::tempdir().unwrap();
        let done = std::process::Command::new("busybox").args(["--install", "-s"]).arg(dir.path()).status().unwrap();
        assert!(done.success());
        dir
    };
    TOOLS.get_or_init(install).path()
}

/// A folder with links to this machine's tools, but for those that make digests; of these, one, and beside sha256sum an OpenSSL that does not
/// work.
fn tools_with(digester: &'static str) -> PathBuf {
    static TOOLS: Mutex<BTreeMap<&str, TempDir>> = Mutex::new(BTreeMap::new());
    let link = || {
        let dir = tempfile::tempdir().unwrap();
        for tool in std::fs::read_dir("/bin").unwrap().map(|tool| tool.unwrap().path()) {
            let name = tool.file_name().and_then(|name| name.to_str()).unwrap();
            if name == "openssl" && digester == "sha256sum" {
                std::os::unix::fs::symlink("/bin/false", dir.path().join(name)).unwrap();
            } else if name == digester || !name.contains("sum") && name != "openssl" {
                std::os::unix::fs::symlink(&tool, dir.path().join(name)).unwrap();
            }
        }
        dir
    };
    TOOLS.lock().unwrap().entry(digester).or_insert_with(link).path().to_owned()
}

/// Programs that change something, each of which first counts, in the file `COUNT`, and does `DEED` instead where the count is `AT`.
fn counting_tools() -> &'static Path {
    static TOOLS: OnceLock<TempDir> = OnceLock::new();
    let install = || {
        let dir = tempfile::tempdir().unwrap();
        for tool in ["cat", "chmod", "cp", "ln", "mkdir", "mv", "rm", "sync", "tar"] {
            let count = "read -r n <\"$COUNT\"\nn=$((n + 1))\necho $n >\"$COUNT\"\n[ $n -ne \"$AT\" ] || eval \"$DEED\"\n";
            let file = dir.path().join(tool);
            std::fs::write(&file, format!("#!/bin/dash\n{count}exec /bin/{tool} \"$@\"\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
        dir
    };
    TOOLS.get_or_init(install).path()
}

/// The host's side of a transport.
pub(super) struct Folder {
    shell: Shell,
    far: AtomicBool,
    faults: Mutex<HashMap<&'static str, What>>,
    answers: Mutex<HashMap<&'static str, (i32, &'static str)>>,
    pub(super) calls: Mutex<Vec<&'static str>>,
}

/// What happens to the next call of a script.
pub(super) enum What {
    /// The script and all it started are killed after this time; the link is lost.
    Kill(Duration),
    /// The script and all it started are killed before the nth program that changes something is run; the link is lost.
    KillAt(usize),
    /// The nth program that changes something fails.
    FailAt(usize),
    /// The script ends as it should, and its answer is lost.
    Deaf,
    /// Its time is over.
    Late,
    /// The connection has gone before the script could be sent.
    Gone,
    /// Something happens before the script runs.
    Before(Box<dyn FnOnce() + Send>),
    /// The script never ends.
    Hang,
}

impl Folder {
    pub(super) fn new(shell: Shell) -> Arc<Self> {
        Arc::new(Self {
            shell,
            far: AtomicBool::new(false),
            faults: Mutex::default(),
            answers: Mutex::default(),
            calls: Mutex::default(),
        })
    }
    /// From now on a call costs a round trip, as far as anybody is told.
    pub(super) fn move_away(&self) {
        self.far.store(true, Ordering::Relaxed);
    }
    pub(super) fn shell(&self) -> Shell {
        self.shell
    }
    /// The same host without its faults.
    pub(super) fn healthy(&self) -> Arc<Self> {
        Self::new(self.shell)
    }
    /// This happens to the next call of this script.
    pub(super) fn fail(&self, script: &'static str, what: What) {
        self.faults.lock().unwrap().insert(script, what);
    }
    /// This script is not run any more: it has this status and prints this.
    pub(super) fn answer(&self, script: &'static str, status: i32, lines: &'static str) {
        self.answers.lock().unwrap().insert(script, (status, lines));
    }
    fn command(&self) -> Command {
        let mut command = match self.shell {
            Shell::Dash => Command::new("dash"),
            Shell::Busybox => {
                let mut command = Command::new(busybox_tools().join("ash"));
                command.env("PATH", busybox_tools());
                command
            }
            Shell::Digests(program) => {
                let mut command = Command::new("dash");
                command.env("PATH", tools_with(program));
                command
            }
        };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0).kill_on_drop(true);
        command
    }
    async fn run_all(&self, call: Call<'_>) -> Reply {
        let mut command = self.command();
        talk(&mut spawn(&mut command, &call), call.input).await
    }
    async fn run_for(&self, call: Call<'_>, limit: Duration) -> Option<Reply> {
        let mut command = self.command();
        let mut child = spawn(&mut command, &call);
        let group = i32::try_from(child.id().unwrap()).ok().and_then(rustix::process::Pid::from_raw).unwrap();
        let reply = tokio::time::timeout(limit, talk(&mut child, call.input)).await.ok();
        let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        reply
    }
    async fn run_until(&self, call: Call<'_>, program: usize, deed: &str) -> Option<Reply> {
        let count = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(count.path(), "0\n").unwrap();
        let mut command = self.command();
        let tools = format!("{}:{}", counting_tools().display(), std::env::var("PATH").unwrap());
        command.env("PATH", tools).env("COUNT", count.path()).env("AT", program.to_string()).env("DEED", deed);
        let reply = talk(&mut spawn(&mut command, &call), call.input).await;
        (reply.status != KILLED).then_some(reply)
    }
}

/// The status of a process that was killed.
const KILLED: i32 = 137;

fn spawn(command: &mut Command, call: &Call<'_>) -> Child {
    command.arg("-c").arg(call.script.text).arg("sh").args(&call.args).spawn().unwrap()
}

async fn talk(child: &mut Child, input: Input) -> Reply {
    let (mut stdin, mut out, mut err) = (child.stdin.take().unwrap(), child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let send = async move {
        match input {
            Input::Empty => {}
            Input::Bytes(bytes) => drop(stdin.write_all(&bytes).await),
            Input::Stream(mut from) => drop(tokio::io::copy(&mut from, &mut stdin).await),
        }
    };
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let _ = tokio::join!(send, out.read_to_end(&mut stdout), err.read_to_end(&mut stderr));
    let status = child.wait().await.unwrap().code().unwrap_or(KILLED);
    let tail = String::from_utf8_lossy(&stderr).lines().map(str::to_owned).collect();
    Reply { status, stdout, tail, ..Reply::default() }
}

#[async_trait]
impl Transport for Folder {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        let script = call.script.name;
        self.calls.lock().unwrap().push(script);
        let lost = Err(TransportError::LinkLost { script });
        let fault = self.faults.lock().unwrap().remove(script);
        match fault {
            None => {}
            Some(What::Kill(after)) => return self.run_for(call, after).await.map_or(lost, Ok),
            Some(What::KillAt(program)) => return self.run_until(call, program, "kill -9 0").await.map_or(lost, Ok),
            Some(What::FailAt(program)) => {
                return Ok(self.run_until(call, program, "echo it failed >&2; exit 1").await.unwrap());
            }
            Some(What::Deaf) => {
                assert_eq!(self.run_all(call).await.status, 0);
                return lost;
            }
            Some(What::Late) => return Err(TransportError::Timeout { script, after: call.timeout, tail: Vec::new() }),
            Some(What::Gone) => return Err(TransportError::Unreachable { why: "no route to host".to_owned() }),
            Some(What::Before(happens)) => happens(),
            Some(What::Hang) => return std::future::pending().await,
        }
        let answer = self.answers.lock().unwrap().get(script).copied();
        match answer {
            Some((status, lines)) => Ok(canned(call, status, lines)),
            None => Ok(self.run_all(call).await),
        }
    }
    async fn connect(&self, _port: u16) -> Result<Box<dyn Stream>, TransportError> {
        Err(TransportError::Unreachable { why: "these hosts have no ports".to_owned() })
    }
    fn git(&self, path: &str) -> GitRemote {
        GitRemote { url: path.to_owned(), env: Vec::new() }
    }
    fn is_far(&self) -> bool {
        self.far.load(Ordering::Relaxed)
    }
    fn counts(&self) -> Counts {
        Counts::default()
    }
    async fn close(&self) {}
}

fn canned(call: Call<'_>, status: i32, lines: &str) -> Reply {
    let mut reply = Reply { status, ..Reply::default() };
    match call.output {
        Output::Lines(tell) => lines.lines().for_each(tell),
        Output::Collect | Output::Stream(_) | Output::Heard(_) => reply.stdout = lines.as_bytes().to_vec(),
    }
    reply
}
