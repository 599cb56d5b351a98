//! This machine.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use edeliver_core::{
    doctor::{Finding, Grade},
    hint::Hint,
    size::size,
};
use rustix::fs::{Access, access, statvfs};

/// Programs of this machine that edeliver works with, and the option with which they tell their version.
const PROGRAMS: [(&str, &str); 2] = [("ssh", "-V"), ("git", "--version")];
/// A release is some ten megabytes.
const ROOM: u64 = 500 << 20;

/// Looks at what edeliver needs here; `store` is the release store's folder, whether or not it exists. `hooks`: a bash is needed for them.
pub fn here(store: &Path, hooks: bool) -> Vec<Finding> {
    let bash = hooks.then_some(("bash", "--version"));
    let mut findings: Vec<Finding> = PROGRAMS.into_iter().chain(bash).map(|(name, option)| program(name, option)).collect();
    findings.push(writable(store));
    findings
}

fn program(name: &str, option: &str) -> Finding {
    match Command::new(name).arg(option).stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = if output.stdout.is_empty() { &output.stderr } else { &output.stdout };
            let said = String::from_utf8_lossy(said);
            Finding::fine(name, crate::report::printable(said.lines().next().unwrap_or("it is there")))
        }
        Err(error) => {
            let why = if error.kind() == io::ErrorKind::NotFound { "it is not installed".to_owned() } else { error.to_string() };
            Finding::bad(name, Grade::Trouble, why, Hint::text(format!("install {name} on this machine")))
        }
    }
}

fn writable(store: &Path) -> Finding {
    let nearest: PathBuf = store.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned();
    if access(&nearest, Access::WRITE_OK | Access::EXEC_OK).is_err() {
        let text = format!("{} can't be written", nearest.display());
        return Finding::bad(
            "store",
            Grade::Trouble,
            text,
            Hint::text("give yourself the right, or name another folder in `[store] path`"),
        );
    }
    let free = statvfs(&nearest).map_or(u64::MAX, |fs| fs.f_bavail.saturating_mul(fs.f_frsize));
    match free < ROOM {
        true => {
            let text = format!("{} are free at {}", size(free), nearest.display());
            Finding::bad("store", Grade::Warning, text, Hint::text("make room there, or name another folder in `[store] path`"))
        }
        false => Finding::fine("store", format!("{} can be written, {} are free", nearest.display(), size(free))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_trouble_with_a_remedy() {
        let found = program("edeliver-no-such-program", "-V");
        assert_eq!((found.grade, found.hints.len()), (Grade::Trouble, 1));
        assert_eq!(program("sh", "-c").grade, Grade::Fine, "it is there, whatever it says");
    }

    #[test]
    fn a_store_that_is_not_there_yet_is_judged_by_where_it_will_be() {
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(writable(&dir.path().join("a/b/c")).grade, Grade::Trouble);
        assert_eq!(writable(Path::new("/proc/sys/store")).grade, Grade::Trouble);
    }
}
