//! The program under test in a project folder of its own, with an environment that has nothing of the developer's in it.

#![allow(dead_code, reason = "each test program uses a part")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A project folder and a home.
pub(crate) struct Program {
    dir: tempfile::TempDir,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Program {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("project")).unwrap();
        fs::create_dir_all(dir.path().join("home")).unwrap();
        Self { dir }
    }
    /// The project folder.
    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }
    /// Writes a file of the project.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    /// What stands in the project folder, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.project()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
    /// Runs edeliver with these arguments, without a terminal.
    pub(crate) fn run(&self, arguments: &[&str]) -> Done {
        done(self.command(env!("CARGO_BIN_EXE_edeliver")).args(arguments).output().unwrap())
    }
    /// Runs edeliver with the words of this line, which must end with this code.
    #[track_caller]
    pub(crate) fn ends_with(&self, line: &str, code: i32) -> Done {
        let done = self.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(done.code, code, "{line}\n{}{}", done.err, done.out);
        done
    }
    /// Runs a bash line that calls edeliver as `"$EDELIVER"`.
    pub(crate) fn shell(&self, line: &str) -> Done {
        done(self.command("bash").args(["-c", line]).env("EDELIVER", env!("CARGO_BIN_EXE_edeliver")).output().unwrap())
    }
    /// A program in the project folder, with nothing of the developer's environment.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let home: &Path = &self.dir.path().join("home");
        command
            .current_dir(self.project())
            .stdin(Stdio::null())
            .env_clear()
            .env("HOME", home)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC");
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }
}

/// What a finished command has said.
pub(crate) fn done(output: Output) -> Done {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Done { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// The lines of a text.
pub(crate) fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}
