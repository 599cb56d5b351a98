use std::{fs, path::PathBuf, time::Instant};

use edeliver_core::plan::{Precondition, Verdict};

use super::*;
use crate::{lease::script, transport::Local};

const STOP_NOTHING: Script = Script { name: "stop", text: "echo stopped\n" };

/// A host on which 0.2.0 is started in place of 0.1.0.
struct Host {
    dir: tempfile::TempDir,
    local: Arc<Local>,
    place: Place,
    plan: HostPlan,
    guard: Guard,
    token: Token,
    run: RunId,
}

/// A host that has busybox and nothing else, but for what busybox lacks.
fn busybox(dir: &std::path::Path) -> Local {
    let (tools, shell) = (dir.join("busybox"), dir.join("sh"));
    fs::create_dir(&tools).unwrap();
    assert!(std::process::Command::new("busybox").args(["--install", "-s"]).arg(&tools).status().unwrap().success());
    fs::write(&shell, "#!/bin/sh\nexec busybox sh -c \"$(printf '%s' \"$2\" | sed 's#/bin/sh#busybox sh#g')\"\n").unwrap();
    fs::set_permissions(&shell, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    Local::new().login_shell(shell).env("PATH", tools.to_str().unwrap())
}

impl Host {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::of(Local::new(), dir)
    }
    fn with_busybox() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self::of(busybox(dir.path()), dir)
    }
    fn of(local: Local, dir: tempfile::TempDir) -> Self {
        // A path with what shells love.
        let root = dir.path().join("it's a \"root\" $HOME/demo");
        fs::create_dir_all(root.join(".edeliver")).unwrap();
        let place = Place { root: root.to_str().unwrap().parse().unwrap(), app: "demo".parse().unwrap(), node: None };
        let (old, new, second) = ("0.1.0".parse().unwrap(), "0.2.0".parse().unwrap(), Duration::from_secs(1));
        let start = |version: &edeliver_core::name::Version| Step::Start { version: version.clone(), timeout: second, unit: None };
        let stop = |version| Step::Stop { version, timeout: second, unit: None, guard: None };
        let plan = HostPlan {
            host: "a".parse().unwrap(),
            expect: Precondition::default(),
            verdict: Verdict::Change,
            reasons: Vec::new(),
            steps: vec![stop(None), start(&new)],
            undo: vec![stop(Some(new.clone())), start(&old)],
        };
        let guard = Guard { within: second, new, back: old, remember: None };
        let token: Token = "20260101-000000-aaaa-1".parse().unwrap();
        let host = Self { dir, local: Arc::new(local), place, plan, guard, token, run: "20260101-000000-aaaa".parse().unwrap() };
        host.has_lease(host.token.as_str());
        host
    }
    fn own(&self, file: &str) -> PathBuf {
        PathBuf::from(self.place.root.as_str()).join(".edeliver").join(file)
    }
    fn has_lease(&self, token: &str) {
        fs::write(self.own("lease"), format!("{token} run - 0\nann\nwork\n")).unwrap();
    }
    async fn arm(&self) -> u32 {
        let environment =
            Environment { variables: vec![("TOKEN".into(), "it's\n# secret 'x' \\ $y".into())], ..Environment::default() };
        let Self { place, plan, guard, token, run, .. } = self;
        let armed = Arms { place, plan, guard, token, run, environment: &environment }.over(self.local.clone());
        let reply = armed.run(Call::new(STOP_NOTHING, [""; 0], PATIENCE)).await.unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (0, "stopped\n"), "{:?}", reply.tail);
        self.watch().unwrap_or_else(|| panic!("{:?}", reply.tail))
    }
    /// The process of the watch.
    fn watch(&self) -> Option<u32> {
        let mark = fs::read_to_string(self.own("guard")).ok()?;
        mark.split([' ', '-']).nth(self.token.as_str().matches('-').count() + 1)?.parse().ok()
    }
    async fn confirm(&self) -> Reply {
        confirm(&*self.local, &self.place, &self.token, &self.run).await.unwrap()
    }
}

