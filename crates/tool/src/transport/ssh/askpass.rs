//! ssh's questions. ssh runs a program (`SSH_ASKPASS`) for each; the program is this binary again, under another name, and passes the
//! question on over a socket to the process that waits for the login. Only there it is decided what is answered.

use std::{
    ffi::OsString,
    io::{Read, Write},
    net::Shutdown,
    os::unix::{fs::symlink, net::UnixStream as Blocking},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    sync::Notify,
    task::{JoinHandle, JoinSet},
};

use super::super::prompt::Prompts;

/// The name under which this binary is ssh's askpass; its socket lies beside it.
pub(super) const PROGRAM: &str = "edeliver-askpass";
const SOCKET: &str = "ask";

/// What ssh asked during one login, and could not be told.
#[derive(Debug, Default, Clone)]
pub(super) struct Asked {
    /// The fingerprint of an unknown host key, `ED25519 SHA256:…`.
    pub(super) host_key: Option<String>,
    /// Questions that nobody could answer.
    pub(super) refused: Vec<String>,
    answered: Vec<String>,
    open: u32,
}

/// The waiting end.
pub(super) struct Askpass {
    task: JoinHandle<()>,
    shared: Arc<Shared>,
    /// What to give to ssh as `SSH_ASKPASS`.
    pub(super) program: PathBuf,
}

struct Shared {
    asked: Mutex<Asked>,
    prompts: Arc<Prompts>,
    /// Raised when the login must not go on.
    stop: Notify,
}

impl Askpass {
    /// Listens in this private directory for questions that ssh asks `program`.
    ///
    /// # Errors
    /// The directory can't be written.
    pub(super) fn listen(dir: &Path, program: &Path, prompts: Arc<Prompts>) -> std::io::Result<Self> {
        // A link and not a script: it works where the directory is mounted noexec.
        let link = dir.join(PROGRAM);
        symlink(program, &link)?;
        let listener = UnixListener::bind(dir.join(SOCKET))?;
        let shared = Arc::new(Shared { asked: Mutex::default(), prompts, stop: Notify::new() });
        Ok(Self { task: tokio::spawn(serve(listener, shared.clone())), shared, program: link })
    }
    /// What was asked so far.
    pub(super) fn asked(&self) -> Asked {
        self.shared.asked().clone()
    }
    /// Is the user being asked right now?
    pub(super) fn is_open(&self) -> bool {
        self.shared.asked().open > 0
    }
    /// Resolves when a question came that nobody can answer and that ssh must not go on without.
    pub(super) async fn stopped(&self) {
        self.shared.stop.notified().await;
    }
}

impl Drop for Askpass {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: UnixListener, shared: Arc<Shared>) {
    // Several at a time: "touch your key" stays open while ssh goes on.
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        open.spawn(converse(stream, shared.clone()));
    }
}

async fn converse(mut stream: UnixStream, shared: Arc<Shared>) {
    let mut text = String::new();
    if stream.read_to_string(&mut text).await.is_err() {
        return;
    }
    let (kind, prompt) = text.split_once('\0').unwrap_or(("", &text));
    let answer = match kind {
        "none" => return shared.prompts.tell(prompt).await,
        _ => shared.answer(prompt).await,
    };
    let reply = answer.map_or_else(|| "-".to_owned(), |answer| format!("+{answer}"));
    let _ = stream.write_all(reply.as_bytes()).await;
}

