//! ssh against a real sshd.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use edeliver::transport::{Call, Transport, TransportError, prompt::Prompter};

use crate::{
    conformance::{SOON, a_port_can_be_reached, call, conformance, join_all, processes, wait_until},
    sshd::{Sshd, keygen},
};

#[tokio::test]
async fn a_host_behind_ssh_keeps_the_promises() {
    let sshd = Sshd::start("");
    let host = sshd.open().await.unwrap();
    conformance(&host).await;
    a_port_can_be_reached(&host).await;
    assert_eq!(host.counts().logins, 1);
    assert_eq!(sshd.logins(), 1);
    host.close().await;
}

#[tokio::test]
async fn an_unknown_host_key_is_shown_and_never_accepted() {
    let sshd = Sshd::start("");
    let print = std::process::Command::new("ssh-keygen").arg("-lf").arg(sshd.path("host_key.pub")).output().unwrap();
    let print = String::from_utf8(print.stdout).unwrap().split(' ').nth(1).unwrap().to_owned();
    for checking in ["", "StrictHostKeyChecking yes", "StrictHostKeyChecking accept-new", "BatchMode yes"] {
        fs::remove_file(sshd.path("known_hosts")).ok();
        sshd.configure(checking);
        match sshd.open().await.map(drop) {
            Err(TransportError::UnknownHostKey { fingerprint, trust }) => {
                assert_eq!(fingerprint, format!("ED25519 {print}"));
                let config = sshd.path("ssh_config");
                let command = format!("ssh -o StrictHostKeyChecking=ask -F {} box true", config.display());
                assert_eq!(trust.command.unwrap(), command);
            }
            other => panic!("{other:?}"),
        }
        assert!(!sshd.path("known_hosts").exists(), "the key was written down");
    }
    assert_eq!(sshd.logins(), 0);
}

