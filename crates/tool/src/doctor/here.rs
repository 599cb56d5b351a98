//! This machine.

use std::{
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use edeliver_core::doctor::{Here, Program};
use rustix::fs::{Access, access, statvfs};

/// Programs of this machine that edeliver works with, and the option with which they tell their version.
const PROGRAMS: [(&str, &str); 2] = [("ssh", "-V"), ("git", "--version")];

/// Looks at what edeliver needs here; `store` is the release store's folder, whether or not it exists. `hooks`: a bash is needed for them.
pub fn here(store: &Path, hooks: bool) -> Here {
    let bash = hooks.then_some(("bash", "--version"));
    let nearest: PathBuf = store.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/")).to_owned();
    Here {
        programs: PROGRAMS.into_iter().chain(bash).map(|(name, option)| program(name, option)).collect(),
        store: nearest.display().to_string(),
        writable: access(&nearest, Access::WRITE_OK | Access::EXEC_OK).is_ok(),
        free: statvfs(&nearest).ok().map(|fs| fs.f_bavail.saturating_mul(fs.f_frsize)),
    }
}

fn program(name: &str, option: &str) -> Program {
    let said = match Command::new(name).arg(option).stdin(Stdio::null()).output() {
        Ok(output) => {
            let said = if output.stdout.is_empty() { output.stderr } else { output.stdout };
            let first = String::from_utf8_lossy(&said).lines().next().map(crate::report::printable);
            Ok(first.unwrap_or_else(|| "it is there".to_owned()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err("it is not installed".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    Program { name: name.to_owned(), said }
}

#[cfg(test)]
mod tests {
    use edeliver_core::doctor::{Grade, here as judged};

    use super::*;

    fn graded(program: Program) -> (Grade, usize) {
        let here = Here { programs: vec![program], ..here(Path::new("/"), false) };
        let found = judged(&here).remove(0);
        (found.grade, found.hints.len())
    }

    #[test]
    fn a_program_that_is_not_there_is_trouble_with_a_remedy() {
        assert_eq!(graded(program("edeliver-no-such-program", "-V")), (Grade::Trouble, 1));
        assert_eq!(graded(program("sh", "-c")).0, Grade::Fine, "it is there, whatever it says");
    }

    #[test]
    fn a_store_that_is_not_there_yet_is_judged_by_where_it_will_be() {
        let writable = |store: &Path| judged(&here(store, false)).pop().unwrap();
        let dir = tempfile::tempdir().unwrap();
        assert_ne!(writable(&dir.path().join("a/b/c")).grade, Grade::Trouble);
        assert_eq!(writable(Path::new("/proc/sys/store")).grade, Grade::Trouble);
    }
}
