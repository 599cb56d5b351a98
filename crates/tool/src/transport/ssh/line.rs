//! The TCP connection that ssh logs in over.
//!
//! ssh leaves Nagle's algorithm on until a session has begun (OpenSSH's packet.c, `ssh_packet_set_interactive`): twice in a login a short
//! packet waits then until the one before it is acknowledged (RFC 896), which takes a round trip and, as the other side has nothing to send,
//! 40 ms more. So where ssh would make the connection in the plainest way, it is made here, without that algorithm, and ssh is told that its
//! standard input and output are it (`ProxyCommand=-`, in its source since February 2013). All else is ssh's, and so is every way through proxies and jump hosts.

use std::{fs::File, io, net::TcpStream, os::fd::OwnedFd, process::Stdio, time::Duration};

use rustix::net::sockopt::set_socket_keepalive;
use tokio::{
    net,
    task::JoinHandle,
    time::{interval, timeout},
};

use super::{
    super::{Limits, TransportError},
    config::Destination,
};

/// How often the system is told to acknowledge at once: it forgets that soon.
const TICK: Duration = Duration::from_millis(3);

/// The shortest that somebody may take to answer: ssh counts whole seconds.
const SHORTEST: Duration = Duration::from_secs(1);

/// What ssh has as its standard input and output.
#[derive(Debug)]
pub(super) enum Line {
    /// The connection.
    Made(TcpStream),
    /// Nothing: ssh makes the connection.
    Unmade(File),
}

impl Line {
    /// Connects to the host, where ssh would do just that. Where nobody answers at once, ssh tries as well: it says best why.
    ///
    /// # Errors
    /// [`TransportError::Unreachable`] when nobody answers in time, [`TransportError::Here`].
    pub(super) async fn open(to: &Destination, limits: &Limits) -> Result<Self, TransportError> {
        match plain(to) {
            Some((host, port)) => Self::to(to, host, port, limits).await,
            None => Self::unmade(),
        }
    }
    /// Tries one address after the other, each for as long as ssh would.
    async fn to(to: &Destination, host: &str, port: u16, limits: &Limits) -> Result<Self, TransportError> {
        let patience = to.seconds("connecttimeout").map_or(limits.connect_timeout(), |seconds| Duration::from_secs(seconds.into()));
        let Ok(mut addresses) = net::lookup_host((host, port)).await.map(Iterator::peekable) else { return Self::unmade() };
        let mut only_silence = addresses.peek().is_some();
        for address in addresses {
            match timeout(patience.max(SHORTEST), net::TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    return made(stream, to).map_err(|source| TransportError::here("the connection can't be given to ssh", source));
                }
                Ok(Err(_)) => only_silence = false,
                Err(_) => {}
            }
        }
        if only_silence {
            return Err(TransportError::Unreachable {
                why: format!("ssh: connect to host {host} port {port}: Connection timed out"),
            });
        }
        Self::unmade()
    }
    fn unmade() -> Result<Self, TransportError> {
        let nothing = File::options().read(true).write(true).open("/dev/null");
        nothing.map(Self::Unmade).map_err(|source| TransportError::here("/dev/null can't be opened", source))
    }
    /// What tells ssh.
    pub(super) fn options(&self) -> &'static [&'static str] {
        match self {
            Self::Made(_) => &["-o", "ProxyCommand=-", "-o", "ProxyUseFdpass=no"],
            Self::Unmade(_) => &[],
        }
    }
    /// The connection once more, where the system can be told how to acknowledge.
    pub(super) fn prompt(&self) -> Option<Prompt> {
        match self {
            Self::Made(stream) if cfg!(target_os = "linux") => stream.try_clone().ok().map(Prompt),
            Self::Made(_) | Self::Unmade(_) => None,
        }
    }
}

/// The connection, to have acknowledged at once what comes.
///
/// sshd, too, waits with a short packet: its answer to the first session waits for the acknowledgement of the host keys that it sends before. This
/// side's system gives that 40 ms later, unless it has something to send until then (RFC 1122, 4.2.3.2).
#[derive(Debug)]
pub(super) struct Prompt(TcpStream);

