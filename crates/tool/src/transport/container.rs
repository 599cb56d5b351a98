//! A container on this machine as a host: docker or podman, whichever can be used.
//!
//! The container lives as long as we hold its standard input: when edeliver is gone, whatever the reason, it ends, with all that runs in it.

mod folder;

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    sync::Mutex,
};

use super::{Call, Counts, GitRemote, Local, Reply, Stream, Transport, TransportError, detached::detached};

/// The programs that run containers, the one of edeliver 1.x first.
const ENGINES: [&str; 2] = ["docker", "podman"];
/// What the container does: it says that it is there, and waits for the end of its input. As the first process it has to wait for orphans too.
const LIFE: &str = "exec 3<&0; echo edeliver is here; cat <&3 >/dev/null & wait $!";
const READY: &str = "edeliver is here";
/// The last lines of an engine that fails.
const KEPT: usize = 6;
/// An engine has that long to take a container away; then it does so without us.
const REMOVAL: Duration = Duration::from_secs(30);

/// A container that runs.
pub struct Container {
    engine: &'static str,
    name: String,
    inside: Local,
    process: Mutex<Option<Child>>,
    /// Its folder is ours for as long as this is open.
    _held: File,
}

impl Container {
    /// Starts a container of this image, with a folder of this machine in it: `folder`, or another one beside it while somebody builds there.
    /// A path that is not absolute counts from the home of root, who works in containers.
    ///
    /// # Errors
    /// [`TransportError::NoContainer`] with the engine's own words: it can't be used, or there is no such image.
    pub async fn start(image: &str, folder: &Path, at: &str) -> Result<Self, TransportError> {
        let engine = engine().await?;
        let here = |source| TransportError::Here { what: "the folder of the build container can't be made", source };
        let (folder, held) = folder::free(folder).map_err(here)?;
        let name = format!("edeliver-{}-{}", std::process::id(), next());
        let mut process = launch(engine, image, &name, &mount(&folder, at))?;
        let said = BufReader::new(process.stdout.take().expect("it was piped")).lines();
        let last = tokio::spawn(last_words(process.stderr.take().expect("it was piped")));
        if !is_ready(said).await {
            drop(process.stdin.take());
            let why = last.await.unwrap_or_default();
            return Err(TransportError::NoContainer { why: format!("{engine} can't start a container of {image}: {why}") });
        }
        let exec = ["exec", "--interactive", &name, "/bin/sh"].map(str::to_owned).to_vec();
        let inside = Local::new().started_by(engine, exec);
        Ok(Self { engine, name, inside, process: Mutex::new(Some(process)), _held: held })
    }
}

fn mount(folder: &Path, at: &str) -> String {
    let at = PathBuf::from("/root").join(at);
    format!("type=bind,source={},target={}", folder.display(), at.display())
}

/// An engine that is ended between making a container and starting it leaves it behind for ever. So it is not ended with us, nor by a Ctrl-C
/// that is meant for us: what it starts then finds the end of its input, and the engine removes it.
fn launch(engine: &str, image: &str, name: &str, mount: &str) -> Result<Child, TransportError> {
    let words = ["run", "--interactive", "--rm", "--name", name, "--security-opt", "label=disable", "--mount", mount];
    let mut command = detached(Path::new(engine));
    command.args(words).args(["--entrypoint", "/bin/sh", image, "-c", LIFE]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().map_err(|source| TransportError::Here { what: "the build container can't be started", source })
}

/// Several containers of one process have names of their own.
fn next() -> u32 {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
}

/// The engine that can be used: a docker without its daemon can't.
async fn engine() -> Result<&'static str, TransportError> {
    let mut why = Vec::new();
    for engine in ENGINES {
        let mut command = Command::new(engine);
        command.arg("info").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        match command.output().await {
            Ok(asked) if asked.status.success() => return Ok(engine),
            Ok(asked) => {
                let said = String::from_utf8_lossy(&asked.stderr).trim().lines().last().unwrap_or_default().to_owned();
                why.push(format!("{engine}: {said}"));
            }
            Err(error) => why.push(format!("{engine}: {error}")),
        }
    }
    Err(TransportError::NoContainer { why: format!("no container can be started here ({})", why.join("; ")) })
}

async fn is_ready(mut said: Lines<BufReader<ChildStdout>>) -> bool {
    while let Ok(Some(line)) = said.next_line().await {
        if line == READY {
            return true;
        }
    }
    false
}

/// Reads to the end, so that nobody waits for us; the last lines.
async fn last_words(from: impl AsyncRead + Unpin) -> String {
    let (mut lines, mut last) = (BufReader::new(from).lines(), Vec::new());
    while let Ok(Some(line)) = lines.next_line().await {
        last.extend(Some(line).filter(|line| !line.trim().is_empty()));
        last.drain(..last.len().saturating_sub(KEPT));
    }
    last.join("; ")
}

#[async_trait]
impl Transport for Container {
    async fn run(&self, call: Call<'_>) -> Result<Reply, TransportError> {
        self.inside.run(call).await
    }
    async fn connect(&self, _: u16) -> Result<Box<dyn Stream>, TransportError> {
        Err(TransportError::Unreachable { why: "ports of a build container can't be reached".to_owned() })
    }
    /// By git's own way to talk to a program, in which a blank is written `% `.
    fn git(&self, path: &str) -> GitRemote {
        let path = path.replace('%', "%%").replace(' ', "% ");
        let url = format!("ext::{} exec --interactive {} %S {path}", self.engine, self.name);
        GitRemote { url, env: vec![("GIT_ALLOW_PROTOCOL".to_owned(), "ext".to_owned())] }
    }
    fn is_far(&self) -> bool {
        false
    }
    fn counts(&self) -> Counts {
        self.inside.counts()
    }
    async fn close(&self) {
        self.inside.close().await;
        if let Some(mut process) = self.process.lock().await.take() {
            drop(process.stdin.take());
            let _ = tokio::time::timeout(REMOVAL, process.wait()).await; // it ends with its input
        }
    }
}
