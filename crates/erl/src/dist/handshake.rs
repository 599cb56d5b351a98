//! The handshake of the side that connects, version 6.
//!
//! We send our name, the node its status and a challenge; we answer the challenge and send our own, the node answers that.
//! Each message has its length in two bytes before it. A node that does not like our cookie closes the connection after our
//! answer without a word, which is why [`Handshake::closed`] knows better than the socket what happened.

use super::{Cookie, NodeName, flags};

/// Who we say we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Identity {
    /// A node of that name. Must be unique among the nodes connected to the peer.
    Named {
        /// Name.
        node: NodeName,
        /// Distinguishes this run from earlier ones of the same name; not 0.
        creation: u32,
    },
    /// The peer makes up a name for a node on that host.
    Nameless {
        /// Host part of the name.
        host: String,
    },
}

/// Which node should answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Any will do.
    Any,
    /// One whose name begins so, up to the `@`: a command line often has no more.
    Name(String),
    /// This one.
    Node(NodeName),
}

impl Expected {
    fn fits(&self, peer: &NodeName) -> bool {
        match self {
            Self::Any => true,
            Self::Name(name) => peer.name() == name,
            Self::Node(node) => peer == node,
        }
    }
}

/// What is known after the handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connected {
    /// Our name.
    pub local: NodeName,
    /// Our creation.
    pub creation: u32,
    /// The name of the node at the other end.
    pub peer: NodeName,
    /// Changes with every start of that node: the one sure sign of a restart.
    pub peer_creation: u32,
    /// What that node can do, see [`flags`].
    pub peer_flags: u64,
    /// Bytes of the time after the handshake that came with its end.
    pub rest: Vec<u8>,
}

/// What to do after bytes came in.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Send this; may be empty.
    pub send: Vec<u8>,
    /// The handshake is over; no more bytes go to it.
    pub connected: Option<Connected>,
}

/// A node could not be connected to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// A refusal with a status: `not_allowed` where a capability it demands is missing, or the node has a
    /// list of nodes that may connect (`net_kernel:allow/1`).
    #[error("the node refuses with status {0}")]
    Refused(String),
    /// Another connection under our name is there, or on its way. It is left alone: choose another name.
    #[error("the node is connected to another node of our name")]
    NameTaken,
    /// It closed the connection where it would if the cookies differ.
    #[error("the node closed the connection on our cookie")]
    Cookie,
    /// It closed the connection before that.
    #[error("the node closed the connection during the handshake")]
    Closed,
    /// Its answer to our challenge is wrong: it does not know the cookie.
    #[error("the node could not prove that it knows the cookie")]
    PeerCookie,
    /// Another node answers than was asked for.
    #[error("the node calls itself {0}")]
    OtherNode(NodeName),
    /// Not a message of the handshake.
    #[error("the peer does not speak the distribution protocol")]
    Protocol,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Status,
    Challenge,
    Ack,
    Over,
}

/// A handshake under way.
#[derive(Debug)]
pub struct Handshake {
    state: State,
    cookie: Cookie,
    /// Our challenge.
    challenge: u32,
    local: Option<(NodeName, u32)>,
    expected: Expected,
    peer: Option<(NodeName, u32, u64)>,
    input: Vec<u8>,
}

impl Handshake {
    /// Begins; returns the handshake and what to send first. `challenge` must be random. A node that is not the
    /// `expected` one gets no proof that we know the cookie.
    #[must_use]
    pub fn start(identity: &Identity, expected: Expected, cookie: Cookie, challenge: u32) -> (Self, Vec<u8>) {
        let (name, creation, flags) = match identity {
            Identity::Named { node, creation } => (node.as_atom().as_str(), *creation, flags::OFFERED),
            Identity::Nameless { host } => (host.as_str(), 0, flags::OFFERED | flags::NAME_ME),
        };
        let len = u16::try_from(name.len()).unwrap_or(u16::MAX).to_be_bytes();
        let hello = [b"N", &flags.to_be_bytes()[..], &creation.to_be_bytes(), &len, name.as_bytes()].concat();
        let local = match identity {
            Identity::Named { node, creation } => Some((node.clone(), *creation)),
            Identity::Nameless { .. } => None,
        };
        let handshake = Self { state: State::Status, cookie, challenge, local, expected, peer: None, input: Vec::new() };
        (handshake, packet(&hello))
    }

