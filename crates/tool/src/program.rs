//! A program of the project's, run on this machine: in a process group of its own, that is ended when its time is over, when nobody waits for
//! it any more, and when the program itself has ended.

use std::{
    io,
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStdin, Command},
    time::{sleep, timeout},
};

/// How long a program that is told to end may put itself in order.
const GRACE: Duration = Duration::from_secs(2);
/// How long after its end its last output may take to arrive. A background process that keeps the pipe can't make us wait longer.
const LAST_OUTPUT: Duration = Duration::from_millis(300);
/// A line longer than this is cut into several.
const LONGEST: usize = 16 * 1024;

/// Why a program did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// It can't be started.
    #[error("it can't be started")]
    Start(#[source] io::Error),
    /// It was ended.
    #[error("it did not end within {} s", after.as_secs())]
    Timeout {
        /// The limit.
        after: Duration,
    },
}

/// Which of its outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// Takes what a program prints, as it comes.
pub type Listener<'a> = &'a mut (dyn FnMut(Output, &[u8]) + Send);

/// Ends what is left of a program's process group.
struct Group(Pid);

impl Group {
    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.0, signal); // it may be empty
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// Runs it to its end, with this as its standard input. Dropped in between, it is ended at once.
///
/// # Errors
/// It can't be started, or takes too long.
pub async fn run(mut command: Command, input: Vec<u8>, limit: Duration, heard: Listener<'_>) -> Result<ExitStatus, ProgramError> {
    command.stdin(if input.is_empty() { Stdio::null() } else { Stdio::piped() });
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = command.spawn().map_err(ProgramError::Start)?;
    let group = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).map(Group);
    let feeding = tokio::spawn(feed(child.stdin.take(), input));
    let (mut out, mut err) = (child.stdout.take(), child.stderr.take());
    let ended = async {
        let mut listening = std::pin::pin!(listen(&mut out, &mut err, heard));
        tokio::select! {
            status = child.wait() => {
                let _ = timeout(LAST_OUTPUT, listening).await;
                status
            }
            () = &mut listening => child.wait().await,
        }
        .map_err(ProgramError::Start)
    };
    let ended = timeout(limit, ended).await;
    feeding.abort();
    if ended.is_err() {
        give_notice(group.as_ref(), &mut child).await;
    }
    ended.unwrap_or(Err(ProgramError::Timeout { after: limit }))
}

async fn give_notice(group: Option<&Group>, child: &mut tokio::process::Child) {
    if let Some(group) = group {
        group.signal(Signal::TERM);
        tokio::select! {
            _ = child.wait() => {}
            () = sleep(GRACE) => {}
        }
    }
}

/// A program that does not want its input need not read it.
async fn feed(to: Option<ChildStdin>, input: Vec<u8>) {
    if let Some(mut to) = to {
        let _ = to.write_all(&input).await;
        let _ = to.shutdown().await;
    }
}

/// Until both outputs are at their end.
async fn listen(out: &mut Option<impl AsyncRead + Unpin>, err: &mut Option<impl AsyncRead + Unpin>, heard: Listener<'_>) {
    let (mut out_chunk, mut err_chunk) = (vec![0; 8 * 1024], vec![0; 8 * 1024]);
    while out.is_some() || err.is_some() {
        tokio::select! {
            count = read(out, &mut out_chunk), if out.is_some() => match count {
                0 => *out = None,
                count => heard(Output::Out, &out_chunk[..count]),
            },
            count = read(err, &mut err_chunk), if err.is_some() => match count {
                0 => *err = None,
                count => heard(Output::Err, &err_chunk[..count]),
            },
        }
    }
}

async fn read(from: &mut Option<impl AsyncRead + Unpin>, chunk: &mut [u8]) -> usize {
    match from {
        Some(from) => from.read(chunk).await.unwrap_or(0),
        None => 0,
    }
}

/// Bytes become lines.
#[derive(Debug, Default)]
pub struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes more; gives the lines that are whole now.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for byte in bytes {
            match byte {
                b'\n' => lines.extend(self.end()),
                byte => self.rest.push(*byte),
            }
            if self.rest.len() >= LONGEST {
                lines.extend(self.end());
            }
        }
        lines
    }
    /// What stands after the last line end.
    pub fn end(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.rest);
        (!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(line: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }
    async fn done(line: &str, input: &str, limit: u64) -> (Result<ExitStatus, ProgramError>, String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut heard = |output, bytes: &[u8]| match output {
            Output::Out => out.extend_from_slice(bytes),
            Output::Err => err.extend_from_slice(bytes),
        };
        let done = run(shell(line), input.as_bytes().to_vec(), Duration::from_secs(limit), &mut heard).await;
        (done, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[tokio::test]
    async fn what_it_reads_and_prints_comes_through() {
        let (status, out, err) = done("cat; echo oh >&2; exit 3", "hello", 30).await;
        assert_eq!((status.unwrap().code(), out.as_str(), err.as_str()), (Some(3), "hello", "oh\n"));
        let (status, out, _) = done("head -c 300000 /dev/zero | tr '\\0' x", "", 30).await;
        assert_eq!((status.unwrap().code(), out.len()), (Some(0), 300_000));
    }

    #[tokio::test]
    async fn input_that_is_not_read_keeps_nobody_waiting() {
        assert_eq!(done("exit 0", &"x".repeat(1_000_000), 30).await.0.unwrap().code(), Some(0));
    }

    #[tokio::test]
    async fn what_it_leaves_in_the_background_is_ended_with_it() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let begun = Instant::now();
        let (status, ..) = done(&format!("sleep 300 & echo $! >{}", file.display()), "", 60).await;
        assert!(status.unwrap().success());
        assert!(begun.elapsed() < Duration::from_secs(30), "the pipe that it holds is not waited for");
        let pid: i32 = std::fs::read_to_string(file).unwrap().trim().parse().unwrap();
        is_gone(pid).await;
    }

    #[tokio::test]
    async fn what_takes_too_long_or_is_not_waited_for_is_ended() {
        let (late, out, _) = done("trap 'echo bye; exit' TERM; echo $$; sleep 300 & wait", "", 1).await;
        assert!(matches!(late, Err(ProgramError::Timeout { .. })));
        is_gone(out.lines().next().unwrap().parse().unwrap()).await;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("pid");
        let mut heard = |_, _: &[u8]| {};
        let line = format!("echo $$ >{0}.new; mv {0}.new {0}; sleep 300", file.display());
        let running = run(shell(&line), Vec::new(), Duration::from_secs(60), &mut heard);
        tokio::select! {
            _ = running => panic!("it sleeps"),
            () = async { while !file.exists() { sleep(Duration::from_millis(50)).await } } => {}
        }
        is_gone(std::fs::read_to_string(file).unwrap().trim().parse().unwrap()).await;
    }

    /// Whether nobody with this number lives, as soon as it is so.
    async fn is_gone(pid: i32) {
        let lives = || {
            let status = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            !status.is_empty() && !status.contains(") Z ")
        };
        while lives() {
            sleep(Duration::from_millis(50)).await;
        }
    }

    #[test]
    fn bytes_become_lines_and_endless_ones_are_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.feed(b"a\n\nb"), ["a"]);
        assert_eq!(lines.feed(b"c\xff\n"), ["bc\u{fffd}"]);
        assert_eq!(lines.feed(&vec![b'x'; LONGEST + 1]).len(), 1);
        assert_eq!(lines.end().as_deref(), Some("x"));
        assert_eq!(lines.end(), None);
    }
}
