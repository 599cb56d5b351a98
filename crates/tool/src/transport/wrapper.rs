//! What is sent to a host to run one script there, and the marks that come back.
//!
//! The login shell sees [`BOOTSTRAP`] and nothing else: one constant line that means the same to dash, bash, zsh, fish, csh and busybox.
//! It reads the loader, one line of standard input; the loader reads exactly as many bytes as it is told and evaluates them; these are
//! the arguments and `wrapper.sh`. Everything after them is the script's own standard input, not a byte of it read by a shell. A long script
//! travels packed: the loader is told `gzip` and how many bytes, or nothing more where no input follows, and unpacks all that comes.
//!
//! Marks are lines `SOH edeliver NONCE WORD` that the wrapper writes: `begin` and `end STATUS` on both outputs, `beat` every second
//! and `late` on standard output, wherever in a line that may be. The nonce is new for every call, so no output can be taken for a mark.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io::Write,
    time::Duration,
};

use flate2::{Compression, write::GzEncoder};

use super::{Call, Input, TransportError, quote};

/// The command given to the login shell. No backslash, `!`, newline or inner single quote: those are what shells disagree on.
pub const BOOTSTRAP: &str = r#"exec /bin/sh -c 'IFS= read -r s && eval "$s"'"#;

const LOADER: &str = include_str!("loader.sh");

/// Longer code is compressed. A new connection carries ten segments, 14 KB, before it waits for the first word from the other side: what does
/// not fit costs a round trip.
const ROOM: usize = 12 << 10;
/// The same where input follows, which is to have room too. The packed bytes are then read one by one, so that none of the input is taken:
/// some milliseconds.
const ROOM_BESIDE_INPUT: usize = 6 << 10;
const WRAPPER: &str = include_str!("wrapper.sh");

/// Names the marks of one call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Nonce(String);

impl Nonce {
    /// 128 bits that the output of a script can't contain by chance; the standard library's hash keys come from the system's randomness.
    pub(super) fn new() -> Self {
        let bits = || RandomState::new().build_hasher().finish();
        Self(format!("{:016x}{:016x}", bits(), bits()))
    }
    /// What every mark of the call starts with.
    pub(super) fn mark(&self) -> Vec<u8> {
        format!("\u{1}edeliver {} ", self.0).into_bytes()
    }
}

/// What goes to the bootstrap line's standard input before the call's own input.
///
/// # Errors
/// [`TransportError::Here`] if an argument contains NUL, which no shell can hold.
pub(super) fn preamble(call: &Call<'_>, nonce: &Nonce) -> Result<Vec<u8>, TransportError> {
    let seconds = seconds(call.timeout).to_string();
    let fronts = call.before.iter().map(|front| condensed(front.text)).collect::<String>();
    let script = fronts + &condensed(call.script.text);
    let own = [nonce.0.as_str(), &seconds, &script];
    let args = || call.before.iter().flat_map(|front| &front.args).chain(&call.args);
    let all = || own.into_iter().chain(args().map(String::as_str));
    if all().any(|text| text.contains('\0')) {
        let source = std::io::Error::new(std::io::ErrorKind::InvalidInput, "it contains a NUL byte");
        return Err(TransportError::Here { what: "an argument can't be given to a script", source });
    }
    let code = format!("{}\n{}", quote::set(all()), condensed(WRAPPER));
    Ok(match call.input {
        Input::Empty if code.len() > ROOM => [LOADER.as_bytes(), b"gzip\n", &packed(&code)].concat(),
        Input::Bytes(_) | Input::Stream(_) if code.len() > ROOM_BESIDE_INPUT => {
            let packed = packed(&code);
            [LOADER.as_bytes(), format!("gzip {}\n", packed.len()).as_bytes(), &packed].concat()
        }
        _ => format!("{LOADER}{}\n{code}", code.len()).into_bytes(),
    })
}

