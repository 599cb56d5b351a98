//! Frames after the handshake: a length in four bytes, and a message or, with length 0, a tick.
//!
//! What a node sends may be larger than we want to hold. Of such a message the front is kept, which says what it is about; the rest is
//! dropped as it comes, and the connection stays of use.

use super::control::Control;
use crate::term::Term;
use crate::term::etf::{self, DecodeError, DecodeErrorKind};

/// Type byte of a message with complete terms, the only kind that comes when no atom cache was agreed upon.
const PASS_THROUGH: u8 = 112;

/// A sign of life. A node whose ticks stay unanswered drops the connection after `net_ticktime`, 60 s by default.
pub const TICK: [u8; 4] = [0; 4];

/// Longest message that is taken, 64 MiB. Calls that return more are mistakes.
pub const MAX_LEN: usize = 64 << 20;

/// Most terms that a message may consist of: a list of small integers takes 16 times as much memory as it has bytes here.
pub const MAX_TERMS: usize = 2 << 20;

/// As much of a message that is too large says what it is about: the longest names make less.
const FRONT: usize = 8 << 10;

/// Room that is kept between messages.
const KEPT: usize = 1 << 20;

/// What the peer sent.
#[derive(Debug, Clone, PartialEq)]
pub enum Frame {
    /// Answer with a [`TICK`].
    Tick,
    /// A signal, with a message if it carries one.
    Message(Control, Option<Term>),
    /// A signal whose message is larger than [`MAX_LEN`] or [`MAX_TERMS`], and was dropped.
    TooLarge {
        /// What it is about.
        control: Control,
        /// The first elements of the message, where it is a tuple.
        front: Vec<Term>,
        /// Bytes that it had.
        len: usize,
    },
}

/// A frame cannot be used; the connection is lost, as nobody knows where the next one starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// A signal itself, without its message, is longer than any that we know.
    #[error("a signal of {0} bytes is too long")]
    TooLong(usize),
    /// Not of the kind agreed upon.
    #[error("a message of type {0} was not agreed upon")]
    Type(u8),
    /// Not terms.
    #[error("a message that does not consist of terms")]
    Term(#[from] DecodeError),
}

/// Collects bytes until they make a frame.
#[derive(Debug, Default)]
pub struct Frames {
    input: Vec<u8>,
    /// Bytes at the start of `input` that are done with.
    used: usize,
    /// Bytes that are still to come of a message that is dropped.
    dropping: usize,
}

impl Frames {
    /// Takes bytes the peer sent, in whatever pieces they come.
    pub fn push(&mut self, bytes: &[u8]) {
        self.clear();
        let dropped = self.dropping.min(bytes.len());
        self.dropping -= dropped;
        self.input.extend(&bytes[dropped..]);
    }

    /// Length of the message that has begun to come, as it says itself. 0 between messages, and of one that will be dropped.
    #[must_use]
    pub fn coming(&self) -> usize {
        let len = self.input[self.used..].first_chunk().map_or(0, |len| u32::from_be_bytes(*len));
        usize::try_from(len).ok().filter(|len| *len <= MAX_LEN).unwrap_or(0)
    }

    /// The next frame, if all of it is there.
    ///
    /// # Errors
    /// Close the connection.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, FrameError> {
        let Some((len, rest)) = self.input[self.used..].split_first_chunk() else { return Ok(None) };
        let len = usize::try_from(u32::from_be_bytes(*len)).unwrap_or(usize::MAX);
        let there = rest.len().min(len);
        let frame = match rest.get(..len.min(MAX_LEN)) {
            Some(body) if len <= MAX_LEN => parse(body)?,
            _ if len > MAX_LEN && there >= FRONT => too_large(&rest[..there], len)?,
            _ => return Ok(None),
        };
        self.used += 4 + there;
        self.dropping = len - there;
        // Of a long message nothing is kept twice while its terms are being used.
        if self.used > KEPT {
            self.clear();
        }
        Ok(Some(frame))
    }

    /// Forgets the bytes that are done with.
    fn clear(&mut self) {
        self.input.drain(..self.used);
        self.used = 0;
        if self.input.capacity() > KEPT && self.input.len() < KEPT {
            self.input.shrink_to(KEPT);
        }
    }
}

fn parse(body: &[u8]) -> Result<Frame, FrameError> {
    if body.is_empty() {
        return Ok(Frame::Tick);
    }
    let (control, rest) = signal(body)?;
    let message = match rest {
        [] => None,
        message => match etf::decode_within(message, MAX_TERMS) {
            Ok(message) => Some(message),
            Err(DecodeError { kind: DecodeErrorKind::TooMany, .. }) => return too_large(body, body.len()),
            Err(error) => return Err(error.into()),
        },
    };
    Ok(Frame::Message(control, message))
}

/// The signal at the start of a frame, and the bytes after it.
fn signal(body: &[u8]) -> Result<(Control, &[u8]), FrameError> {
    let (kind, body) = body.split_first().unwrap_or((&0, body));
    if *kind != PASS_THROUGH {
        return Err(FrameError::Type(*kind));
    }
    let (control, rest) = etf::decode_prefix(body)?;
    Ok((Control::from_term(control), rest))
}

/// What can be said of a frame by its start.
fn too_large(start: &[u8], len: usize) -> Result<Frame, FrameError> {
    let (control, message) = match signal(&start[..start.len().min(FRONT)]) {
        Err(FrameError::Term(_)) => return Err(FrameError::TooLong(len)),
        other => other?,
    };
    Ok(Frame::TooLarge { control, front: etf::decode_front(message), len })
}

