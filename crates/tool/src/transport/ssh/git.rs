//! git over the login that is there already: git runs this binary as its ssh, which opens one more session of the connection.

use std::{
    ffi::OsString,
    io::Write,
    os::fd::AsFd,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use tokio::{fs::File, runtime};

use super::sessions::Sessions;
use crate::transport::{Call, GitRemote, Input, Output, Reply, Script, TransportError, call::Prepared, quote};

/// The hidden subcommand.
pub(super) const VERB: &str = "__git-ssh";
/// Names the control socket.
const SOCKET: &str = "EDELIVER_MUX";

/// `$1` is the command line that git has quoted for a shell: `git-receive-pack '/path'`.
const SCRIPT: Script = Script { name: "git", text: r#"eval "exec $1""# };
/// Git ends by itself when its other end does; a push may take as long as it takes.
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// How git reaches the path over this control socket.
pub(super) fn remote(label: &str, path: &str, program: &Path, socket: &Path) -> GitRemote {
    let host = if label.contains(':') { format!("[{label}]") } else { label.to_owned() };
    let command = quote::words([program.to_string_lossy().as_ref(), VERB]);
    let env = [
        ("GIT_SSH_COMMAND", command),
        // git then gives us the host and the command, and no options.
        ("GIT_SSH_VARIANT", "simple".to_owned()),
        (SOCKET, socket.display().to_string()),
    ];
    GitRemote { url: format!("{host}:{path}"), env: env.map(|(name, value)| (name.to_owned(), value)).into() }
}

/// This binary as git's ssh: `words` are the host, which the socket knows already, and the command.
pub(super) fn git_ssh_main(words: &[OsString]) -> ExitCode {
    let (Some(socket), Some(command)) = (std::env::var_os(SOCKET), words.get(1).and_then(|word| word.to_str())) else {
        return complain("it is started by edeliver's own git only");
    };
    let Ok(runtime) = runtime::Builder::new_current_thread().enable_all().build() else { return ExitCode::FAILURE };
    let reply = runtime.block_on(relay(socket.into(), command.to_owned()));
    // A read of standard input may still be waiting, and is not waited for.
    runtime.shutdown_background();
    match reply {
        Err(error) => complain(&error.to_string()),
        Ok(reply) => {
            reply.tail.iter().for_each(|line| drop(writeln!(std::io::stderr(), "{line}")));
            ExitCode::from(u8::try_from(reply.status).unwrap_or(u8::MAX))
        }
    }
}

async fn relay(socket: PathBuf, command: String) -> Result<Reply, TransportError> {
    let (input, output) = (Input::Stream(Box::new(bare(std::io::stdin())?)), Output::Stream(Box::new(bare(std::io::stdout())?)));
    let call = Prepared::new(Call { script: SCRIPT, args: vec![command], input, output, timeout: LONGEST, before: Vec::new() })?;
    let channel = Sessions::new(socket, None).open(call.preamble()).await;
    let channel = channel.map_err(|error| TransportError::Unreachable { why: error.to_string() })?;
    call.run(channel).await
}

/// Without the line buffer of the standard library: git's last words before it waits for an answer have no line end.
fn bare(stream: impl AsFd) -> Result<File, TransportError> {
    let fd =
        stream.as_fd().try_clone_to_owned().map_err(|source| TransportError::Here { what: "git's pipes can't be used", source })?;
    Ok(File::from_std(fd.into()))
}

fn complain(why: &str) -> ExitCode {
    let _ = writeln!(std::io::stderr(), "edeliver {VERB}: {why}");
    ExitCode::FAILURE
}