    /// Takes bytes the peer sent, in whatever pieces they come.
    ///
    /// # Errors
    /// The peer refuses, is another one, or talks nonsense; close the connection.
    pub fn receive(&mut self, bytes: &[u8]) -> Result<Progress, HandshakeError> {
        self.input.extend(bytes);
        let mut progress = Progress::default();
        while let Some(message) = self.next_message() {
            match self.state {
                State::Status => progress.send.extend(self.status(&message)?),
                State::Challenge => progress.send.extend(self.answer(&message)?),
                State::Ack => progress.connected = Some(self.finish(&message)?),
                State::Over => return Err(HandshakeError::Protocol),
            }
            if self.state == State::Over {
                break;
            }
        }
        Ok(progress)
    }

    /// What it means that the peer closed the connection now.
    #[must_use]
    pub fn closed(&self) -> HandshakeError {
        if self.state == State::Ack { HandshakeError::Cookie } else { HandshakeError::Closed }
    }

    fn next_message(&mut self) -> Option<Vec<u8>> {
        let (len, rest) = self.input.split_first_chunk()?;
        let message = rest.get(..usize::from(u16::from_be_bytes(*len)))?.to_vec();
        self.input.drain(..2 + message.len());
        Some(message)
    }

    fn status(&mut self, message: &[u8]) -> Result<Vec<u8>, HandshakeError> {
        let status = message.strip_prefix(b"s").ok_or(HandshakeError::Protocol)?;
        self.state = State::Challenge;
        match status {
            b"ok" | b"ok_simultaneous" => Ok(Vec::new()),
            // To say `true` would end the other connection, in the middle of a call perhaps; to say nothing is as good as `false`.
            b"alive" | b"nok" => Err(HandshakeError::NameTaken),
            _ => match status.strip_prefix(b"named:") {
                Some(named) if self.local.is_none() => {
                    self.local = Some(parse_named(named).ok_or(HandshakeError::Protocol)?);
                    Ok(Vec::new())
                }
                _ => Err(HandshakeError::Refused(String::from_utf8_lossy(status).into_owned())),
            },
        }
    }

    fn answer(&mut self, message: &[u8]) -> Result<Vec<u8>, HandshakeError> {
        let (peer, challenge) = parse_challenge(message).ok_or(HandshakeError::Protocol)?;
        if !self.expected.fits(&peer.0) {
            return Err(HandshakeError::OtherNode(peer.0));
        }
        self.peer = Some(peer);
        self.state = State::Ack;
        Ok(packet(&[b"r", &self.challenge.to_be_bytes()[..], &self.cookie.digest(challenge)].concat()))
    }

    fn finish(&mut self, message: &[u8]) -> Result<Connected, HandshakeError> {
        let digest = message.strip_prefix(b"a").ok_or(HandshakeError::Protocol)?;
        if digest != self.cookie.digest(self.challenge) {
            return Err(HandshakeError::PeerCookie);
        }
        self.state = State::Over;
        let (local, creation) = self.local.take().ok_or(HandshakeError::Protocol)?;
        let (peer, peer_creation, peer_flags) = self.peer.take().ok_or(HandshakeError::Protocol)?;
        let rest = std::mem::take(&mut self.input);
        Ok(Connected { local, creation, peer, peer_creation, peer_flags, rest })
    }
}

fn packet(message: &[u8]) -> Vec<u8> {
    let len = u16::try_from(message.len()).expect("names are short");
    [&len.to_be_bytes()[..], message].concat()
}

/// Length, name, creation.
fn parse_named(named: &[u8]) -> Option<(NodeName, u32)> {
    let (len, rest) = named.split_first_chunk()?;
    let (name, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*len)))?;
    let creation = u32::from_be_bytes(*rest.first_chunk()?);
    Some((NodeName::new(str::from_utf8(name).ok()?).ok()?, creation))
}

/// `N`, flags, challenge, creation, length, name; returns name, creation, flags, and the challenge.
fn parse_challenge(message: &[u8]) -> Option<((NodeName, u32, u64), u32)> {
    let rest = message.strip_prefix(b"N")?;
    let (flags, rest) = rest.split_first_chunk()?;
    let (challenge, rest) = rest.split_first_chunk()?;
    let (creation, rest) = rest.split_first_chunk()?;
    let (len, rest) = rest.split_first_chunk()?;
    let name = rest.get(..usize::from(u16::from_be_bytes(*len)))?;
    let name = NodeName::new(str::from_utf8(name).ok()?).ok()?;
    Some(((name, u32::from_be_bytes(*creation), u64::from_be_bytes(*flags)), u32::from_be_bytes(*challenge)))
}

#[cfg(test)]
mod tests;
