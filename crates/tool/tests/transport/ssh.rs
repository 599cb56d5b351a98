//! ssh against a real sshd.

use edeliver::transport::Transport;

use crate::{conformance::conformance, sshd::Sshd};

#[tokio::test]
async fn a_host_behind_ssh_keeps_the_promises() {
    let sshd = Sshd::start("");
    let host = sshd.open().await.unwrap();
    conformance(&host).await;
    assert_eq!(host.counts().logins, 1);
    assert_eq!(sshd.logins(), 1);
    host.close().await;
}
