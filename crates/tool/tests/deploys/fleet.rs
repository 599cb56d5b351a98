//! A project with a target whose hosts are folders, and the program run in it.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::store::{self, App, run, text};

pub(crate) struct Fleet {
    dir: tempfile::TempDir,
    pub(crate) app: App,
    hosts: Vec<String>,
}

/// What came of a command.
#[derive(Debug)]
pub(crate) struct Done {
    pub(crate) code: i32,
    /// Standard output and standard error.
    pub(crate) told: String,
}

/// What a command said on which output.
#[derive(Debug)]
pub(crate) struct Said {
    code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}{}", self.out, self.err);
        self
    }
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        self.ends_with(0)
    }
}

impl Done {
    #[track_caller]
    pub(crate) fn ends_with(self, code: i32) -> String {
        assert_eq!(self.code, code, "{}", self.told);
        self.told
    }
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        self.ends_with(0)
    }
}

impl Fleet {
    /// Hosts `one`, `two`, … of the target `staging`.
    pub(crate) fn new(app: App, hosts: usize) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let dir = tempfile::tempdir().unwrap();
        let unique = format!("d{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let hosts: Vec<String> = ["one", "two", "three"][..hosts].iter().map(|host| (*host).to_owned()).collect();
        let fleet = Self { dir, app, hosts };
        fs::create_dir_all(fleet.project()).unwrap();
        fs::create_dir_all(fleet.dir.path().join("home")).unwrap();
        run(Command::new("cp").arg("-a").arg(store::template(app)).arg(fleet.project().join(".deliver")), fleet.dir.path());
        fleet.configure(&unique, "");
        fleet
    }
    /// Writes the configuration; `more` are lines of the target's table.
    pub(crate) fn configure(&self, unique: &str, more: &str) {
        let host = |name: &String| {
            let path = self.host(name);
            format!("{{ name = {name:?}, path = {:?}, node = \"{unique}{name}\" }}", path.to_str().unwrap())
        };
        let hosts: Vec<String> = self.hosts.iter().map(host).collect();
        let node = format!("RELEASE_NODE = {unique:?}");
        let text = format!(
            "app = \"{}\"\n[deploy]\ntransport = \"local\"\nstart_timeout = \"30s\"\n[deploy.env]\n{node}\n\
             [targets.staging]\nhosts = [{}]\n{more}\n",
            self.app.name(),
            hosts.join(", "),
        );
        fs::write(self.project().join("edeliver.toml"), text).unwrap();
    }
    /// A program of the project.
    pub(crate) fn script(&self, path: &str, text: &str) {
        let path = self.project().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }
    /// Has the configuration end with this table.
    pub(crate) fn last_table(&self, name: &str, lines: &str) {
        let file = self.project().join("edeliver.toml");
        let (text, head) = (fs::read_to_string(&file).unwrap(), format!("[{name}]"));
        let before = text.split(&head).next().unwrap();
        fs::write(file, format!("{before}{head}\n{lines}\n")).unwrap();
    }
    pub(crate) fn project(&self) -> PathBuf {
        self.dir.path().join("project")
    }
    pub(crate) fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }
    fn host(&self, name: &str) -> PathBuf {
        self.dir.path().join("my hosts").join(name)
    }
    /// The release root on a host.
    pub(crate) fn root(&self, host: &str) -> PathBuf {
        self.host(host).join(self.app.name().as_str())
    }
    pub(crate) fn read(&self, host: &str, path: &str) -> String {
        fs::read_to_string(self.root(host).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }
    pub(crate) fn edeliver(&self, line: &str) -> Done {
        let Output { status, stdout, stderr } = self.command().args(line.split_whitespace()).output().unwrap();
        Done { code: status.code().unwrap_or(-1), told: text(&stdout) + &text(&stderr) }
    }
    /// The same with variables in its environment.
    pub(crate) fn edeliver_with(&self, variables: &[(&str, &str)], line: &str) -> Done {
        let mut command = self.command();
        let output = command.envs(variables.iter().copied()).args(line.split_whitespace()).output().unwrap();
        Done { code: output.status.code().unwrap_or(-1), told: text(&output.stdout) + &text(&output.stderr) }
    }
    /// The same with words that may have blanks in them, and with the two outputs apart.
    pub(crate) fn words(&self, words: &[&str]) -> Said {
        let Output { status, stdout, stderr } = self.command().args(words).output().unwrap();
        Said { code: status.code().unwrap_or(-1), out: text(&stdout), err: text(&stderr) }
    }
    /// The same, going on.
    pub(crate) fn start(&self, words: &[&str]) -> Child {
        self.command().args(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }
    /// The same at a terminal of its own, whose keys are pressed with the pipe.
    pub(crate) fn at_a_terminal(&self, words: &[&str]) -> Child {
        crate::terminal::at_a_terminal(self.program("script"), words)
    }
    fn command(&self) -> Command {
        self.program(env!("CARGO_BIN_EXE_edeliver"))
    }
    fn program(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.project()).stdin(Stdio::null()).env_clear();
        command.env("HOME", self.dir.path().join("home")).env("PATH", std::env::var_os("PATH").unwrap()).env("LC_ALL", "C.UTF-8");
        command
    }
    /// What the node of a host says to an Erlang expression, through the release's own start script.
    pub(crate) fn ask(&self, expression: &str) -> String {
        assert_eq!(self.app, App::Mix);
        let node = self.node("one");
        let script = self.root("one").join("bin/hotapp");
        let output = Command::new(script).args(["rpc", expression]).env("RELEASE_NODE", node).output().unwrap();
        text(&output.stdout).trim().to_owned()
    }
    fn node(&self, host: &str) -> String {
        let config = fs::read_to_string(self.project().join("edeliver.toml")).unwrap();
        let at = config.split("node = \"").find(|rest| rest.split('"').next().is_some_and(|node| node.ends_with(host)));
        at.unwrap().split('"').next().unwrap().to_owned()
    }
    /// Every file of a release root with its content's length and time of change, for "nothing of this was touched".
    pub(crate) fn snapshot(&self, host: &str, dirs: &[&str]) -> Vec<String> {
        let script = "find \"$@\" -type f -printf '%p %s %T@\\n' | sort";
        let output = Command::new("sh").args(["-c", script, "sh"]).args(dirs).current_dir(self.root(host)).output().unwrap();
        text(&output.stdout).lines().map(str::to_owned).collect()
    }
    /// Processes with this folder in their words.
    fn processes(&self) -> Vec<Pid> {
        let ours = self.dir.path().as_os_str().as_encoded_bytes();
        let words = |pid: &i32| fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        all.filter(|pid| contains(&words(pid), ours)).filter_map(Pid::from_raw).collect()
    }
    /// Those of them with another word beside it.
    pub(crate) fn processes_with(&self, word: &str) -> Vec<Pid> {
        let has =
            |pid: &Pid| contains(&fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default(), word.as_bytes());
        self.processes().into_iter().filter(has).collect()
    }
    /// The process that serves a host's root.
    pub(crate) fn beam(&self, host: &str) -> Option<Pid> {
        let exe = |pid: &Pid| fs::read_link(format!("/proc/{}/exe", pid.as_raw_nonzero())).unwrap_or_default();
        let root = self.root(host);
        self.processes().into_iter().find(|pid| exe(pid).ends_with("beam.smp") && exe(pid).starts_with(&root))
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        for pid in self.processes() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// A path that must be there.
#[track_caller]
pub(crate) fn assert_there(path: &Path) {
    assert!(path.exists(), "{} is missing", path.display());
}