fn packed(code: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    let packed = encoder.write_all(code.as_bytes()).and_then(|()| encoder.finish());
    packed.expect("memory takes all that is written")
}

/// The script without indentation and without lines that are comments: half of what would travel with every call. Our scripts have no text
/// over several lines in which blanks at the beginning matter.
pub(crate) fn condensed(script: &str) -> String {
    let lines = script.lines().map(str::trim_start).filter(|line| !line.starts_with('#') && !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// Whole seconds for the host's timer: never 0, and no number that a shell's arithmetic can't hold.
fn seconds(timeout: Duration) -> u64 {
    timeout.as_secs().saturating_add(u64::from(timeout.subsec_nanos() > 0)).clamp(1, 1_000_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::Script;
    use std::process::{Command, Stdio};

    #[test]
    fn the_bootstrap_has_nothing_that_shells_disagree_on() {
        let inner = BOOTSTRAP.strip_prefix("exec /bin/sh -c '").unwrap().strip_suffix('\'').unwrap();
        assert!(!inner.contains(['\\', '!', '\n', '\'']), "{inner}");
    }

    #[test]
    fn neither_comments_nor_indentation_travel() {
        assert_eq!(condensed("# why\na=1 # here\n\n  # more\n  b='#2'\n"), "a=1 # here\nb='#2'\n");
        assert!(!condensed(WRAPPER).contains("\n#"));
    }

    #[test]
    fn the_loader_is_one_line() {
        assert_eq!(LOADER.matches('\n').count(), 1);
        assert!(LOADER.ends_with('\n'));
    }

    fn sent(text: &str, input: Input) -> Vec<u8> {
        let text: &'static str = text.to_owned().leak();
        preamble(&Call { input, ..Call::new(Script { name: "long", text }, [""; 0], Duration::from_secs(9)) }, &Nonce::new())
            .unwrap()
    }

    #[test]
    fn a_long_script_travels_packed() {
        let text = ":\n".repeat(ROOM);
        for input in [Input::Empty, Input::Bytes(Vec::new())] {
            assert!(sent(&text, input).len() < 4 << 10);
        }
    }

    fn run(path: &str, sent: &[u8]) -> (Option<i32>, [String; 2]) {
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", BOOTSTRAP]).env("PATH", path).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = shell.spawn().unwrap();
        child.stdin.take().unwrap().write_all(sent).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code(), [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    #[test]
    fn a_packed_script_runs_and_a_host_without_gzip_says_that() {
        let (dir, text) = (tempfile::tempdir().unwrap(), ":\n".repeat(ROOM) + "echo it runs\n");
        for input in [Input::Empty, Input::Bytes(Vec::new())] {
            let code = sent(&text, input);
            let (status, [out, err]) = run(&std::env::var("PATH").unwrap(), &code);
            assert!(status == Some(0) && out.contains("it runs\n"), "{out}{err}");
            let (status, [out, err]) = run(dir.path().to_str().unwrap(), &code);
            assert!(status == Some(125) && err.contains("gzip is missing"), "{out}{err}");
        }
    }

    #[test]
    fn not_a_byte_of_the_input_is_lost_behind_a_packed_script() {
        let text = ":\n".repeat(ROOM) + "cat\n";
        let input: Vec<u8> = (0..100_000u32).map(|n| b'a' + (n % 23) as u8).collect();
        let code = [sent(&text, Input::Bytes(Vec::new())), input.clone()].concat();
        let (status, [out, err]) = run(&std::env::var("PATH").unwrap(), &code);
        assert!(status == Some(0) && out.contains(std::str::from_utf8(&input).unwrap()), "{err}");
    }

    #[test]
    fn the_hosts_timer_rounds_up() {
        assert_eq!(seconds(Duration::from_millis(1)), 1);
        assert_eq!(seconds(Duration::from_millis(1001)), 2);
        assert_eq!(seconds(Duration::from_secs(60)), 60);
        assert_eq!(seconds(Duration::MAX), 1_000_000_000);
    }
}