#[tokio::test]
async fn a_changed_host_key_is_told_apart() {
    let mut sshd = Sshd::start("");
    sshd.change_key();
    match sshd.open().await.map(drop) {
        Err(TransportError::ChangedHostKey { why }) => assert!(why.contains("known_hosts:1"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_login_says_what_ssh_says() {
    let sshd = Sshd::start("");
    keygen(&sshd.path("id"), "");
    match sshd.open().await.map(drop) {
        Err(TransportError::Login { why }) => assert!(why.contains("Permission denied (publickey"), "{why}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_host_that_is_not_there_is_unreachable() {
    let mut sshd = Sshd::start("");
    sshd.kill();
    match sshd.open().await.map(drop) {
        Err(TransportError::Unreachable { why }) => assert!(why.contains("Connection refused"), "{why}"),
        other => panic!("{other:?}"),
    }
    sshd.configure("  ProxyCommand false");
    assert!(matches!(sshd.open().await.map(drop), Err(TransportError::Unreachable { .. })));
    sshd.write("ssh_config", "Host box\n  HostName does-not-exist.invalid\n");
    match sshd.open().await.map(drop) {
        Err(TransportError::Unreachable { why }) => assert!(why.contains("Could not resolve hostname"), "{why}"),
        other => panic!("{other:?}"),
    }
    sshd.write("ssh_config", "Host box\n  Nonsense 1\n");
    assert!(matches!(sshd.open().await.map(drop), Err(TransportError::Here { .. })));
}

/// Gives these answers, and counts.
#[derive(Default)]
struct Answers {
    words: Vec<&'static str>,
    asked: AtomicUsize,
}

#[async_trait]
impl Prompter for Answers {
    async fn ask(&self, question: &str) -> Option<String> {
        assert!(question.starts_with("Enter passphrase for key"), "{question}");
        self.words.get(self.asked.fetch_add(1, Ordering::SeqCst)).map(ToString::to_string)
    }
    async fn tell(&self, _: &str) {}
}

/// An sshd whose user's key has the passphrase `open sesame`.
fn with_locked_key() -> Sshd {
    let sshd = Sshd::start("");
    keygen(&sshd.path("id"), "open sesame");
    fs::copy(sshd.path("id.pub"), sshd.path("authorized_keys")).unwrap();
    sshd
}

#[tokio::test]
async fn a_passphrase_is_asked_once_for_all_hosts() {
    let sshd = with_locked_key();
    let answers = Arc::new(Answers { words: vec!["wrong", "open sesame"], ..Answers::default() });
    let limits = sshd.limits().with_prompter(answers.clone());
    let one = crate::sshd::spec("box");
    let two = crate::sshd::spec("jumped");
    let first = edeliver::transport::Ssh::open(&one, &limits).await.unwrap();
    let second = edeliver::transport::Ssh::open(&two, &limits).await.unwrap();
    assert_eq!(answers.asked.load(Ordering::SeqCst), 2);
    assert_eq!(second.run(call("echo in", &[])).await.unwrap().text(), "in\n");
    first.close().await;
}

#[tokio::test]
async fn without_a_terminal_a_passphrase_is_refused_with_the_reason() {
    let sshd = with_locked_key();
    match sshd.open().await.map(drop) {
        Err(TransportError::Login { why }) => assert!(why.contains("Enter passphrase for key"), "{why}"),
        other => panic!("{other:?}"),
    }
    let declines = Arc::new(Answers::default());
    assert!(matches!(sshd.open_with(declines.clone()).await.map(drop), Err(TransportError::Login { .. })));
    assert_eq!(declines.asked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn the_users_own_connection_is_used_if_there_is_one() {
    let sshd = Sshd::start("");
    let control = sshd.path("cm-%C");
    sshd.configure(&format!("  ControlPath {}", control.display()));
    let mut own = std::process::Command::new("ssh");
    let mut own = own.arg("-F").arg(sshd.path("ssh_config")).args(["-MN", "box"]).spawn().unwrap();
    let socket =
        || fs::read_dir(sshd.path("")).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with("cm-"));
    wait_until("the user's master is up", SOON, socket).await;
    let host = sshd.open().await.unwrap();
    assert_eq!(host.run(call("echo hello", &[])).await.unwrap().text(), "hello\n");
    assert_eq!((host.counts().logins, sshd.logins()), (0, 1));
    host.close().await;
    assert!(host.run(call("true", &[])).await.is_err(), "a closed connection still takes calls");
    assert!(own.try_wait().unwrap().is_none(), "closing ended the user's own master");
    own.kill().unwrap();
    own.wait().unwrap();
    // What is left is a dead socket, and no reason not to log in.
    let host = sshd.open().await.unwrap();
    assert_eq!(host.counts().logins, 1);
}

#[tokio::test]
async fn a_link_that_breaks_is_not_a_failed_script() {
    let mut sshd = Sshd::start("");
    let host = sshd.open().await.unwrap();
    let mut running = std::pin::pin!(host.run(call("sleep \"$1\"", &["9311.5"])));
    tokio::select! {
        reply = &mut running => panic!("{reply:?}"),
        () = wait_until("it runs", SOON, || !processes("9311.5").is_empty()) => {}
    }
    let start = Instant::now();
    sshd.kill();
    let reply = running.await;
    assert!(matches!(reply, Err(TransportError::LinkLost { script: "test" })), "{reply:?}");
    assert!(start.elapsed() < Duration::from_secs(3));
    wait_until("the script is gone", Duration::from_secs(5), || processes("9311.5").is_empty()).await;
    // Nothing was started here, and no second login was made.
    sshd.run();
    assert!(matches!(host.run(call("true", &[])).await, Err(TransportError::Unreachable { .. })));
    assert_eq!(sshd.logins(), 1);
}

#[tokio::test]
async fn what_start_up_files_print_is_dropped() {
    let sshd = Sshd::start("ForceCommand echo welcome; echo motd >&2; printf no-newline; eval \"$SSH_ORIGINAL_COMMAND\"");
    let host = sshd.open().await.unwrap();
    let reply = host.run(call("echo out; echo err >&2", &[])).await.unwrap();
    assert_eq!((reply.text().as_str(), reply.tail.as_slice()), ("out\n", &["err".to_owned()][..]));
}

#[tokio::test]
async fn a_login_without_a_shell_is_told() {
    let sshd = Sshd::start("ForceCommand echo This account is for git only; exit 1");
    match sshd.open().await.unwrap().run(call("true", &[])).await {
        Err(TransportError::NoShell { why }) => assert_eq!(why, "This account is for git only"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn login_shells_of_all_kinds_run_scripts_alike() {
    for shell in ["dash", "bash -l", "zsh", "fish", "busybox sh"] {
        let sshd = Sshd::start(&format!("ForceCommand exec {shell} -c \"$SSH_ORIGINAL_COMMAND\""));
        let host = sshd.open().await.unwrap();
        let reply = host.run(call("printf %s \"$2\"; exit 9", &["a", "it's \"$x\" !y\n\\z"])).await.unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (9, "it's \"$x\" !y\n\\z"), "{shell}");
    }
}

#[tokio::test]
async fn a_host_that_allows_few_sessions_gets_no_more() {
    let sshd = Sshd::start("MaxSessions 2");
    let host = sshd.open().await.unwrap();
    let calls = (0..12).map(|number: i32| {
        let call = Call::new(crate::conformance::script("sleep 0.3; echo $1"), [number.to_string()], Duration::from_secs(60));
        async { host.run(call).await.unwrap().text() }
    });
    assert_eq!(join_all(calls).await, (0..12).map(|number| format!("{number}\n")).collect::<Vec<_>>());
}

#[tokio::test]
async fn closing_leaves_nothing_behind() {
    let sshd = Sshd::start("");
    let config = sshd.path("ssh_config");
    let own = || processes(config.to_str().unwrap());
    let host = sshd.open().await.unwrap();
    assert_eq!(own().len(), 3, "the keeper, its guard and ssh");
    host.close().await;
    wait_until("closed", Duration::from_secs(1), || own().is_empty()).await;
    // Dropped without a word, as in a program that ends: the same.
    drop(sshd.open().await.unwrap());
    wait_until("dropped", Duration::from_secs(3), || own().is_empty()).await;
}

#[tokio::test]
async fn a_login_that_is_given_up_leaves_nothing_behind() {
    let sshd = Sshd::start("");
    let config = sshd.path("ssh_config");
    let own = || processes(config.to_str().unwrap());
    sshd.configure("  ProxyCommand sleep 9412.7");
    {
        let mut opening = std::pin::pin!(sshd.open());
        tokio::select! {
            opened = &mut opening => panic!("it ended: {:?}", opened.map(drop)),
            () = wait_until("it hangs", SOON, || !own().is_empty() && !processes("9412.7").is_empty()) => {}
        }
    }
    wait_until("given up", Duration::from_secs(3), || own().is_empty() && processes("9412.7").is_empty()).await;
}

#[tokio::test]
async fn git_uses_the_same_login() {
    // A start-up file that prints would break git over a plain ssh.
    let sshd = Sshd::start("ForceCommand echo noise; eval \"$SSH_ORIGINAL_COMMAND\"");
    let dir = tempfile::tempdir().unwrap();
    let (there, here) = (dir.path().join("it's there; $x"), dir.path().join("here"));
    let git = |dir: &std::path::Path, words: &[&str], env: &[(String, String)]| {
        let mut command = std::process::Command::new("git");
        command.arg("-C").arg(dir).args(["-c", "user.name=a", "-c", "user.email=a@b"]).args(words);
        let output = command.envs(env.iter().cloned()).output().unwrap();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    fs::create_dir_all(&there).unwrap();
    fs::create_dir_all(&here).unwrap();
    assert!(git(&there, &["init", "-q", "--bare"], &[]).0);
    assert!(git(&here, &["init", "-q"], &[]).0);
    fs::write(here.join("big"), (0..3_000_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect::<Vec<_>>())
        .unwrap();
    assert!(git(&here, &["add", "."], &[]).0 && git(&here, &["commit", "-qm", "one"], &[]).0);
    let host = sshd.open().await.unwrap();
    let remote = host.git(there.to_str().unwrap());
    let (ok, said) = git(&here, &["push", &remote.url, "HEAD:refs/edeliver/x"], &remote.env);
    assert!(ok, "{said}");
    assert!(git(&there, &["cat-file", "-e", "refs/edeliver/x:big"], &[]).0);
    assert_eq!(sshd.logins(), 1);
    let nowhere = host.git("/nowhere");
    let (ok, said) = git(&here, &["push", &nowhere.url, "HEAD:refs/edeliver/x"], &nowhere.env);
    assert!(!ok && said.contains("'/nowhere' does not appear to be a git repository"), "{said}");
}

#[tokio::test]
async fn twenty_logins_at_once_are_not_too_many_for_a_stock_sshd() {
    let sshd = Sshd::start("MaxStartups 10:30:100");
    let limits = sshd.limits();
    let spec = crate::sshd::spec("box");
    let opened = join_all((0..20).map(|_| edeliver::transport::Ssh::open(&spec, &limits))).await;
    assert!(opened.iter().all(Result::is_ok), "{:?}", opened.iter().find(|host| host.is_err()));
    assert_eq!(sshd.logins(), 20);
    join_all(opened.iter().flatten().map(Transport::close)).await;
}

#[tokio::test]
async fn a_login_that_others_crowd_out_is_tried_again() {
    let sshd = Sshd::start("MaxStartups 1:100:1");
    let crowd = std::net::TcpStream::connect(("127.0.0.1", sshd.port)).unwrap();
    let leave = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        drop(crowd);
    };
    let (host, ()) = tokio::join!(sshd.open(), leave);
    assert_eq!(host.unwrap().run(call("echo in", &[])).await.unwrap().text(), "in\n");
}

#[tokio::test]
async fn a_jump_host_and_its_port_are_the_users_business() {
    let sshd = Sshd::start("");
    let host = {
        sshd.configure("");
        let config = fs::read_to_string(sshd.path("ssh_config")).unwrap();
        sshd.write("ssh_config", &format!("Match originalhost jumped\n  ProxyJump box\n{config}"));
        edeliver::transport::Ssh::open(&crate::sshd::spec("jumped"), &sshd.limits()).await.unwrap()
    };
    assert_eq!(sshd.logins(), 2, "one on the way, one there");
    assert_eq!(host.run(call("echo there", &[])).await.unwrap().text(), "there\n");
    host.close().await;
    wait_until("closed", Duration::from_secs(1), || processes(sshd.path("ssh_config").to_str().unwrap()).is_empty()).await;
}

/// Declines every question.
struct Declines;

#[async_trait]
impl Prompter for Declines {
    async fn ask(&self, question: &str) -> Option<String> {
        assert!(question.contains("password:"), "{question}");
        None
    }
    async fn tell(&self, _: &str) {}
}

#[tokio::test]
async fn a_declined_password_is_not_tried_as_an_empty_one() {
    let mut sshd = Sshd::start("LogLevel DEBUG1");
    let config = fs::read_to_string(sshd.path("sshd_config")).unwrap();
    sshd.kill();
    sshd.write("sshd_config", &config.replace("PasswordAuthentication no", "PasswordAuthentication yes"));
    sshd.run();
    keygen(&sshd.path("id"), "");
    for jump in ["", "Match originalhost box\n  ProxyJump jumped\n"] {
        sshd.configure("");
        let config = fs::read_to_string(sshd.path("ssh_config")).unwrap();
        sshd.write("ssh_config", &format!("{jump}{config}"));
        match sshd.open_with(Arc::new(Declines)).await.map(drop) {
            Err(TransportError::Login { why }) => assert!(why.contains("password:"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    let log = fs::read_to_string(sshd.path("log")).unwrap();
    assert!(!log.contains("Failed password"), "{log}");
}

#[tokio::test]
async fn a_connection_of_the_users_that_hangs_is_left_alone() {
    let sshd = Sshd::start("");
    sshd.configure(&format!("  ControlPath {}", sshd.path("cm").display()));
    let mut own = std::process::Command::new("ssh");
    let mut own = own.arg("-F").arg(sshd.path("ssh_config")).args(["-MN", "box"]).spawn().unwrap();
    wait_until("the user's master is up", SOON, || sshd.path("cm").exists()).await;
    let id = rustix::process::Pid::from_raw(own.id().cast_signed()).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::STOP).unwrap();
    let host = sshd.open().await.unwrap();
    assert_eq!(host.counts().logins, 1);
    own.kill().unwrap();
    own.wait().unwrap();
}

/// The far shells of this connection that wait for a call: children of its sshd.
fn waiting(sshd: u32) -> Vec<u32> {
    let parent = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse::<u32>().ok())
    };
    processes("IFS= read -r s").into_iter().filter(|pid| parent(pid) == Some(sshd)).collect()
}

#[tokio::test]
async fn a_session_opened_beforehand_serves_the_next_call_and_one_that_ended_does_not() {
    let sshd = Sshd::start("");
    let host = sshd.open().await.unwrap();
    host.another_follows();
    numbers(&host, "echo $PPID").await;
    let (daemon, _) = numbers(&host, "echo $PPID").await;
    wait_until("the spare was used and no other follows", SOON, || waiting(daemon).is_empty()).await;

    host.another_follows();
    host.run(call("true", &[])).await.unwrap();
    wait_until("a shell waits", SOON, || waiting(daemon).len() == 1).await;
    let spare = waiting(daemon)[0];
    let (_, used) = numbers(&host, "echo $PPID; echo $$").await;
    assert_eq!(used, [spare], "the call ran in the shell that waited");

    host.another_follows();
    host.run(call("true", &[])).await.unwrap();
    wait_until("a shell waits", SOON, || waiting(daemon).len() == 1).await;
    let spare = rustix::process::Pid::from_raw(waiting(daemon)[0].cast_signed()).unwrap();
    rustix::process::kill_process(spare, rustix::process::Signal::KILL).unwrap();
    wait_until("it is gone", SOON, || waiting(daemon).is_empty()).await;
    tokio::time::sleep(Duration::from_millis(200)).await; // sshd has to tell
    assert_eq!(host.run(call("echo here", &[])).await.unwrap().text(), "here\n");

    host.another_follows();
    host.run(call("true", &[])).await.unwrap();
    host.close().await;
    wait_until("nothing waits on a closed connection", SOON, || waiting(daemon).is_empty()).await;
}

#[tokio::test]
async fn as_many_sessions_are_opened_beforehand_as_calls_are_known_to_follow() {
    let sshd = Sshd::start("");
    let host = sshd.open().await.unwrap();
    host.another_follows();
    host.another_follows();
    let (daemon, _) = numbers(&host, "echo $PPID").await;
    wait_until("two shells wait", SOON, || waiting(daemon).len() == 2).await;
    let spares = waiting(daemon);
    for left in [1, 0] {
        let (_, used) = numbers(&host, "echo $PPID; echo $$").await;
        assert!(spares.contains(&used[0]), "the call ran in a shell that waited");
        wait_until("no further one was opened", SOON, || waiting(daemon).len() == left).await;
    }
}

/// The connection's sshd, and what else the script printed.
async fn numbers(host: &dyn Transport, text: &'static str) -> (u32, Vec<u32>) {
    let reply = host.run(call(text, &[])).await.unwrap().text();
    let mut lines = reply.lines().map(|line| line.parse().unwrap());
    (lines.next().unwrap(), lines.collect())
}
