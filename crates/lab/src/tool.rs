//! Running the system's tools (ip, tc, bridge, ssh-keygen, busybox).

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::LabError;
use crate::error::During;

/// Where the system's tools are, whatever the caller's PATH is: a user's often lacks the sbin directories.
pub(crate) const SYSTEM_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// This program once more. The link works in every mount namespace that has /proc, and after the file was rebuilt.
pub(crate) fn again(hidden_verb: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg0("edeliver-lab").arg(hidden_verb);
    command
}

/// Runs a tool to its end; returns its standard output.
///
/// # Errors
/// If it cannot be started or does not end with status 0.
pub(crate) fn run<S: AsRef<OsStr>>(argv: &[S]) -> Result<String, LabError> {
    feed(argv, "")
}

/// The same, with text on its standard input.
pub(crate) fn feed<S: AsRef<OsStr>>(argv: &[S], input: &str) -> Result<String, LabError> {
    let mut command = Command::new(&argv[0]);
    command.args(&argv[1..]);
    finish(command, words(argv), input)
}

/// The same, after joining the namespaces of that host's PID 1.
pub(crate) fn feed_inside<S: AsRef<OsStr>>(init: i32, kinds: &str, argv: &[S], input: &str) -> Result<String, LabError> {
    let mut command = again("__inside");
    command.args([&init.to_string(), kinds, "--"]).args(argv);
    finish(command, words(argv), input)
}

/// One of this program's hidden verbs, run to its end.
pub(crate) fn run_again(hidden_verb: &str, args: &[&OsStr]) -> Result<String, LabError> {
    let mut command = again(hidden_verb);
    command.args(args);
    finish(command, format!("{hidden_verb} {}", words(args)), "")
}

fn finish(mut command: Command, line: String, input: &str) -> Result<String, LabError> {
    let mut child = command
        .env("PATH", SYSTEM_PATH)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .during(|| line.clone())?;
    let mut stdin = child.stdin.take().expect("stdin is a pipe");
    // A tool that fails early closes its input; its own words and status say more than our broken pipe.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().during(|| line.clone())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Tool { command: line, said: if said.is_empty() { output.status.to_string() } else { said } })
}

fn words<S: AsRef<OsStr>>(argv: &[S]) -> String {
    let words: Vec<OsString> = argv.iter().map(|word| word.as_ref().to_owned()).collect();
    words.join(OsStr::new(" ")).to_string_lossy().into_owned()
}

/// Where a program of that name is on the system's path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    SYSTEM_PATH.split(':').map(|dir| Path::new(dir).join(program)).find(|path| path.is_file())
}

/// Makes an ed25519 key pair without passphrase; replaces none.
pub(crate) fn make_key(path: &Path, comment: &str) -> Result<(), LabError> {
    let path = path.as_os_str();
    let words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f"];
    let argv: Vec<&OsStr> = words.iter().map(OsStr::new).chain([path]).collect();
    run(&argv).map(drop)
}
