//! A command that prints an inventory.

use std::time::Duration;

use tokio::process::Command;

use super::{AskError, Asking};
use crate::{
    hook::{masked, shell::LastWords},
    program::{self, Lines, Output, ProgramError},
};

/// Ten thousand hosts with all that Ansible knows of them.
const LIMIT: usize = 64 << 20;
/// What is kept of what it says.
const SAID: usize = 100;
/// Says to the command whose hosts are wanted.
pub(super) const TARGET: &str = "EDELIVER_TARGET";

#[derive(Default)]
struct Heard {
    printed: Vec<u8>,
    lines: Lines,
    said: Vec<String>,
}

impl Asking<'_> {
    /// What the line printed. What it says on standard error is shown as the output of any program is, and told where it fails.
    pub(super) async fn command(&self, line: &str, limit: Duration) -> Result<String, AskError> {
        // The line is the user's own, and is the shell's script as it stands: nothing is put into it.
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(self.project).env("PWD", self.project).env(TARGET, self.target.as_str());
        let mut heard = Heard::default();
        let mut listener = |output, bytes: &[u8]| self.hear(&mut heard, output, bytes);
        let ended = program::run(command, Vec::new(), limit, &mut listener).await;
        heard.said.extend(heard.lines.end().map(|line| masked(self.secrets, &line)));
        let status = match ended {
            Err(ProgramError::Timeout { after }) => return Err(AskError::Late { after, said: LastWords::of(heard.said) }),
            ended => ended?,
        };
        match status.success() {
            _ if heard.printed.len() > LIMIT => Err(AskError::TooMuch { limit: LIMIT }),
            true => String::from_utf8(heard.printed).map_err(|_| AskError::NoText { what: "what it printed".to_owned() }),
            false => Err(AskError::Failed { status, said: LastWords::of(heard.said) }),
        }
    }
    fn hear(&self, heard: &mut Heard, output: Output, bytes: &[u8]) {
        match output {
            Output::Out if heard.printed.len() <= LIMIT => heard.printed.extend_from_slice(bytes),
            Output::Out => {}
            Output::Err => {
                for line in heard.lines.feed(bytes) {
                    let line = masked(self.secrets, &line);
                    self.reporter.output(&line);
                    heard.said.push(line);
                }
                let surplus = heard.said.len().saturating_sub(SAID);
                heard.said.drain(..surplus);
            }
        }
    }
}
