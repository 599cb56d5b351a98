//! From a node that was found to an open link: port, handshake, and proof that the right process answers and takes calls.

use std::time::Duration;

use async_trait::async_trait;
use edeliver_erl::{
    Term,
    dist::{
        NodeName,
        guarded::Raised,
        handshake::{Connected, Expected, Handshake, HandshakeError, Identity},
        session::{NoValue, Session},
    },
    term::Atom,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::mpsc,
    time::{Instant, timeout_at},
};

use super::{
    CallError, Link, LinkError, Mfa, Printed, Way,
    driver::{Answer, Driver},
    names,
    room::{Room, Taken},
};
use crate::{
    node::Found,
    transport::{Stream, Transport, TransportError},
};

/// Where several ports are tried one after the other, none may take all the time: an application's own port swallows what we say.
const STRANGER: Duration = Duration::from_secs(1);

/// What a node refuses it refuses within this time.
const AT_ONCE: Duration = Duration::from_secs(2);

/// A link over Erlang distribution.
pub(super) struct Dist {
    node: NodeName,
    creation: u32,
    driver: Driver,
    /// For the last value, until the next call or the end of the link: so long it may be in use.
    taken: Option<Taken>,
}

/// Connects to a node that was found.
pub(super) async fn connect(host: &dyn Transport, found: &Found, patience: Duration) -> Result<Dist, LinkError> {
    let expected = expected(found)?;
    let ports = found.ports.candidates();
    let deadline = Instant::now() + patience;
    let mut last = if found.ports.listening.is_some() { LinkError::Starting } else { LinkError::Unregistered };
    for port in &ports {
        let until = if ports.len() == 1 { deadline } else { deadline.min(Instant::now() + STRANGER) };
        let attempt = Attempt { host, found, port: *port, expected: &expected, until };
        match timeout_at(until, attempt.made()).await.unwrap_or(Err(LinkError::Hung { after: patience })) {
            Ok(link) => return Ok(link),
            // It took the connection and proved who it is.
            Err(error @ (LinkError::WrongCookie | LinkError::Starting)) => return Err(error),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// What has to be there before a connection is worth a try.
fn expected(found: &Found) -> Result<Expected, LinkError> {
    if found.stopped {
        return Err(LinkError::Stopped);
    }
    let name = found.name.as_ref().ok_or(LinkError::NoDistribution)?.as_str();
    if found.is_tls() {
        return Err(LinkError::Tls);
    }
    Ok(match NodeName::new(name) {
        Ok(node) => Expected::Node(node),
        Err(_) => Expected::Name(name.to_owned()),
    })
}

struct Attempt<'a> {
    host: &'a dyn Transport,
    found: &'a Found,
    port: u16,
    expected: &'a Expected,
    until: Instant,
}

impl Attempt<'_> {
    /// A node that closes the connection instead of a proof refuses the cookie, and does that at once. One that is too busy to shake
    /// hands in time does it too, after seconds: that one is asked once more.
    async fn made(&self) -> Result<Dist, LinkError> {
        let began = Instant::now();
        match self.link().await {
            Err(LinkError::WrongCookie) if began.elapsed() > AT_ONCE => self.link().await,
            other => other,
        }
    }

    async fn link(&self) -> Result<Dist, LinkError> {
        let mut last = HandshakeError::NameTaken;
        for identity in names::identities(&self.host_part()) {
            match self.shake_hands(&identity).await? {
                Ok((stream, connected)) => return self.check(stream, connected).await,
                Err(error @ HandshakeError::NameTaken) => last = error,
                Err(HandshakeError::Cookie | HandshakeError::PeerCookie) => return Err(LinkError::WrongCookie),
                // Another node has the name: ours could not take it, and is about to end.
                Err(HandshakeError::OtherNode(_)) if self.found.ports.listening.is_none() => return Err(LinkError::Starting),
                Err(error) => return Err(LinkError::Refused(error)),
            }
        }
        Err(LinkError::Refused(last))
    }

    /// The host part of our own name: that of the node, as far as it is known.
    fn host_part(&self) -> String {
        match self.expected {
            Expected::Node(node) => node.host().to_owned(),
            _ => "localhost".to_owned(),
        }
    }

    async fn shake_hands(&self, identity: &Identity) -> Result<Result<(Box<dyn Stream>, Connected), HandshakeError>, LinkError> {
        let cookie = self.found.cookie().ok_or(LinkError::NoCookie)?.clone();
        let mut stream = self.host.connect(self.port).await.map_err(unreachable)?;
        let (mut handshake, hello) = Handshake::start(identity, self.expected.clone(), cookie, names::random());
        if stream.write_all(&hello).await.is_err() {
            return Err(LinkError::Ended);
        }
        let mut buffer = vec![0; 4096];
        loop {
            let len = stream.read(&mut buffer).await.unwrap_or(0);
            if len == 0 {
                return Ok(Err(handshake.closed()));
            }
            let progress = match handshake.receive(&buffer[..len]) {
                Ok(progress) => progress,
                Err(error) => return Ok(Err(error)),
            };
            // A node that is gone by now shows by the end of its answer.
            let _ = stream.write_all(&progress.send).await;
            if let Some(connected) = progress.connected {
                return Ok(Ok((stream, connected)));
            }
        }
    }

    /// The process that answers must be the one that was found, and take calls.
    async fn check(&self, stream: Box<dyn Stream>, connected: Connected) -> Result<Dist, LinkError> {
        let (node, creation) = (connected.peer.clone(), connected.peer_creation);
        let driver = Driver::start(stream, Session::new(connected), Room::shared());
        let mut answers =
            driver.call((Atom::literal("os"), Atom::literal("getpid"), Vec::new())).await.map_err(|_| LinkError::Ended)?;
        let Ok(answer) = timeout_at(self.until - ROOM, answers.recv()).await else { return Err(LinkError::Starting) };
        let Some(Answer::Returned(Ok(pid), _)) = answer else { return Err(LinkError::Ended) };
        let pid = pid.to_text().and_then(|pid| pid.parse().ok());
        if self.found.pid.is_some() && pid != self.found.pid {
            return Err(LinkError::Starting);
        }
        Ok(Dist { node, creation, driver, taken: None })
    }
}

/// The node that shook hands and does not take calls is to be told from one that did not even do that, before all of the time is over.
const ROOM: Duration = Duration::from_millis(100);

fn unreachable(error: TransportError) -> LinkError {
    LinkError::Unreachable(Box::new(error))
}

impl Dist {
    async fn result(&mut self, answers: &mut mpsc::Receiver<Answer>, printed: Printed<'_>) -> Result<Term, CallError> {
        loop {
            match answers.recv().await {
                Some(Answer::Printed(text, _taken)) => printed(&text),
                Some(Answer::Returned(result, taken)) => {
                    self.taken = taken;
                    return result.map_err(CallError::from);
                }
                None => return Err(CallError::Lost),
            }
        }
    }
}

impl From<NoValue> for CallError {
    fn from(none: NoValue) -> Self {
        match none {
            NoValue::Raised(raised) => raised.into(),
            NoValue::TooLarge { len } => Self::TooLarge { bytes: len },
        }
    }
}

impl From<Raised> for CallError {
    fn from(raised: Raised) -> Self {
        Self::Raised { class: raised.class, reason: raised.reason, stack: raised.stack }
    }
}

#[async_trait]
impl Link for Dist {
    fn node(&self) -> &NodeName {
        &self.node
    }
    fn way(&self) -> Way {
        Way::Distribution
    }
    fn creation(&self) -> Option<u32> {
        Some(self.creation)
    }
    async fn call(&mut self, call: &Mfa, patience: Duration, printed: Printed<'_>) -> Result<Term, CallError> {
        let until = Instant::now() + patience;
        self.taken = None;
        let request = (call.module.clone(), call.function.clone(), call.arguments.clone());
        let mut answers = self.driver.call(request).await.map_err(|_| CallError::Ended)?;
        let result = timeout_at(until, self.result(&mut answers, printed)).await;
        result.unwrap_or(Err(CallError::Timeout { after: patience })).map_err(|error| error.of(call))
    }
    async fn close(self: Box<Self>) {}
}
