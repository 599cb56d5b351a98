//! One test's hosts and project.

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use edeliver_lab::{HostSpec, Lab, LabSpec};
use tempfile::TempDir;

use crate::world::{App, edeliver, world};

/// The port the sample answers HTTP on.
const PORT: u16 = 4000;

/// Hosts of their own, and a project that deploys to them.
pub(crate) struct Scene {
    pub(crate) lab: Lab,
    pub(crate) app: App,
    folder: TempDir,
    hosts: Vec<String>,
}

/// What a command said and how it ended.
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Scene {
    /// A build host and so many production hosts.
    pub(crate) fn fleet(app: App, count: usize) -> Self {
        Self::with(app, LabSpec::fleet(count), (1..=count).map(|n| format!("prod{n}")).collect())
    }
    /// The same, of which one host is of this kind.
    pub(crate) fn fleet_with(app: App, count: usize, host: &str, spec: HostSpec) -> Self {
        let of = |name: &str| if name == host { spec.clone() } else { HostSpec::default() };
        let names: Vec<String> = (1..=count).map(|n| format!("prod{n}")).collect();
        let hosts = LabSpec::empty().host("build", HostSpec::default());
        let hosts = names.iter().fold(hosts, |hosts, name| hosts.host(name, of(name)));
        Self::with(app, hosts, names)
    }
    /// The same, and `gate`: another way to the production hosts than by `build`.
    pub(crate) fn behind_gates(app: App, count: usize) -> Self {
        Self::fleet_and(app, count, "gate")
    }
    /// The same, and one more host that nothing is deployed to.
    pub(crate) fn fleet_and(app: App, count: usize, host: &str) -> Self {
        let spec = LabSpec::fleet(count).host(host, HostSpec::default());
        Self::with(app, spec, (1..=count).map(|n| format!("prod{n}")).collect())
    }
    /// One production host of this kind.
    pub(crate) fn host(app: App, spec: HostSpec) -> Self {
        Self::with(app, LabSpec::empty().host("prod1", spec), vec!["prod1".to_owned()])
    }
    fn with(app: App, spec: LabSpec, hosts: Vec<String>) -> Self {
        let folder = TempDir::with_prefix("edeliver-scene-").expect("a temporary folder");
        world().copy(app, &folder.path().join("project"));
        let lab = Lab::up(spec).expect("the lab comes up");
        let scene = Self { lab, app, folder, hosts };
        scene.configure("apps", "");
        scene
    }
    /// Writes edeliver.toml with this path on the hosts, and these lines at its end.
    pub(crate) fn configure(&self, path: &str, more: &str) {
        let names = self.hosts.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ");
        let text = format!(
            "app = {:?}\n\n[build]\nhost = \"build\"\npath = \"builds\"\n\n[targets.production]\npath = {path:?}\nconfirm = false\n\
             hosts = [{names}]\nenv = {{ {} = \"{PORT}\" }}\n\n{more}",
            self.app.name(),
            self.app.port_variable()
        );
        fs::write(self.project().join("edeliver.toml"), text).expect("the project can be written");
    }
    pub(crate) fn project(&self) -> PathBuf {
        self.folder.path().join("project")
    }
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// edeliver with these words, in the project, in the lab's network.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = self.lab.command(edeliver());
        command.args(words.split_whitespace()).current_dir(self.project()).stdin(Stdio::null());
        command.env("EDELIVER_SSH_CONFIG", self.lab.ssh_config());
        command
    }
    pub(crate) fn run(&self, words: &str) -> Ran {
        Ran::from(self.command(words).output().expect("edeliver can be started"))
    }
    /// The same, which must succeed; gives what it printed.
    pub(crate) fn ok(&self, words: &str) -> Ran {
        let ran = self.run(words);
        assert_eq!(ran.code, Some(0), "edeliver {words}\n{}\n{}", ran.out, ran.err);
        ran
    }
    pub(crate) fn spawn(&self, words: &str) -> Child {
        self.command(words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("edeliver can be started")
    }
    /// A shell command on a host as the deploy user, by plain ssh; gives its output, and fails if it does.
    pub(crate) fn on(&self, host: &str, shell: &str) -> String {
        let output = self.lab.ssh(host).arg(shell).stdin(Stdio::null()).output().expect("ssh can be started");
        assert!(output.status.success(), "{host}: {shell}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
    /// A shell command on the only host as root; gives its output, and fails if it does.
    pub(crate) fn as_root(&self, shell: &str) -> String {
        self.on(&format!("root@{}", self.hosts[0]), shell)
    }
    /// What the sample answers on a host over HTTP; its line names the version of the code that serves.
    pub(crate) fn served(&self, host: &str) -> Option<String> {
        let address = self.address(host);
        let ask =
            format!("exec 3<>/dev/tcp/{address}/{PORT} && printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3 && timeout 5 tail -n 1 <&3");
        let output = self.lab.command("bash").args(["-c", &ask]).output().expect("bash is installed");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
    /// The host's address in the lab's network.
    pub(crate) fn address(&self, host: &str) -> String {
        let status = self.lab.status().expect("the hub answers");
        status.hosts.iter().find(|row| row.host.to_string() == host).expect("the host is there").address.to_string()
    }
    /// Asserts that this version answers on the host.
    pub(crate) fn assert_serves(&self, host: &str, version: &str) {
        let served = self.served(host).unwrap_or_default();
        assert!(served.contains(version), "{host} serves {served:?}, not {version}");
    }
    /// The version that the next start boots.
    pub(crate) fn permanent(&self, host: &str, path: &str) -> String {
        self.on(host, &format!("cut -d' ' -f2 {path}/{}/releases/start_erl.data", self.app.name()))
    }
}

impl Ran {
    /// Both streams.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.out, self.err)
    }
    /// Asserts the exit code and that all of these are said.
    pub(crate) fn assert(&self, code: i32, words: &[&str]) {
        assert_eq!(self.code, Some(code), "{}", self.said());
        for word in words {
            assert!(self.said().contains(word), "no {word:?} in\n{}", self.said());
        }
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }
}

/// Waits until it holds, for at most 30 s.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within 30 s");
        thread::sleep(Duration::from_millis(100));
    }
}

/// Signals a command that goes on. The child is the lab's program, which has become edeliver by exec: the same process.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status();
    assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
}
