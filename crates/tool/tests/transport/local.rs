//! This machine as a host, behind every login shell and every `/bin/sh` there is.

use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

use edeliver::transport::{BOOTSTRAP, Call, Local, Output, Transport, TransportError};

use crate::conformance::{a_port_can_be_reached, call, conformance, echo, join_all};

#[tokio::test]
async fn a_local_host_keeps_the_promises() {
    conformance(&Local::new()).await;
    a_port_can_be_reached(&Local::new()).await;
}

/// A login shell that runs the line of its `-c` in this way.
fn shell(dir: &Path, line: &str) -> Local {
    let file = dir.join("shell");
    std::fs::write(&file, format!("#!/bin/sh\n{line}\n")).unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o755)).unwrap();
    Local::new().login_shell(file)
}

/// The bootstrap line with this instead of `/bin/sh`.
fn as_sh(sh: &str) -> String {
    BOOTSTRAP.replace("/bin/sh", sh)
}

#[tokio::test]
async fn with_bash_as_sh_the_promises_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    conformance(&shell(dir.path(), &as_sh("bash --posix"))).await;
}

#[tokio::test]
async fn with_busybox_as_sh_the_promises_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    conformance(&shell(dir.path(), &as_sh("busybox sh"))).await;
}

#[tokio::test]
async fn with_zsh_as_sh_the_promises_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    conformance(&shell(dir.path(), &as_sh("zsh --emulate sh"))).await;
}

/// Some daemons start sessions in their own process group, which must never be signalled.
#[tokio::test]
async fn a_session_without_a_group_of_its_own_gets_one() {
    let dir = tempfile::tempdir().unwrap();
    let host = shell(dir.path(), "/bin/sh -c \"$2\"; exit $?");
    conformance(&host).await;
    // The shell in front is no part of the call's group: it lives to tell the status.
    assert_eq!(host.run(call("kill -TERM 0; sleep 5", &[])).await.unwrap().status, 143);
}

#[tokio::test]
async fn login_shells_of_all_kinds_run_scripts_alike() {
    for shell in ["/usr/bin/dash", "/usr/bin/bash", "/usr/bin/zsh", "/usr/bin/fish"] {
        let host = Local::new().login_shell(shell);
        let reply = host.run(call("printf %s \"$2\"; exit 9", &["a", "it's \"$x\" !y\n\\z"])).await.unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (9, "it's \"$x\" !y\n\\z"), "{shell}");
    }
}

#[tokio::test]
async fn the_environment_is_that_of_a_login() {
    let host = Local::new().env("LANG", "C").env("EXTRA", "yes");
    let text = host.run(call("env; pwd", &[])).await.unwrap().text();
    assert!(text.contains("EXTRA=yes") && text.contains("LANG=C\n") && text.contains("PATH="), "{text}");
    assert!(!text.contains("CARGO"), "the environment of the test leaks: {text}");
    assert_eq!(text.lines().last().unwrap(), std::env::home_dir().unwrap().to_str().unwrap());
}

#[tokio::test]
async fn a_shell_that_does_not_run_the_command_is_told() {
    for (shell, why) in
        [("/usr/sbin/nologin", "This account is currently not available."), ("/bin/false", "it ended without a word")]
    {
        match Local::new().login_shell(shell).run(call("true", &[])).await {
            Err(TransportError::NoShell { why: said }) => assert_eq!(said, why),
            other => panic!("{shell}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_shell_that_only_echoes_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let reply = shell(dir.path(), "exec cat").run(call("true", &[])).await;
    assert!(matches!(reply, Err(TransportError::NoShell { .. })), "{reply:?}");
}

#[tokio::test]
async fn a_failed_script_becomes_an_error_with_its_last_words() {
    let call = call("echo why >&2; exit 5", &[]);
    let script = call.script;
    match Local::new().run(call).await.unwrap().ok(script) {
        Err(TransportError::Failed { status: 5, tail, .. }) => assert_eq!(tail, ["why"]),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn output_comes_while_the_script_runs() {
    let mut first = None;
    let start = std::time::Instant::now();
    let mut each = |_: &str| {
        first.get_or_insert(start.elapsed());
    };
    let slow = Call { output: Output::Lines(&mut each), ..call("echo now; sleep 2; echo later", &[]) };
    Local::new().run(slow).await.unwrap();
    assert!(first.unwrap() < Duration::from_secs(1));
}

/// Once the end mark was lost when the pipe was full at the moment the script ended.
#[tokio::test]
async fn the_end_is_not_lost_behind_a_full_pipe() {
    let dir = tempfile::tempdir().unwrap();
    let host = shell(dir.path(), &as_sh("busybox sh"));
    for _ in 0..4 {
        join_all((0..6).map(|_| echo(&host, 3 << 20))).await;
    }
}
