//! Answering the calls that helpers of hooks make: each on its own connection, any number at the same time.

use std::{
    io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
};

use super::{
    HookRemote, Job, JobEnd, JobError, Piece,
    call::{Kind, Request},
    frame::{self, Tag},
};
use crate::error::chain;

/// More input than this for a job is an error: it is kept in memory, because several hosts may get it.
const MOST_INPUT: usize = 256 * 1024 * 1024;

/// Writes what it reads to the file named by its first argument; into that directory, under the name of its second, if it is one.
const PUT: &str = r#"to=$1; [ -d "$to" ] && to=$to/$2; cat >"$to""#;

/// Who answers at the moment.
type Answering = Arc<Mutex<Option<Arc<dyn HookRemote>>>>;

/// The listening end; nobody listens any more when it is dropped.
pub(super) struct Calls {
    answering: Answering,
    task: JoinHandle<()>,
}

impl Calls {
    /// Listens at this path, where an earlier session may have listened.
    pub(super) fn listen(socket: &Path) -> io::Result<Self> {
        match std::fs::remove_file(socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(socket)?;
        let answering = Answering::default();
        let task = tokio::spawn(accept(listener, answering.clone()));
        Ok(Self { answering, task })
    }
    /// From now on calls are for these hosts.
    pub(super) fn answer_with(&self, remote: Arc<dyn HookRemote>) {
        *self.answering.lock().unwrap_or_else(PoisonError::into_inner) = Some(remote);
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: UnixListener, answering: Answering) {
    // Dropping the set, with this task, ends all calls; a job ends on its host when its future is dropped.
    let mut calls = tokio::task::JoinSet::new();
    while let Ok((connection, _)) = listener.accept().await {
        let remote = answering.lock().unwrap_or_else(PoisonError::into_inner).clone();
        calls.spawn(async move {
            let _ = serve(connection, remote).await; // the caller is gone
        });
        while calls.try_join_next().is_some() {}
    }
}

async fn serve(connection: UnixStream, remote: Option<Arc<dyn HookRemote>>) -> io::Result<()> {
    let (mut from, mut to) = connection.into_split();
    let (request, input) = read_call(&mut from).await?;
    let job = job(&request, input);
    let status = tokio::select! {
        status = run(&job, &request, remote, &mut to) => status?,
        () = gone(from) => return Ok(()),
    };
    to.write_all(&frame::encode(Tag::Status, status.to_string().as_bytes())).await
}

async fn read_call(from: &mut OwnedReadHalf) -> io::Result<(Request, Vec<u8>)> {
    let (Tag::Request, json) = read_frame(from).await? else { return Err(io::ErrorKind::InvalidData.into()) };
    let request = serde_json::from_slice(&json).map_err(io::Error::other)?;
    let mut input = Vec::new();
    loop {
        let (Tag::Input, piece) = read_frame(from).await? else { return Err(io::ErrorKind::InvalidData.into()) };
        if piece.is_empty() {
            return Ok((request, input));
        }
        if input.len() + piece.len() > MOST_INPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        input.extend(piece);
    }
}

async fn read_frame(from: &mut OwnedReadHalf) -> io::Result<(Tag, Vec<u8>)> {
    let mut bytes = [0; frame::HEAD];
    from.read_exact(&mut bytes).await?;
    let (tag, length) = frame::head(bytes)?;
    let mut content = vec![0; length];
    from.read_exact(&mut content).await?;
    Ok((tag, content))
}

fn job(request: &Request, stdin: Vec<u8>) -> Job {
    let hosts = request.hosts.split(|c: char| c.is_whitespace() || c == ',').filter(|host| !host.is_empty());
    let (text, args) = match request.kind {
        Kind::Remote | Kind::Sync => (request.job.clone(), Vec::new()),
        Kind::Put => {
            let name = request.what.rsplit('/').next().unwrap_or_default();
            (PUT.to_owned(), vec![request.job.clone(), name.to_owned()])
        }
    };
    Job { hosts: hosts.map(str::to_owned).collect(), one: request.kind == Kind::Sync, text, args, stdin, merge: request.merge }
}

/// Comes back when the caller has gone, for example because the hook was ended.
async fn gone(mut from: OwnedReadHalf) {
    let mut nothing = [0];
    while matches!(from.read(&mut nothing).await, Ok(count) if count > 0) {}
}

/// Runs the job and passes its output on while it runs. Gives the status for the caller: 0, or the first bad one.
async fn run(job: &Job, request: &Request, remote: Option<Arc<dyn HookRemote>>, to: &mut OwnedWriteHalf) -> io::Result<i32> {
    let Some(remote) = remote else {
        return refuse(to, &JobError::NoHost).await;
    };
    let (pieces, mut output) = mpsc::unbounded_channel();
    let running = async {
        let ended = remote.job(job, &pieces).await;
        drop(pieces);
        ended
    };
    let passing = async {
        while let Some(piece) = output.recv().await {
            pass(to, piece).await?;
        }
        io::Result::Ok(())
    };
    let (ended, passed) = tokio::join!(running, passing);
    passed?;
    match ended {
        Ok(ends) => tell_ends(&ends, request, to).await,
        Err(error) => refuse(to, &error).await,
    }
}

async fn pass(to: &mut OwnedWriteHalf, piece: Piece) -> io::Result<()> {
    let (tag, bytes) = match piece {
        Piece::Out(bytes) => (Tag::Out, bytes),
        Piece::Err(bytes) => (Tag::Err, bytes),
    };
    for chunk in bytes.chunks(frame::LONGEST) {
        to.write_all(&frame::encode(tag, chunk)).await?;
    }
    Ok(())
}

async fn refuse(to: &mut OwnedWriteHalf, error: &JobError) -> io::Result<i32> {
    tell(to, &[chain(error).join(": ")]).await?;
    Ok(1)
}

/// Says where the job failed, how, and what it was.
async fn tell_ends(ends: &[JobEnd], request: &Request, to: &mut OwnedWriteHalf) -> io::Result<i32> {
    let mut worst = 0;
    for JobEnd { host, status } in ends {
        let (code, how) = match status {
            Ok(0) => continue,
            Ok(code) => (*code, format!("a command of a hook failed on {host} with status {code}:")),
            Err(error) => (1, format!("a command of a hook did not end on {host}: {}:", chain(error).join(": "))),
        };
        let mut lines = vec![how];
        let what = if request.what.is_empty() { &request.job } else { &request.what };
        lines.extend(what.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("  {line}")));
        tell(to, &lines).await?;
        worst = if worst == 0 { code } else { worst };
    }
    Ok(worst)
}

async fn tell(to: &mut OwnedWriteHalf, lines: &[String]) -> io::Result<()> {
    let text: String = lines.iter().map(|line| format!("\u{1e}e{line}\n")).collect();
    pass(to, Piece::Err(text.into_bytes())).await
}
