//! The user's editor, on a file of ours.

use std::{
    env,
    io::{self, IsTerminal as _},
    path::Path,
    process::Stdio,
};

use tokio::process::Command;

use crate::ctx::Ctx;

/// Whose editor it is, strongest first. What they hold is a line for a shell, as git takes it: `code --wait`.
const VARIABLES: [&str; 4] = ["EDELIVER_EDITOR", "GIT_EDITOR", "VISUAL", "EDITOR"];
/// What every machine has.
const LAST_RESORT: &str = "vi";
/// The user's line with the file behind it. The line comes in as a variable, so no word of ours is read by the shell.
const SCRIPT: &str = r#"eval "$EDELIVER_EDITOR_LINE \"\$1\"""#;

/// Why a file was not edited.
#[derive(Debug, thiserror::Error)]
pub enum EditorError {
    /// Nobody sits at a terminal, and no other editor was chosen.
    #[error("the editor `{line}` needs a terminal")]
    NoTerminal {
        /// Its line.
        line: String,
    },
    /// It can't be started.
    #[error("the editor can't be started")]
    Start(#[source] io::Error),
    /// It ended badly, so the user wants nothing to happen.
    #[error("the editor `{line}` ended with {status}")]
    Failed {
        /// Its line.
        line: String,
        /// How it ended.
        status: std::process::ExitStatus,
    },
}

/// Lends the terminal to the user's editor until it ends.
///
/// # Errors
/// [`EditorError`]; whatever is in the file then is not what the user wants.
pub async fn edit(ctx: &Ctx, file: &Path) -> Result<(), EditorError> {
    let line = chosen(|name| env::var(name).ok());
    if line == LAST_RESORT && !io::stdin().is_terminal() {
        return Err(EditorError::NoTerminal { line });
    }
    let _room = ctx.ui.make_room().await;
    let _lent = ctx.cancel.lend_terminal();
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "sh"]).arg(file).env("EDELIVER_EDITOR_LINE", &line);
    // Standard output carries results; an editor belongs to the terminal.
    command.stdout(Stdio::from(io::stderr()));
    let status = command.status().await.map_err(EditorError::Start)?;
    if status.success() { Ok(()) } else { Err(EditorError::Failed { line, status }) }
}

fn chosen(variable: impl Fn(&str) -> Option<String>) -> String {
    let named = VARIABLES.iter().find_map(|name| variable(name).filter(|line| !line.trim().is_empty()));
    named.unwrap_or_else(|| LAST_RESORT.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_of_edeliver_wins_over_that_of_git_and_of_all_programs() {
        let all = |set: &[&str]| chosen(|name| set.contains(&name).then(|| format!("{name} --wait")));
        assert_eq!(all(&["EDITOR", "GIT_EDITOR", "EDELIVER_EDITOR"]), "EDELIVER_EDITOR --wait");
        assert_eq!(all(&["EDITOR", "GIT_EDITOR"]), "GIT_EDITOR --wait");
        assert_eq!(all(&["EDITOR", "VISUAL"]), "VISUAL --wait");
        assert_eq!(all(&[]), "vi");
        assert_eq!(chosen(|_| Some(" ".to_owned())), "vi");
    }
}