/// The frame of a signal and its message.
///
/// # Panics
/// Beyond 4 GiB, where the protocol ends.
#[must_use]
pub fn encode(control: &Control, message: Option<&Term>) -> Vec<u8> {
    let mut frame = vec![0, 0, 0, 0, PASS_THROUGH];
    etf::encode_into(&mut frame, &control.to_term());
    if let Some(message) = message {
        etf::encode_into(&mut frame, message);
    }
    let len = u32::try_from(frame.len() - 4).expect("a message is shorter than 4 GiB");
    frame[..4].copy_from_slice(&len.to_be_bytes());
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::term::testing::arbitrary_term;
    use crate::term::{Atom, Pid};
    use proptest::prelude::*;

    fn pid() -> Pid {
        Pid { node: Atom::literal("a@b"), id: 7, serial: 0, creation: 3 }
    }

    #[test]
    fn what_was_not_agreed_upon_is_an_error() {
        let next = |bytes: &[u8]| {
            let mut frames = Frames::default();
            frames.push(bytes);
            frames.next_frame()
        };
        assert_eq!(next(&TICK), Ok(Some(Frame::Tick)));
        assert_eq!(next(&[0, 0, 0]), Ok(None));
        assert_eq!(next(&[0, 0, 0, 2, 131, 68]), Err(FrameError::Type(131)));
        assert_eq!(next(&[0xff; 4]), Ok(None), "its front is waited for");
        let nonsense = [&[0xff, 0xff, 0xff, 0xff, 112, 131, 104, 2][..], &[109, 0xff, 0xff, 0xff, 0xff], &[0; FRONT]].concat();
        assert_eq!(next(&nonsense), Err(FrameError::TooLong(0xffff_ffff)));
        assert!(matches!(next(&[0, 0, 0, 2, 112, 131]), Err(FrameError::Term(_))));
    }

    #[test]
    fn a_message_says_how_long_it_is_before_it_has_come() {
        let message = encode(&Control::Send { to: pid() }, Some(&Term::binary(vec![7; 3 << 20])));
        let mut frames = Frames::default();
        frames.push(&TICK);
        assert_eq!((frames.next_frame(), frames.coming()), (Ok(Some(Frame::Tick)), 0));
        frames.push(&message[..9]);
        assert_eq!((frames.next_frame(), frames.coming()), (Ok(None), message.len() - 4));
        frames.push(&message[9..]);
        assert!(matches!(frames.next_frame(), Ok(Some(Frame::Message(..)))));
        assert!((frames.coming(), frames.input.capacity() <= KEPT) == (0, true), "{} bytes", frames.input.capacity());
        frames.push(&[0xff; 4]);
        assert_eq!(frames.coming(), 0, "of what will be dropped nothing is kept");
    }

    /// Both kinds of too much: bytes, and terms made of few bytes.
    #[test]
    fn of_a_message_that_is_too_large_the_front_is_kept_and_the_next_one_is_read() {
        let control = Control::Send { to: pid() };
        let next = encode(&control, Some(&Term::from(7)));
        let dropped = |message: &[u8], len: usize| {
            let mut frame = encode(&control, None);
            frame.extend(message);
            frame.resize(4 + len, 106);
            frame[..4].copy_from_slice(&u32::try_from(len).unwrap().to_be_bytes());
            let mut frames = Frames::default();
            let mut read = Vec::new();
            for piece in frame.chunks(64 << 10).chain([&next[..]]) {
                frames.push(piece);
                while let Some(frame) = frames.next_frame().unwrap() {
                    read.push(frame);
                }
            }
            assert!(frames.input.capacity() < MAX_LEN / 2 + KEPT, "{} bytes", frames.input.capacity());
            let front = vec![Term::atom("front")];
            assert_eq!(read[0], Frame::TooLarge { control: control.clone(), front, len });
            assert_eq!(read[1..], [Frame::Message(control.clone(), Some(Term::from(7)))]);
        };
        // A pair of an atom and a binary of 80 MiB.
        let binary = [&[131, 104, 2, 119, 5][..], b"front", &[109, 5, 0, 0, 0]].concat();
        dropped(&binary, 80 << 20);
        // A pair of an atom and a list of as many empty lists as it has bytes.
        let count = 3u32 << 20;
        let list = [&[131, 104, 2, 119, 5][..], b"front", &[108], &count.to_be_bytes()].concat();
        dropped(&list, encode(&control, None).len() - 4 + list.len() + count as usize + 1);
    }

    proptest! {
        #[test]
        fn frames_survive_any_cut(terms in prop::collection::vec(arbitrary_term(), 1..4), size in 1usize..40) {
            let control = Control::RegSend { from: pid(), to: Atom::literal("rex") };
            let bytes: Vec<u8> = terms.iter().flat_map(|term| [encode(&control, Some(term)), TICK.to_vec()].concat()).collect();
            let mut frames = Frames::default();
            let mut read = Vec::new();
            for piece in bytes.chunks(size) {
                frames.push(piece);
                while let Some(frame) = frames.next_frame().unwrap() {
                    read.push(frame);
                }
            }
            let expected: Vec<Frame> = terms.into_iter()
                .flat_map(|term| [Frame::Message(control.clone(), Some(term)), Frame::Tick]).collect();
            prop_assert_eq!(read, expected);
        }

        #[test]
        fn arbitrary_frames_never_panic(body in prop::collection::vec(any::<u8>(), 0..60)) {
            let mut frames = Frames::default();
            frames.push(&u32::try_from(body.len()).unwrap().to_be_bytes());
            frames.push(&body);
            drop(frames.next_frame());
        }
    }
}
