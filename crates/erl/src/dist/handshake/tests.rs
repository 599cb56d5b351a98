use super::*;

fn node(name: &str) -> NodeName {
    NodeName::new(name).unwrap()
}

fn named() -> Identity {
    Identity::Named { node: node("tool@host"), creation: 7 }
}

fn start() -> Handshake {
    Handshake::start(&named(), Expected::Node(node("app@host")), Cookie::new("secret\n"), 42).0
}

fn challenge(name: &str) -> Vec<u8> {
    let len = u16::try_from(name.len()).unwrap().to_be_bytes();
    packet(&[b"N", &0xd_ffu64.to_be_bytes()[..], &99u32.to_be_bytes(), &5u32.to_be_bytes(), &len, name.as_bytes()].concat())
}

fn ack(cookie: &str) -> Vec<u8> {
    packet(&[&b"a"[..], &Cookie::new(cookie).digest(42)].concat())
}

#[test]
fn our_name_comes_first() {
    let (_, hello) = Handshake::start(&named(), Expected::Any, Cookie::new("c"), 1);
    assert_eq!(hello[..3], [0, 24, b'N']);
    assert_eq!(hello[3..11], flags::OFFERED.to_be_bytes());
    assert_eq!(hello[11..], *b"\0\0\0\x07\0\x09tool@host");
    let (_, hello) = Handshake::start(&Identity::Nameless { host: "h".into() }, Expected::Any, Cookie::new("c"), 1);
    assert_eq!(hello[3..11], (flags::OFFERED | flags::NAME_ME).to_be_bytes());
}

/// The whole conversation, byte by byte, with a first frame right behind it.
#[test]
fn a_handshake_succeeds_in_whatever_pieces_it_comes() {
    let mut handshake = start();
    let peer = [packet(b"sok"), challenge("app@host"), ack("secret"), b"rest".to_vec()].concat();
    let mut sent = Vec::new();
    for (at, byte) in peer.iter().enumerate() {
        let progress = handshake.receive(&[*byte]).unwrap();
        sent.extend(progress.send);
        if let Some(connected) = progress.connected {
            assert_eq!(peer[at + 1..], *b"rest");
            assert_eq!((connected.peer, connected.peer_creation, connected.peer_flags), (node("app@host"), 5, 0xd_ff));
            assert_eq!((connected.local, connected.creation, connected.rest), (node("tool@host"), 7, vec![]));
            let digest = Cookie::new("secret").digest(99);
            assert_eq!(sent, packet(&[b"r", &42u32.to_be_bytes()[..], &digest].concat()));
            return;
        }
    }
    panic!("not connected");
}

#[test]
fn what_follows_the_handshake_is_kept() {
    let mut handshake = start();
    let peer = [packet(b"sok_simultaneous"), challenge("app@host"), ack("secret"), b"rest".to_vec()].concat();
    assert_eq!(handshake.receive(&peer).unwrap().connected.unwrap().rest, b"rest");
}

#[test]
fn another_connection_of_our_name_is_left_alone() {
    assert_eq!(start().receive(&packet(b"salive")), Err(HandshakeError::NameTaken));
    assert_eq!(start().receive(&packet(b"snok")), Err(HandshakeError::NameTaken));
}

#[test]
fn the_first_part_of_a_name_may_be_all_that_is_known() {
    for (peer, fits) in [("app@host", true), ("app@other", true), ("apple@host", false)] {
        let (mut handshake, _) = Handshake::start(&named(), Expected::Name("app".into()), Cookie::new("secret"), 42);
        assert_eq!(handshake.receive(&[packet(b"sok"), challenge(peer)].concat()).is_ok(), fits, "{peer}");
    }
}

#[test]
fn a_name_is_given_on_request() {
    let (mut handshake, _) = Handshake::start(&Identity::Nameless { host: "h".into() }, Expected::Any, Cookie::new("secret"), 42);
    let peer = [packet(b"snamed:\0\x03x@h\0\0\0\x09"), challenge("any@h"), ack("secret")].concat();
    let connected = handshake.receive(&peer).unwrap().connected.unwrap();
    assert_eq!((connected.local, connected.creation), (node("x@h"), 9));
}

#[test]
fn failures_are_told_apart() {
    assert_eq!(start().receive(&packet(b"snot_allowed")), Err(HandshakeError::Refused("not_allowed".into())));
    assert_eq!(start().receive(&packet(b"hello")), Err(HandshakeError::Protocol));
    assert_eq!(start().closed(), HandshakeError::Closed);
    let mut handshake = start();
    assert_eq!(
        handshake.receive(&[packet(b"sok"), challenge("other@host")].concat()),
        Err(HandshakeError::OtherNode(node("other@host")))
    );
    let mut handshake = start();
    handshake.receive(&[packet(b"sok"), challenge("app@host")].concat()).unwrap();
    assert_eq!(handshake.closed(), HandshakeError::Cookie);
    assert_eq!(handshake.receive(&ack("other")), Err(HandshakeError::PeerCookie));
}
