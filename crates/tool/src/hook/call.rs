//! `edeliver __hook-call KIND HOSTS JOB [WHAT]`: what a helper of a hook runs to reach back into the edeliver that runs the hook.
//!
//! A process of its own for each call makes calls work in `$(…)`, in pipes and in background jobs: standard input, output and status are
//! those of any program.

use std::{
    ffi::OsString,
    io::{self, Read, Write},
    os::{fd::AsFd, unix::net::UnixStream},
    path::Path,
    process::ExitCode,
    thread,
};

use serde::{Deserialize, Serialize};

use super::frame::{self, Tag};

/// The variable that says where the running edeliver listens.
pub(super) const SOCKET: &str = "EDELIVER_HOOK_SOCKET";

/// What is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    /// `__remote`: all hosts at once.
    Remote,
    /// `__sync_remote`: one host.
    Sync,
    /// `__parallel_scp`: standard input becomes a file on every host; the job is its path there, the last word its name here.
    Put,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) kind: Kind,
    /// Separated by blanks; empty: the hosts of the step.
    pub(super) hosts: String,
    pub(super) job: String,
    /// What to call the job in an error, or the local name of a file to put.
    pub(super) what: String,
    /// Whether standard error goes where standard output goes.
    pub(super) merge: bool,
}

/// Plays the role: makes the call, gives its status.
pub fn main(args: &[OsString]) -> ExitCode {
    let words: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    let socket = std::env::var_os(SOCKET).unwrap_or_default();
    let done = parse(&words).and_then(|request| call(Path::new(&socket), &request));
    match done {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(1)),
        Err(error) => {
            let _ = writeln!(io::stderr(), "\u{1e}eedeliver does not answer the hook: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(words: &[String]) -> io::Result<Request> {
    let word = |index: usize| words.get(index).cloned().unwrap_or_default();
    let kind = match word(0).as_str() {
        "remote" => Kind::Remote,
        "sync" => Kind::Sync,
        "put" => Kind::Put,
        _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "unknown call")),
    };
    Ok(Request { kind, hosts: word(1), job: word(2), what: word(3), merge: same_output() })
}

/// Whether standard output and error are one file: then nobody captures just one of them, and their lines should keep their order.
fn same_output() -> bool {
    let of = |fd: std::os::fd::BorrowedFd<'_>| rustix::fs::fstat(fd).map(|stat| (stat.st_dev, stat.st_ino));
    matches!((of(io::stdout().as_fd()), of(io::stderr().as_fd())), (Ok(out), Ok(err)) if out == err)
}

fn call(socket: &Path, request: &Request) -> io::Result<i32> {
    let mut connection = UnixStream::connect(socket)?;
    let json = serde_json::to_vec(request).map_err(io::Error::other)?;
    frame::write(&mut connection, Tag::Request, &json)?;
    let input = connection.try_clone()?;
    // Ends with the process: a job that does not read its input must not wait for it.
    thread::spawn(move || send_input(input));
    loop {
        let (tag, bytes) = frame::read(&mut connection)?;
        match tag {
            Tag::Out => write_all(io::stdout(), &bytes)?,
            Tag::Err => write_all(io::stderr(), &bytes)?,
            Tag::Status => return Ok(String::from_utf8_lossy(&bytes).parse().unwrap_or(1)),
            Tag::Request | Tag::Input => {}
        }
    }
}

fn write_all(mut to: impl Write, bytes: &[u8]) -> io::Result<()> {
    to.write_all(bytes)?;
    to.flush()
}

fn send_input(mut connection: UnixStream) {
    let mut chunk = vec![0; 64 * 1024];
    let mut input = io::stdin().lock();
    loop {
        let count = match input.read(&mut chunk) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => 0,
        };
        // The last, empty frame says that there is no more.
        if frame::write(&mut connection, Tag::Input, &chunk[..count]).is_err() || count == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_a_request() {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let request = parse(&words(&["remote", "a b", "uptime"])).unwrap();
        assert_eq!(
            (request.kind, request.hosts.as_str(), request.job.as_str(), request.what.as_str()),
            (Kind::Remote, "a b", "uptime", "")
        );
        assert!(parse(&words(&["rm"])).is_err());
        assert!(parse(&[]).is_err());
    }
}
