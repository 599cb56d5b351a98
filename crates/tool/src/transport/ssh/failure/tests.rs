use super::*;

fn to() -> Destination {
    Destination { words: vec![], shown: "-p 2222 prod1".to_owned(), control_path: None, options: vec![] }
}

/// What is made of an ssh that ended after these lines.
fn of(said: &str) -> TransportError {
    let said: Vec<_> = said.lines().map(|line| line.trim().to_owned()).collect();
    of_login(&Attempt::Ended, &said, &Asked::default(), &to())
}

fn unreachable(said: &str) -> String {
    match of(said) {
        TransportError::Unreachable { why } => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_host_that_does_not_answer_is_unreachable() {
    for said in [
        "ssh: Could not resolve hostname prod1: Name or service not known",
        "ssh: connect to host 198.18.32.1 port 22: Connection refused",
        "ssh: connect to host 198.18.32.1 port 22: No route to host",
        "Connection timed out during banner exchange",
        "Connection closed by 198.18.32.1 port 22",
    ] {
        assert_eq!(unreachable(said), said);
    }
    assert_eq!(unreachable(""), "ssh ended without a word");
}

#[test]
fn with_a_jump_host_its_reason_comes_first() {
    let why = unreachable("ssh: connect to host bastion port 22: Connection refused\n\nConnection closed by UNKNOWN port 65535");
    assert!(why.starts_with("ssh: connect to host bastion port 22: Connection refused;"), "{why}");
}

#[test]
fn a_refused_login_is_told_apart() {
    for said in [
        "deploy@prod1: Permission denied (publickey).",
        "Received disconnect from 198.18.32.1 port 22:2: Too many authentication failures",
    ] {
        assert!(matches!(of(said), TransportError::Login { why } if why == said));
    }
    // A key file that can't be read is a remark, and not the reason.
    let remark = "Load key \"/root/.ssh/id\": Permission denied\nssh: connect to host prod1 port 22: Connection refused";
    assert!(matches!(of(remark), TransportError::Unreachable { .. }));
}

#[test]
fn a_changed_key_names_where_the_old_one_stands() {
    let said = "@@@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@@@\n\
                The fingerprint for the ED25519 key sent by the remote host is\nSHA256:abc.\n\
                Offending ED25519 key in /root/.ssh/known_hosts:3\nHost key verification failed.";
    match of(said) {
        TransportError::ChangedHostKey { why } => {
            assert_eq!(why, "SHA256:abc; Offending ED25519 key in /root/.ssh/known_hosts:3");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_unknown_key_comes_with_the_command_that_trusts_it() {
    match of("No ED25519 host key is known for prod1 and you have requested strict checking.\nHost key verification failed.") {
        TransportError::UnknownHostKey { trust, .. } => {
            assert_eq!(trust.command.unwrap(), "ssh -o StrictHostKeyChecking=ask -p 2222 prod1 true");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn only_a_crowded_sshd_is_asked_again() {
    assert!(is_overload(&of("kex_exchange_identification: Connection closed by remote host\nConnection closed by ::1 port 22")));
    assert!(is_overload(&of("kex_exchange_identification: read: Connection reset by peer")));
    assert!(!is_overload(&of("ssh: connect to host prod1 port 22: Connection refused")));
    assert!(!is_overload(&of("deploy@prod1: Permission denied (publickey).")));
}