async fn ends(process: u32) {
    let began = Instant::now();
    let state = || fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    while !state().is_empty() && !state().contains(") Z ") {
        assert!(began.elapsed() < Duration::from_secs(30), "it goes on: {}", state());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn a_watch_begins_once_shows_no_secret_and_ends_when_it_is_confirmed_which_can_be_said_twice() {
    for host in [Host::new(), Host::with_busybox()] {
        begins_once_and_ends(host).await;
    }
}

async fn begins_once_and_ends(host: Host) {
    let process = host.arm().await;
    assert_eq!(host.arm().await, process, "told twice");
    for file in ["cmdline", "environ"] {
        let words = String::from_utf8_lossy(&fs::read(format!("/proc/{process}/{file}")).unwrap()).into_owned();
        assert!(!words.contains("secret"), "{words}");
    }
    assert_eq!(host.confirm().await.status, 0);
    assert!(!host.own("guard").exists());
    ends(process).await;
    assert_eq!(host.confirm().await.status, 0);
    let left: Vec<_> = fs::read_dir(host.own("")).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(left, ["lease"], "{left:?}");
    drop(host.dir);
}

#[tokio::test]
async fn a_watch_ends_when_another_run_has_the_host() {
    let host = Host::new();
    let process = host.arm().await;
    host.has_lease("20260101-000001-bbbb-1");
    ends(process).await;
    assert!(!host.own("guard").exists() && !host.own("went-back").exists());
}

#[tokio::test]
async fn who_takes_the_lease_ends_the_watch_of_the_run_before() {
    let host = Host::new();
    let process = host.arm().await;
    host.has_lease("-");
    let claimant = script::Claimant { token: "20260101-000001-bbbb-1".parse().unwrap(), who: "bob".into(), what: "deploy".into() };
    let reply = host.local.run(script::call(claimant.args(&host.place, "take"))).await.unwrap();
    assert_eq!(reply.text(), "taken\n", "{:?}", reply.tail);
    assert!(!host.own("guard").exists());
    ends(process).await;
}

#[tokio::test]
async fn a_host_that_has_gone_back_says_so_when_it_is_confirmed_too_late() {
    let host = Host::new();
    fs::write(host.own("went-back"), "2026-11-26T21:47:53Z 0.2.0 0.1.0 60 20260101-000000-aaaa done\n").unwrap();
    let reply = host.confirm().await;
    assert_eq!(reply.status, WENT_BACK);
    assert_eq!(reply.tail, ["the host went back to 0.1.0 by itself at 2026-11-26T21:47:53Z"]);
}

#[test]
fn the_watch_is_a_script_for_every_shell() {
    let host = Host::new();
    let Host { place, plan, guard, token, run, .. } = &host;
    let text = Arms { place, plan, guard, token, run, environment: &Environment::default() }.text();
    for shell in [&["dash", "-n"][..], &["busybox", "sh", "-n"], &["bash", "-n"]] {
        let file = host.dir.path().join("text");
        fs::write(&file, &text).unwrap();
        let output = std::process::Command::new(shell[0]).args(&shell[1..]).arg(&file).output().unwrap();
        assert!(output.status.success(), "{shell:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[tokio::test]
async fn a_host_that_can_t_have_a_watch_says_why_and_its_node_is_stopped_all_the_same() {
    let host = Host::new();
    let tools = host.dir.path().join("tools");
    fs::create_dir(&tools).unwrap();
    for tool in ["sh", "gzip", "dd", "rm", "sleep", "cat", "ps", "awk"] {
        let path = ["/usr/bin", "/bin"].map(|dir| std::path::Path::new(dir).join(tool)).into_iter().find(|path| path.exists());
        std::os::unix::fs::symlink(path.unwrap(), tools.join(tool)).unwrap();
    }
    let local = Arc::new(Local::new().env("PATH", tools.to_str().unwrap()));
    let Host { place, plan, guard, token, run, .. } = &host;
    let armed = Arms { place, plan, guard, token, run, environment: &Environment::default() }.over(local);
    let reply = armed.run(Call::new(STOP_NOTHING, [""; 0], PATIENCE)).await.unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (0, "stopped\n"), "{:?}", reply.tail);
    assert_eq!(reply.tail, [format!("{NO_WATCH}it has no setsid")]);
    assert!(!host.own("guard").exists());
}