/// It is so as long as this lives.
#[derive(Debug)]
pub(super) struct Acknowledging(JoinHandle<()>);

impl Prompt {
    pub(super) fn begin(self) -> Acknowledging {
        Acknowledging(tokio::spawn(async move {
            let mut ticks = interval(TICK);
            while acknowledge(&self.0).is_ok() {
                ticks.tick().await;
            }
        }))
    }
}

impl Drop for Acknowledging {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(target_os = "linux")]
fn acknowledge(stream: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::sockopt::set_tcp_quickack(stream, true)?)
}

#[cfg(not(target_os = "linux"))]
fn acknowledge(_: &TcpStream) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

impl From<Line> for Stdio {
    fn from(line: Line) -> Self {
        match line {
            Line::Made(stream) => OwnedFd::from(stream).into(),
            Line::Unmade(file) => file.into(),
        }
    }
}

fn made(stream: net::TcpStream, to: &Destination) -> io::Result<Line> {
    stream.set_nodelay(true)?;
    set_socket_keepalive(&stream, to.is("tcpkeepalive", &["yes", "true"]))?;
    let stream = stream.into_std()?;
    stream.set_nonblocking(false)?;
    Ok(Line::Made(stream))
}

/// Where ssh would connect to, if the user wants nothing of it that depends on who makes the connection: another way, an address of ours, attempts,
/// names and addresses that are looked up beside it, a command that would have the connection as its output.
fn plain(to: &Destination) -> Option<(&str, u16)> {
    const OFF: &[&str] = &["none", "no", "false", ""];
    let ways = ["proxycommand", "proxyjump", "bindaddress", "bindinterface", "canonicalizehostname"];
    let looks = ["checkhostip", "verifyhostkeydns", "nohostauthenticationforlocalhost", "gssapitrustdns", "permitlocalcommand"];
    let is_plain = ways.iter().chain(&looks).all(|name| to.is(name, OFF))
        && to.is("addressfamily", &["any"])
        && to.is("connectionattempts", &["1"]);
    Some((to.option("hostname")?, to.option("port")?.parse().ok()?)).filter(|_| is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(output: &str) -> Destination {
        Destination::said(&format!("hostname web1\nport 2222\n{output}"))
    }

    async fn opened(port: u16) -> Line {
        let to = Destination::said(&format!("hostname 127.0.0.1\nport {port}\n"));
        Line::open(&to, &Limits::new(std::path::Path::new("edeliver"), None)).await.unwrap()
    }

    #[tokio::test]
    async fn a_host_that_answers_is_connected_to_and_one_that_refuses_is_left_to_ssh() {
        let host = net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = host.local_addr().unwrap().port();
        let line = opened(port).await;
        assert_eq!(line.options()[1], "ProxyCommand=-");
        let Line::Made(stream) = line else { panic!("{line:?}") };
        assert!(stream.nodelay().unwrap(), "Nagle's algorithm is off");
        drop(host);
        let line = opened(port).await;
        assert!(line.options().is_empty() && matches!(line, Line::Unmade(_)), "{line:?}");
    }

    #[test]
    fn what_only_ssh_can_do_is_left_to_it() {
        let defaults =
            "addressfamily any\nconnectionattempts 1\ncheckhostip no\ncanonicalizehostname false\npermitlocalcommand no\n";
        assert_eq!(plain(&said(defaults)), Some(("web1", 2222)));
        let others = [
            "proxyjump bastion",
            "proxycommand nc %h %p",
            "bindaddress 10.0.0.1",
            "bindinterface eth1",
            "addressfamily inet6",
            "connectionattempts 3",
            "checkhostip yes",
            "canonicalizehostname always",
            "permitlocalcommand yes",
            "verifyhostkeydns ask",
            "gssapitrustdns yes",
            "nohostauthenticationforlocalhost yes",
        ];
        for other in others {
            assert_eq!(plain(&said(&format!("{other}\n{defaults}"))), None, "{other}");
        }
    }
}
