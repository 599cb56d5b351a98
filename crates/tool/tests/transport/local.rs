//! This machine as a host, behind every login shell and every `/bin/sh` there is.

use std::time::Duration;

use edeliver::transport::{Call, Local, Output, Transport, TransportError};

use crate::conformance::{call, conformance};

#[tokio::test]
async fn a_local_host_keeps_the_promises() {
    conformance(&Local::new()).await;
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
    let echo = dir.path().join("echo");
    std::fs::write(&echo, "#!/bin/sh\nexec cat\n").unwrap();
    std::fs::set_permissions(&echo, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let reply = Local::new().login_shell(&echo).run(call("true", &[])).await;
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