impl Shared {
    fn asked(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// What ssh is told; `None` means no.
    async fn answer(&self, prompt: &str) -> Option<String> {
        match Question::of(prompt) {
            Question::HostKey(fingerprint) => {
                self.asked().host_key.get_or_insert(fingerprint);
                None
            }
            Question::YesOrNo => {
                self.asked().refused.push(prompt.trim().to_owned());
                None
            }
            Question::Passphrase => self.ask(prompt, true).await,
            Question::Secret => {
                let answer = self.ask(prompt, false).await;
                if answer.is_none() {
                    // ssh would take no answer for an empty password and try it, three times, on the user's account.
                    self.stop.notify_one();
                    std::future::pending::<()>().await;
                }
                answer
            }
        }
    }
    async fn ask(&self, prompt: &str, reusable: bool) -> Option<String> {
        let again = {
            let mut asked = self.asked();
            asked.open += 1;
            let again = asked.answered.iter().any(|known| known == prompt);
            asked.answered.push(prompt.to_owned());
            again
        };
        let answer = self.prompts.ask(prompt, reusable, again).await;
        let mut asked = self.asked();
        asked.open -= 1;
        if answer.is_none() {
            asked.refused.push(prompt.trim().to_owned());
        }
        answer
    }
}

/// Kinds of questions, told apart by OpenSSH's fixed texts (no locale changes them).
#[derive(Debug, PartialEq, Eq)]
enum Question {
    /// Whether to trust this key. Never answered yes.
    HostKey(String),
    /// Any other yes or no. Never answered yes either.
    YesOrNo,
    /// The passphrase of a key: asked once for all hosts, and ssh goes on to other keys without it.
    Passphrase,
    /// A password, a code, a PIN.
    Secret,
}

impl Question {
    fn of(prompt: &str) -> Self {
        if let Some(fingerprint) = prompt.lines().find_map(fingerprint) {
            return Self::HostKey(fingerprint);
        }
        if prompt.contains("(yes/no") || prompt.contains("'yes'") {
            return Self::YesOrNo;
        }
        if prompt.starts_with("Enter passphrase for ") { Self::Passphrase } else { Self::Secret }
    }
}

/// `ED25519 SHA256:…` of the line `ED25519 key fingerprint is SHA256:….`
fn fingerprint(line: &str) -> Option<String> {
    let (kind, print) = line.trim().split_once(" key fingerprint is")?;
    // OpenSSH 10 has a colon there.
    Some(format!("{kind} {}", print.trim_start_matches(':').trim_start().trim_end_matches('.')))
}

/// This binary as ssh's askpass: asks the process that waits for the login. `link` is the name it was called by.
pub(super) fn askpass_main(link: &Path, prompt: &OsString) -> ExitCode {
    let kind = std::env::var("SSH_ASKPASS_PROMPT").unwrap_or_default();
    match consult(&link.with_file_name(SOCKET), &kind, &prompt.to_string_lossy()) {
        Ok(Some(answer)) if writeln!(std::io::stdout(), "{answer}").is_ok() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

fn consult(socket: &Path, kind: &str, prompt: &str) -> std::io::Result<Option<String>> {
    let mut stream = Blocking::connect(socket)?;
    write!(stream, "{kind}\0{prompt}")?;
    stream.shutdown(Shutdown::Write)?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply.strip_prefix('+').map(str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: &str = "The authenticity of host '[127.0.0.1]:2222 ([127.0.0.1]:2222)' can't be established.\n\
        ED25519 key fingerprint is SHA256:uNiVztksCsDhcc0u9e8BrqZUxJzM4SQB3wYqYc3tTtM.\n\
        This key is not known by any other names.\n\
        Are you sure you want to continue connecting (yes/no/[fingerprint])? ";

    #[test]
    fn questions_are_told_apart() {
        let key = "ED25519 SHA256:uNiVztksCsDhcc0u9e8BrqZUxJzM4SQB3wYqYc3tTtM";
        assert_eq!(Question::of(UNKNOWN), Question::HostKey(key.to_owned()));
        assert_eq!(Question::of("Please type 'yes', 'no' or the fingerprint: "), Question::YesOrNo);
        assert_eq!(Question::of("Enter passphrase for key '/root/.ssh/id_ed25519': "), Question::Passphrase);
        assert_eq!(Question::of("deploy@prod1's password: "), Question::Secret);
        assert_eq!(Question::of("(deploy@prod1) Verification code: "), Question::Secret);
    }
}
